#include "estimators/radial_laws/chi.h"

#include "core/sampling.h"
#include "core/special.h"
#include "estimators/laws/fixed_cosine.h"

#include <boost/math/special_functions/erf.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <cmath>
#include <numbers>

namespace bochner {
namespace {

/// log(e^a - 1) for a >= 0, without overflow.
long double log_expm1(double a) {
  return a > 30 ? a + static_cast<long double>(std::log1p(-std::exp(-a))) : std::log(std::expm1(a));
}

}  // namespace

void ChiRadialLaw::draw_norms(Stream& stream, Index dim, std::span<double> norms) const {
  fill_chi(stream, dim, norms);
}

void ChiRadialLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  // A chi norm times a uniform direction is a standard normal vector, which needs neither.
  Stream normals = stream.lane(0);
  fill_normal(normals, {W.data(), static_cast<std::size_t>(W.size())});
}

std::optional<double> ChiRadialLaw::cosine_gap(std::span<const double> u) const {
  return -std::expm1(-squared_norm(u) / 2);
}

std::optional<double> ChiRadialLaw::norm_quantile(Index dim, double lower, double upper) const {
  const double half = static_cast<double>(dim) / 2;
  const double half_square =
      lower < upper ? boost::math::gamma_p_inv(half, lower) : boost::math::gamma_q_inv(half, upper);
  return std::sqrt(2 * half_square);
}

SignedLog ChiRadialLaw::mean(Shape shape, Index, double q) const {
  return SignedLog::positive(shape == Shape::kCos ? -q / 2 : q / 2);
}

SignedLog ChiRadialLaw::variance(Shape shape, Index, double q) const {
  switch (shape) {
    case Shape::kExp:  // e^q (e^q - 1)
      return SignedLog::positive(q + log_expm1(q));
    case Shape::kCosh:  // (e^q - 1)^2 / 2
      return SignedLog::positive(2 * log_expm1(q) - std::log(2.0));
    case Shape::kCos:  // (1 - e^{-q})^2 / 2
      return SignedLog::positive(2 * std::log(-std::expm1(-q)) - std::log(2.0));
  }
  return {};
}

std::optional<SignedLog> ChiRadialLaw::covariance(Shape shape, Index dim, double q, double cosine) const {
  if (cosine != 0) return chi_covariance(shape, dim, q, cosine);
  if (shape == Shape::kCos) return -SignedLog::from(kummer_gap(dim, -q));
  return -SignedLog::positive(log_kummer_gap(dim, q));
}

std::optional<SignedLog> ChiRadialLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (degree == 0) return mean(shape, dim, q);
  const bool odd = degree % 2 != 0;
  if (q == 0 || (odd && shape != Shape::kExp)) return SignedLog{};
  const double half = static_cast<double>(degree) / 2;
  const double start = static_cast<double>(dim) / 2;
  const double upper = start + half;
  const double lower = start + 2 * half;
  const double x = q / 2;
  const double factor = half * std::log(x) + boost::math::lgamma(upper) - boost::math::lgamma(lower);
  if (shape != Shape::kCos) return SignedLog::positive(factor + log_hyp1f1(upper, lower, x));
  return SignedLog{degree % 4 == 0 ? 1.0 : -1.0, factor - x + log_hyp1f1(half, lower, x)};
}

std::optional<double> ChiRadialLaw::kurtosis(Shape shape, Index, double q) const {
  switch (shape) {
    case Shape::kExp:  // log-normal
      return std::exp(4 * q) + 2 * std::exp(3 * q) + 3 * std::exp(2 * q) - 3;
    case Shape::kCosh: {
      // E (cosh s - e^{q/2})^4 = (r - 1)^4 (r^4 + 4 r^3 + 10 r^2 + 12 r + 3) / 8 with r = e^q, from
      // E cosh(k s) = r^{k^2/2}; the variance is (r - 1)^2 / 2.
      const double r = std::exp(q);
      return (((((r + 4) * r) + 10) * r + 12) * r + 3) / 2;
    }
    case Shape::kCos:
      return std::nullopt;
  }
  return std::nullopt;
}

void ChiRadialLaw::fill_tilted(Stream& stream, std::span<const double> shift, std::span<double> row) const {
  fill_normal(stream, row);
  for (std::size_t j = 0; j < row.size(); ++j) row[j] += shift[j];
}

}  // namespace bochner
