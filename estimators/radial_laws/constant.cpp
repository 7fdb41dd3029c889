#include "estimators/radial_laws/constant.h"

#include "core/special.h"
#include "estimators/laws/fixed_cosine.h"
#include "estimators/radial_laws/chi.h"

#include <algorithm>
#include <boost/math/special_functions/bessel.hpp>
#include <boost/math/special_functions/gamma.hpp>
#include <cmath>

namespace bochner {

void ConstantRadialLaw::draw_norms(Stream&, Index dim, std::span<double> norms) const {
  std::ranges::fill(norms, std::sqrt(static_cast<double>(dim)));
}

void ConstantRadialLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  normals_from_uniforms(uniforms, w);
  const double scale = std::sqrt(static_cast<double>(w.size()) / squared_norm(w));
  for (double& value : w) value *= scale;
}

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
  if (cosine != 0) return constant_covariance(shape, dim, q, cosine);
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
  const double log_gamma = boost::math::lgamma(start);
  const double factor = half * std::log(x) + log_gamma - boost::math::lgamma(order);
  if (shape != Shape::kCos) return SignedLog::positive(factor + log_hyp0f1(order, x));
  // 0F1 of a negative argument is right absolutely; beside the huge number of harmonics of a high degree it must be so
  // relatively. It is, well below its first zero; above, a Bessel function is.
  const SignedLog value = 16 * x < order * order
                              ? SignedLog::from(hyp0f1(order, -x)).scaled(factor)
                              : SignedLog::from(boost::math::cyl_bessel_j(order - 1, 2 * std::sqrt(x)))
                                    .scaled(log_gamma + (1 - start) * std::log(x) / 2);
  return degree % 4 == 0 ? value : -value;
}

}  // namespace bochner
