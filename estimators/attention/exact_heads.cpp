#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <stdexcept>
#include <vector>

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
        keys_(kKeyRows, queries.cols()),
        key_panels_(queries.cols(), kKeyRows),
        values_(kKeyRows, values + 1),
        scores_(queries.rows(), kKeyRows),
        sums_(queries.rows(), values + 1) {
    // A column of ones makes the denominator a sum in the same order as the numerators.
    values_.top(kKeyRows).col(values).setOnes();
  }

  /// The keys at these positions, at most kKeyRows, of which query i sees the first seen(i).
  template <class Seen>
  void append(const AttentionTask<Scalar>& task, const std::vector<Index>& positions, const Seen& seen) {
    const auto keys = static_cast<Index>(positions.size());
    for (Index j = 0; j < keys; ++j) {
      const Index key = positions[static_cast<std::size_t>(j)];
      keys_.top(keys).row(j) = task.keys.row(key);
      values_.top(keys).row(j).head(task.values.cols()) = task.values.row(key);
    }
    key_panels_.set_transpose(keys_.row(0), keys_.stride(), 0, keys);
    const Index rows = queries_.rows();
    simd::multiply<Scalar>(rows, keys, queries_.cols(), {queries_.data(), queries_.cols(), 1}, key_panels_.right(),
                           scores_.top(rows).leftCols(keys), false);
    for (Index i = 0; i < rows; ++i) sums_.top(rows).row(i) *= to_weights(i, keys, seen(i));
    simd::multiply<Scalar>(rows, sums_.cols(), keys, scores_.left(), values_.right(), sums_.top(rows), true);
  }

  template <class Out>
  void finish(Index i, Out out) const {
    const auto sums = sums_.top(i + 1).row(i);
    out = sums.head(out.size()) / sums(out.size());
  }

 private:
  /// Turns row i of the scores into weights, zero for keys that are not seen, and returns the factor of its sums so
  /// far.
  Scalar to_weights(Index i, Index keys, Index seen) {
    Scalar* scores = scores_.row(i);
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
    for (std::size_t j = 0; j < count; ++j) scores[j] -= maximum;
    simd::exp<Scalar>({scores, count});
    return decay;
  }

  Matrix<Scalar> queries_;  // times the scale
  Vector<Scalar> maxima_;
  simd::PaddedRows<Scalar> keys_;    // (kKeyRows, d)
  simd::Panels<Scalar> key_panels_;  // (d, kKeyRows)
  simd::PaddedRows<Scalar> values_;  // (kKeyRows, dv + 1)
  simd::PaddedRows<Scalar> scores_;
  simd::PaddedRows<Scalar> sums_;  // numerators and, last, the denominator
};

}  // namespace

template <class Scalar>
void exact_heads(double scale, AttentionTask<Scalar>& task) {
  std::vector<Index> positions;
  for (Index start = 0; start < task.queries.rows(); start += kQueryRows) {
    const Index rows = std::min(kQueryRows, task.queries.rows() - start);
    SoftmaxTile<Scalar> tile(task.queries.middleRows(start, rows) * static_cast<Scalar>(scale), task.values.cols());
    const auto limit = [&](Index i) { return task.visible.limit(task.first_query + start + i); };
    Cursor keys = Cursor::forward(task.visible.keys, task.visible.mask);
    while (!keys.done() && keys.at() < limit(rows - 1)) {
      positions.clear();
      for (; positions.size() < kKeyRows && !keys.done(); keys.advance()) positions.push_back(keys.at());
      tile.append(task, positions, [&](Index i) {
        return std::lower_bound(positions.begin(), positions.end(), limit(i)) - positions.begin();
      });
    }
    const Index first = task.visible.first();
    for (Index i = 0; i < rows; ++i) {
      if (first < limit(i)) {
        tile.finish(i, task.out.row(start + i));
      } else {
        task.out.row(start + i).setZero();
      }
    }
  }
}

template void exact_heads(double, AttentionTask<float>&);
template void exact_heads(double, AttentionTask<double>&);

}  // namespace bochner
