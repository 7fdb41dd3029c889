#include "estimators/radial_laws/student.h"

#include "core/check.h"
#include "estimators/radial_laws/cosine_harmonic.h"
#include "estimators/radial_laws/gamma_nodes.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>

namespace bochner {
namespace {

using Wide = long double;

/// log K_nu(t), t > 0: K_nu(t) = int exp(nu x - t cosh x) dx / 2 over the real line, by the trapezoidal rule from the
/// largest value of the integrand on.
Wide log_bessel_k(Wide nu, Wide t) {
  const Wide peak = std::asinh(nu / t);
  const Wide cosh_peak = std::hypot(nu, t);  // t cosh(peak)
  const auto step = static_cast<double>(std::min<Wide>(0.2L, 0.4L / std::sqrt(cosh_peak)));
  // How far the exponent is below its largest value, cosh_peak (cosh x - 1) + nu (sinh x - x): near 0 without
  // cancellation, and far out, where cosh and sinh cancel, by exponentials.
  const auto rising = static_cast<double>((cosh_peak + nu) / 2);
  const auto falling = static_cast<double>(t * t / (cosh_peak + nu) / 2);
  const auto fall = [&](double x) {
    if (std::fabs(x) > 1) return rising * std::expm1(x) + falling * std::expm1(-x) - static_cast<double>(nu) * x;
    const double wave = std::sinh(x / 2);
    const double linear = std::fabs(x) < 0.1 ? x * x * x / 6 * (1 + x * x / 20 * (1 + x * x / 42)) : std::sinh(x) - x;
    return static_cast<double>(cosh_peak) * 2 * wave * wave + static_cast<double>(nu) * linear;
  };
  double sum = 1;
  for (const double direction : {step, -step}) {
    for (int k = 1;; ++k) {
      const double exponent = fall(k * direction);
      if (exponent > 45) break;
      sum += std::exp(-exponent);
    }
  }
  return nu * peak - cosh_peak + std::log(static_cast<Wide>(step * sum) / 2);
}

/// The index p of nu = p + 1/2 up to which the polynomial is used; -1 elsewhere.
int half_integer(double nu) {
  const double p = nu - 0.5;
  return p == std::floor(p) && p <= 12 ? static_cast<int>(p) : -1;
}

/// log of sum_i p! / (2p)! (p + i)! / (i! (p - i)!) (2t)^(p - i) e^-t.
Wide log_half_integer(int p, Wide t) {
  // From the constant term, 1, upwards: the coefficient ratio of (2t)^(j + 1) to (2t)^j is (p - j) / ((j + 1)(2p - j)).
  Wide term = 1;
  Wide sum = 1;
  for (int j = 0; j < p; ++j) {
    term *= 2 * t * static_cast<Wide>(p - j) / static_cast<Wide>((j + 1) * (2 * p - j));
    sum += term;
  }
  return std::log(sum) - t;
}

}  // namespace

StudentRadialLaw::StudentRadialLaw(double nu, const std::string& owner) : nu_(nu) { require_positive(nu, owner, "nu"); }

double StudentRadialLaw::mixing(std::span<const double> uniforms) const {
  return nu_ / boost::math::gamma_p_inv(nu_, uniforms[0]);
}

long double StudentRadialLaw::log_laplace(double s) const {
  if (s == 0) return 0;
  const Wide nu = nu_;
  const Wide t = 2 * std::sqrt(nu * s);
  const int p = half_integer(nu_);
  if (p >= 0) return log_half_integer(p, t);
  const Wide log_t = std::log(t / 2);
  const Wide log_k = std::log(Wide{2}) - boost::math::lgamma(nu) + nu * log_t + log_bessel_k(nu, t);
  return std::min<Wide>(log_k, 0);
}

double StudentRadialLaw::gap(double s) const {
  if (s == 0) return 0;
  double sum = 0;
  for (const auto& [log_y, weight] : gamma_nodes(nu_, std::log(s) - 5)) {
    sum -= weight * std::expm1(-s * std::exp(-log_y));
  }
  return sum;
}

double StudentRadialLaw::cosine_variance_at(double q) const {
  const double mean_gap = gap(q / 2);
  double sum = 0;
  for (const auto& [log_y, weight] : gamma_nodes(nu_, std::log(q / 2) - 5)) {
    const double s = q / 2 * std::exp(-log_y);
    const double twice = std::expm1(-2 * s);
    const double deviation = mean_gap + std::expm1(-s);
    sum += weight * (twice * twice / 2 + deviation * deviation);
  }
  return sum;
}

std::optional<Vector<double>> StudentRadialLaw::mean_squares(Index dim) const {
  if (nu_ <= 1) return std::nullopt;
  return Vector<double>::Constant(dim, nu_ / (nu_ - 1));
}

std::optional<SignedLog> StudentRadialLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (shape != Shape::kCos) return std::nullopt;
  if (degree == 0) return mean(shape, dim, q);
  if (q == 0 || degree % 2 != 0) return SignedLog{};
  const CosineHarmonic gaussian(dim, degree);
  // Where x = q / (2 y) is far above l (d + l), the harmonic falls as x^(-d/2) and the density of log y as y^nu.
  const auto d = static_cast<double>(dim);
  const auto l = static_cast<double>(degree);
  const double turn = std::log(q / (2 * (1 + l * (d + l))));
  double sum = 0;
  for (const auto& [log_y, weight] : gamma_nodes(nu_, std::min(turn, 0.0) - 45 / (nu_ + d / 2))) {
    sum += weight * gaussian.at(q / 2 * std::exp(-log_y));
  }
  return SignedLog::from(gaussian.sign() * sum);
}

}  // namespace bochner
