#include "estimators/radial_laws/gamma_mixture.h"

#include "core/check.h"
#include "estimators/radial_laws/cosine_harmonic.h"
#include "estimators/radial_laws/gamma_nodes.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>

namespace bochner {

GammaMixtureLaw::GammaMixtureLaw(double alpha, const std::string& owner) : alpha_(alpha) {
  require_positive(alpha, owner, "alpha");
}

double GammaMixtureLaw::mixing(std::span<const double> uniforms) const {
  return boost::math::gamma_p_inv(alpha_, uniforms[0]) / alpha_;
}

long double GammaMixtureLaw::log_laplace(double s) const {
  const long double alpha = alpha_;
  return -alpha * std::log1p(s / alpha);
}

double GammaMixtureLaw::gap(double s) const { return -std::expm1(-alpha_ * std::log1p(s / alpha_)); }

double GammaMixtureLaw::cosine_variance_at(double q) const {
  const double x = q / (2 * alpha_);
  const double log_k = -alpha_ * std::log1p(x);
  const double first = std::expm1(2 * log_k);
  // k(2u) = (1 + 4x)^-alpha; k(2u) - k^4 from whichever end does not overflow.
  const double log_ratio = x < 1 ? alpha_ * std::log1p(x * x * (6 + x * (4 + x)) / (1 + 4 * x))
                                 : alpha_ * (4 * std::log1p(x) - std::log1p(4 * x));
  const double second = -std::exp(-alpha_ * std::log1p(4 * x)) * std::expm1(-log_ratio);
  return (first * first + second) / 2;
}

std::optional<SignedLog> GammaMixtureLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (shape != Shape::kCos) return std::nullopt;
  if (degree == 0) return mean(shape, dim, q);
  if (q == 0 || degree % 2 != 0) return SignedLog{};
  const CosineHarmonic gaussian(dim, degree);
  // The harmonic grows as tau^(l/2) while tau q is small.
  const double lowest = std::min(-std::log(q), 0.0) - 45 / (alpha_ + 1);
  double sum = 0;
  for (const auto& [log_tau, weight] : gamma_nodes(alpha_, lowest)) {
    sum += weight * gaussian.at(q / 2 * std::exp(log_tau));
  }
  return SignedLog::from(gaussian.sign() * sum);
}

}  // namespace bochner
