#include "estimators/radial_laws/constant.h"

#include "core/special.h"

#include <boost/math/special_functions/gamma.hpp>

#include <cmath>

namespace bochner {

double ConstantRadialLaw::draw_norm(Stream&, Index dim) const { return std::sqrt(static_cast<double>(dim)); }

SignedLog ConstantRadialLaw::mean(Shape shape, Index dim, double q) const {
  if (shape == Shape::kCos) return SignedLog::from(bessel(dim, -q));
  return SignedLog::positive(log_bessel(dim, q));
}

SignedLog ConstantRadialLaw::variance(Shape shape, Index dim, double q) const {
  switch (shape) {
    case Shape::kExp:
      return SignedLog::positive(log_bessel_exp_gap(dim, q));
    case Shape::kCosh:
      return SignedLog::positive(log_bessel_cosh_gap(dim, q));
    case Shape::kCos:
      return SignedLog::from(bessel_cos_gap(dim, q));
  }
  return {};
}

std::optional<SignedLog> ConstantRadialLaw::covariance(Shape shape, Index dim, double q, double cosine) const {
  if (cosine != 0) return std::nullopt;
  if (shape == Shape::kCos) return -SignedLog::from(bessel_pair_gap(dim, q));
  return -SignedLog::positive(log_bessel_pair_gap(dim, q));
}

std::optional<SignedLog> ConstantRadialLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (degree == 0) return mean(shape, dim, q);
  if (q == 0 || (degree % 2 != 0 && shape != Shape::kExp)) return SignedLog{};
  const double half = static_cast<double>(degree) / 2;
  const double start = static_cast<double>(dim) / 2;
  const double order = start + 2 * half;
  const double x = start * q / 2;
  const double factor = half * std::log(x) + boost::math::lgamma(start) - boost::math::lgamma(order);
  if (shape != Shape::kCos) return SignedLog::positive(factor + log_hyp0f1(order, x));
  const SignedLog value = SignedLog::from(hyp0f1(order, -x)).scaled(factor);
  return degree % 4 == 0 ? value : -value;
}

}  // namespace bochner
