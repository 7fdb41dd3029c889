#include "estimators/radial_law.h"

#include "core/sampling.h"

#include <stdexcept>

namespace bochner {

Vector<double> RadialLaw::norms(Stream& stream, Index dim, Index count) const {
  Vector<double> norms(count);
  draw_norms(stream, dim, {norms.data(), static_cast<std::size_t>(count)});
  return norms;
}

void RadialLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  Stream directions = stream.lane(0);
  Stream norm_stream = stream.lane(1);
  for (Index i = 0; i < W.rows(); ++i) {
    fill_sphere(directions, {W.row(i).data(), static_cast<std::size_t>(W.cols())});
  }
  W.array().colwise() *= norms(norm_stream, W.cols(), W.rows()).array();
}

std::optional<double> RadialLaw::cosine_variance(std::span<const double> u) const {
  return variance(Shape::kCos, static_cast<Index>(u.size()), squared_norm(u)).value();
}

std::optional<Vector<double>> RadialLaw::mean_squares(Index dim) const {
  const auto square = moment_ratio(dim, 0);
  if (!square) return std::nullopt;
  return Vector<double>::Constant(dim, *square / static_cast<double>(dim));
}

void RadialLaw::fill_tilted(Stream&, std::span<const double>, std::span<double>) const {
  throw std::invalid_argument("fill_tilted: the radial law '" + name() + "' has no tilted sampler");
}

}  // namespace bochner
