#include "estimators/radial_laws/scale_mixture.h"

#include "core/sampling.h"
#include "estimators/laws/right_angle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace bochner {

double ScaleMixtureLaw::draw_tau(Stream& stream) const {
  std::vector<double> uniforms(static_cast<std::size_t>(mixing_uniforms()));
  for (double& uniform : uniforms) uniform = open_uniform(stream);
  return std::min(mixing(uniforms), kLargestTau);
}

void ScaleMixtureLaw::draw_norms(Stream& stream, Index dim, std::span<double> norms) const {
  // Norm by norm, so that fewer norms are a prefix.
  for (double& norm : norms) {
    norm = chi(stream, dim);
    norm *= std::sqrt(draw_tau(stream));
  }
}

void ScaleMixtureLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  Stream normals = stream.lane(0);
  Stream mixing = stream.lane(1);
  fill_normal(normals, {W.data(), static_cast<std::size_t>(W.size())});
  for (Index i = 0; i < W.rows(); ++i) W.row(i) *= std::sqrt(draw_tau(mixing));
}

SignedLog ScaleMixtureLaw::mean(Shape shape, Index, double q) const {
  if (shape == Shape::kCos) return SignedLog::positive(log_laplace(q / 2));
  return q == 0 ? SignedLog{1, 0} : SignedLog{1, std::numeric_limits<long double>::infinity()};
}

SignedLog ScaleMixtureLaw::variance(Shape shape, Index, double q) const {
  if (q == 0) return {};
  if (shape == Shape::kCos) return SignedLog::from(cosine_variance_at(q));
  return {1, std::numeric_limits<long double>::infinity()};
}

std::optional<SignedLog> ScaleMixtureLaw::covariance(Shape shape, Index dim, double q, double cosine) const {
  if (shape != Shape::kCos || cosine != 0) return std::nullopt;
  return right_angle_covariance(*this, dim, q);
}

void ScaleMixtureLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  const auto first = static_cast<std::size_t>(mixing_uniforms());
  normals_from_uniforms(uniforms.subspan(first), w);
  const double scale = std::sqrt(std::min(mixing(uniforms.first(first)), kLargestTau));
  for (double& value : w) value *= scale;
}

}  // namespace bochner
