#include "estimators/radial_laws/stable_mixture.h"

#include "core/check.h"
#include "estimators/radial_laws/cosine_harmonic.h"

#include <boost/math/special_functions/sin_pi.hpp>

#include <cmath>
#include <numbers>
#include <stdexcept>
#include <string>

namespace bochner {

StableMixtureLaw::StableMixtureLaw(double gamma, const std::string& owner) : gamma_(gamma) {
  require_positive(gamma, owner, "gamma");
  if (gamma > 2) {
    throw std::domain_error(owner + ": gamma is " + component_number(gamma) + "; expected at most 2");
  }
}

double StableMixtureLaw::mixing(std::span<const double> uniforms) const {
  if (gamma_ == 2) return 2;
  const double a = gamma_ / 2;
  const double u = uniforms[0];
  using boost::math::sin_pi;
  // By logarithms: powers of 1 / a leave the range of a double where a is small.
  const double log_s = std::log(sin_pi(a * u)) - std::log(sin_pi(u)) / a +
                       (1 - a) / a * (std::log(sin_pi((1 - a) * u)) - std::log(-std::log(uniforms[1])));
  return 2 * std::exp(log_s);
}

long double StableMixtureLaw::log_laplace(double s) const {
  return -std::pow(2 * static_cast<long double>(s), static_cast<long double>(gamma_) / 2);
}

double StableMixtureLaw::gap(double s) const { return -std::expm1(-std::pow(2 * s, gamma_ / 2)); }

double StableMixtureLaw::cosine_variance_at(double q) const {
  const double a = 2 * std::pow(q, gamma_ / 2);
  const double first = std::expm1(-a);
  const double power = std::exp2(gamma_ - 1);
  const double rest = -2 * std::expm1((gamma_ - 2) * std::numbers::ln2);  // 2 - 2^(gamma - 1)
  return (first * first - std::exp(-power * a) * std::expm1(-rest * a)) / 2;
}

std::optional<SignedLog> StableMixtureLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (shape != Shape::kCos || gamma_ != 2) return std::nullopt;
  if (degree == 0) return mean(shape, dim, q);
  if (q == 0 || degree % 2 != 0) return SignedLog{};
  const CosineHarmonic gaussian(dim, degree);
  return SignedLog::from(gaussian.sign() * gaussian.at(q));
}

}  // namespace bochner
