#include "estimators/couplings/simplex.h"

#include "core/orthogonal.h"

#include <algorithm>
#include <cmath>

namespace bochner {
namespace {

double cosine_of(Index rows) { return rows > 1 ? -1 / static_cast<double>(rows - 1) : 0; }

/// The vertices of a regular simplex of b points on the unit sphere, (b, max(b - 1, 1)): the first lies on the first
/// axis, the others around it as the simplex of b - 1 points in the remaining dimensions.
Matrix<double> simplex_of(Index rows) {
  Matrix<double> vertices = Matrix<double>::Zero(rows, std::max(rows - 1, Index{1}));
  double radius = 1;
  for (Index k = 0; k < vertices.cols(); ++k) {
    const double cosine = cosine_of(rows - k);
    vertices(k, k) = radius;
    vertices.col(k).tail(rows - k - 1).setConstant(radius * cosine);
    radius *= std::sqrt(std::max(0.0, (1 - cosine) * (1 + cosine)));
  }
  return vertices;
}

Vector<double> norms_of(const RadialLaw& radial, Index m, Index dim, const Stream& stream) {
  Stream norms = stream.lane(1);
  Vector<double> norm(m);
  radial.draw_norms(norms, dim, {norm.data(), static_cast<std::size_t>(m)});
  return norm;
}

}  // namespace

std::shared_ptr<const Projection> SimplexCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                        const Stream& stream) const {
  const RadialLaw& radial = require_isotropic(law, name());
  Stream directions = stream.lane(0);
  Matrix<double> W(m, dim);
  for (Index start = 0; start < m; start += dim) {
    const Matrix<double> vertices = simplex_of(std::min(dim, m - start));
    W.middleRows(start, vertices.rows()).noalias() = vertices * haar_rows(directions, vertices.cols(), dim);
  }
  W.array().colwise() *= norms_of(radial, m, dim, stream).array();
  return std::make_shared<DenseProjection>(std::move(W));
}

std::optional<std::vector<PairGroup>> SimplexCoupling::dependent_pairs(Index m, Index dim) const {
  const auto d = static_cast<double>(dim);
  const Index rest = m % dim;
  const auto last = static_cast<double>(rest);
  const Index whole = m / dim;
  return std::vector<PairGroup>{{static_cast<double>(whole) * d * (d - 1), cosine_of(dim)},
                                {last * (last - 1), cosine_of(rest)}};
}

Matrix<double> SimplexCoupling::draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row,
                                            std::span<const double> shift, const Stream& stream) const {
  Matrix<double> W = draw(radial, m, dim, stream)->matrix();
  Stream tilted = stream.lane(2);
  Vector<double> chosen(dim);
  radial.fill_tilted(tilted, shift, {chosen.data(), static_cast<std::size_t>(dim)});

  const Index start = row - row % dim;
  // The rows of that block given the chosen direction, which is the first vertex; they keep the norms that they have.
  const Matrix<double> vertices = simplex_of(std::min(dim, m - start));
  Stream frame_stream = stream.lane(3);
  const Matrix<double> directions = vertices * haar_rows_with_first(frame_stream, chosen, vertices.cols());
  Index next = 1;
  for (Index i = start; i < start + vertices.rows(); ++i) {
    if (i == row) {
      W.row(i) = chosen.transpose();
    } else {
      W.row(i) = W.row(i).norm() * directions.row(next++);
    }
  }
  return W;
}

std::optional<std::string> SimplexCoupling::caution(Trait trait) const {
  if (trait != Trait::kEvenAndConvex) return std::nullopt;
  // By convexity, in the cosine, of the mean of two cosh.
  return "to an even function an obtuse angle is an acute one, and pairs at an angle other than a right one vary "
         "together more than orthogonal ones; 'orthogonal' has less variance";
}

}  // namespace bochner
