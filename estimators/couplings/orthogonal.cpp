#include "estimators/couplings/orthogonal.h"

#include "core/orthogonal.h"

#include <algorithm>

namespace bochner {
namespace {

/// Fills W block by block: directions from lane 0, norms from lane 1, so that the norms are independent of the
/// directions and a shorter draw is a prefix of a longer one.
Matrix<double> draw_blocks(const RadialLaw& radial, Index m, Index dim, const Stream& stream) {
  Stream directions = stream.lane(0);
  Stream norms = stream.lane(1);
  Matrix<double> W = haar_blocks(directions, m, dim);
  Vector<double> norm(m);
  radial.draw_norms(norms, dim, {norm.data(), static_cast<std::size_t>(m)});
  W.array().colwise() *= norm.array();
  return W;
}

}  // namespace

std::shared_ptr<const Projection> OrthogonalCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                           const Stream& stream) const {
  return std::make_shared<DenseProjection>(draw_blocks(require_isotropic(law, name()), m, dim, stream));
}

std::optional<std::vector<PairGroup>> OrthogonalCoupling::dependent_pairs(Index m, Index dim) const {
  const double d = static_cast<double>(dim);
  const Index whole_blocks = m / dim;
  const double blocks = static_cast<double>(whole_blocks);
  const double partial = static_cast<double>(m % dim);
  return std::vector<PairGroup>{{blocks * d * (d - 1) + partial * (partial - 1), 0.0}};
}

Matrix<double> OrthogonalCoupling::draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row,
                                               std::span<const double> shift, const Stream& stream) const {
  Matrix<double> W = draw_blocks(radial, m, dim, stream);
  Stream tilted = stream.lane(2);
  Vector<double> chosen(dim);
  radial.fill_tilted(tilted, shift, {chosen.data(), static_cast<std::size_t>(dim)});

  const Index start = row - row % dim;
  const Index rows = std::min(dim, m - start);
  // The frame of that block given the chosen direction; the other rows keep the norms that they have.
  Stream frame_stream = stream.lane(3);
  const Matrix<double> frame = haar_rows_with_first(frame_stream, chosen, rows);
  Index next = 1;
  for (Index i = start; i < start + rows; ++i) {
    if (i == row) {
      W.row(i) = chosen.transpose();
    } else {
      W.row(i) = W.row(i).norm() * frame.row(next++);
    }
  }
  return W;
}

}  // namespace bochner
