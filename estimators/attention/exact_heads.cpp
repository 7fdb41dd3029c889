#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>

#include "core/simd/functions.h"
#include "core/simd/product.h"
#include "estimators/attention/heads.h"

namespace bochner {
namespace {

/// Scores of a tile stay in a level-two cache. The cut of the keys fixes the order of summation, so it is a constant.
constexpr Index kQueryRows = 128;
constexpr Index kKeyRows = 128;

/// Online softmax of a tile of queries over tiles of keys.
template <class Scalar>
class SoftmaxTile {
 public:
  SoftmaxTile(const Matrix<Scalar>& queries, Index values)
      : queries_(queries),
        maxima_(Vector<Scalar>::Constant(queries.rows(), std::numeric_limits<Scalar>::lowest())),
        decay_(queries.rows()),
        scores_(queries.rows(), kKeyRows),
        sums_(Matrix<Scalar>::Zero(queries.rows(), values + 1)),
        partial_(queries.rows(), values + 1) {}

  /// Query i sees the first seen(i) of these keys, at most kKeyRows.
  template <class Keys, class Values, class Seen>
  void append(const Keys& keys, const Values& values, const Seen& seen) {
    auto scores = scores_.leftCols(keys.rows());
    simd::product<Scalar>(queries_, simd::PackedMatrix<Scalar>(keys.template cast<double>()), scores);
    for (Index i = 0; i < scores.rows(); ++i) decay_(i) = to_weights(i, keys.rows(), seen(i));

    // A column of ones makes the denominator a sum in the same order as the numerators.
    Matrix<double> columns = Matrix<double>::Ones(values.cols() + 1, values.rows());
    columns.topRows(values.cols()) = values.transpose().template cast<double>();
    simd::product<Scalar>(scores, simd::PackedMatrix<Scalar>(columns), partial_);
    for (Index i = 0; i < sums_.rows(); ++i) sums_.row(i) = sums_.row(i) * decay_(i) + partial_.row(i);
  }

  template <class Out>
  void finish(Index i, Out out) const {
    out = sums_.row(i).head(out.size()) / sums_(i, out.size());
  }

 private:
  /// Turns row i of the scores into weights, zero for keys that are not seen, and returns the factor of its sums so
  /// far.
  Scalar to_weights(Index i, Index keys, Index seen) {
    Scalar* scores = scores_.row(i).data();
    const auto count = static_cast<std::size_t>(seen);
    std::fill(scores + seen, scores + keys, Scalar{0});
    if (seen == 0) return 1;
    const Scalar largest = simd::max_sum<Scalar>({scores, count}, {});
    if (!std::isfinite(largest)) {
      throw std::domain_error(
          "exact_attention: scale * q.k is not finite for some row; expected queries and keys whose scores the scalar "
          "type can hold");
    }
    const Scalar maximum = std::max(maxima_(i), largest);
    const Scalar decay = std::exp(maxima_(i) - maximum);
    maxima_(i) = maximum;
    scores_.row(i).head(seen).array() -= maximum;
    simd::exp<Scalar>({scores, count});
    return decay;
  }

  Matrix<Scalar> queries_;  // times the scale
  Vector<Scalar> maxima_;
  Vector<Scalar> decay_;
  Matrix<Scalar> scores_;
  Matrix<Scalar> sums_;     // numerators and, last, the denominator
  Matrix<Scalar> partial_;  // those of one tile of keys
};

}  // namespace

template <class Scalar>
void exact_heads(double scale, AttentionTask<Scalar>& task) {
  const auto queries = static_cast<Index>(task.seen.size());
  const auto seen_of = [&](Index row) { return task.seen[static_cast<std::size_t>(row % queries)]; };
  for (Index start = 0; start < task.queries.rows(); start += kQueryRows) {
    const Index rows = std::min(kQueryRows, task.queries.rows() - start);
    SoftmaxTile<Scalar> tile(task.queries.middleRows(start, rows) * static_cast<Scalar>(scale), task.values.cols());
    Index needed = 0;
    for (Index i = 0; i < rows; ++i) needed = std::max(needed, seen_of(start + i));
    for (Index key = 0; key < needed; key += kKeyRows) {
      const Index keys = std::min(kKeyRows, needed - key);
      tile.append(task.keys.middleRows(key, keys), task.values.middleRows(key, keys),
                  [&](Index i) { return std::clamp<Index>(seen_of(start + i) - key, 0, keys); });
    }
    for (Index i = 0; i < rows; ++i) {
      if (seen_of(start + i) == 0) {
        task.out.row(start + i).setZero();
      } else {
        tile.finish(i, task.out.row(start + i));
      }
    }
  }
}

template void exact_heads(double, AttentionTask<float>&);
template void exact_heads(double, AttentionTask<double>&);

}  // namespace bochner
