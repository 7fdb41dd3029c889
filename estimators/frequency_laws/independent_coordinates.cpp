#include "estimators/frequency_laws/independent_coordinates.h"

namespace bochner {

AngleMoments AngleMoments::plus(const AngleMoments& other) const {
  const double mean = 1 - gap;
  const double other_mean = 1 - other.gap;
  return {gap + other.gap - gap * other.gap, double_gap + other.double_gap - double_gap * other.double_gap,
          variance * other.variance + variance * other_mean * other_mean + mean * mean * other.variance +
              double_gap * other.double_gap / 4};
}

void IndependentCoordinatesLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  require_dim(W.cols());
  Stream uniforms = stream.lane(0);
  for (Index i = 0; i < W.rows(); ++i) {
    for (Index j = 0; j < W.cols(); ++j) W(i, j) = coordinate(static_cast<std::size_t>(j), open_uniform(uniforms));
  }
}

void IndependentCoordinatesLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  require_dim(static_cast<Index>(w.size()));
  for (std::size_t j = 0; j < w.size(); ++j) w[j] = coordinate(j, uniforms[j]);
}

AngleMoments IndependentCoordinatesLaw::moments(std::span<const double> u) const {
  require_dim(static_cast<Index>(u.size()));
  AngleMoments sum;
  for (std::size_t j = 0; j < u.size(); ++j) sum = sum.plus({gap(j, u[j]), gap(j, 2 * u[j]), variance(j, u[j])});
  return sum;
}

}  // namespace bochner
