#include "estimators/radial_laws/constant.h"

#include "core/special.h"

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

}  // namespace bochner
