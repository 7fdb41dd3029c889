#include "estimators/frequency_law.h"

#include <stdexcept>

namespace bochner {

void FrequencyLaw::from_uniforms(std::span<const double>, std::span<double>) const {
  throw std::invalid_argument("from_uniforms: the frequency law '" + name() + "' cannot be made of uniform numbers");
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
