#include "estimators/frequency_law.h"

#include <boost/math/special_functions/erf.hpp>

#include <numbers>
#include <stdexcept>

namespace bochner {

void FrequencyLaw::from_uniforms(std::span<const double>, std::span<double>) const {
  throw std::invalid_argument("from_uniforms: the frequency law '" + name() + "' cannot be made of uniform numbers");
}

void normals_from_uniforms(std::span<const double> uniforms, std::span<double> normals) {
  for (std::size_t j = 0; j < normals.size(); ++j) {
    normals[j] = -std::numbers::sqrt2 * boost::math::erfc_inv(2 * uniforms[j]);
  }
}

double squared_norm(std::span<const double> u) {
  double sum = 0;
  for (const double value : u) sum += value * value;
  return sum;
}

const RadialLaw& require_isotropic(const FrequencyLaw& law, const std::string& who) {
  const RadialLaw* radial = law.isotropic();
  if (!radial) {
    throw std::invalid_argument(who + ": the frequency law '" + law.describe() +
                                "' has no uniform direction; expected an isotropic one");
  }
  return *radial;
}

}  // namespace bochner
