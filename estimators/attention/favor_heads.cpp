#include <algorithm>
#include <cmath>
#include <cstddef>

#include "estimators/attention/feature_tile.h"
#include "estimators/attention/heads.h"
#include "estimators/attention/sums.h"

namespace bochner {
namespace {

/// The sums of a task, which take keys up to a given count, a tile of features at a time.
template <class Scalar>
class RunningKeys {
 public:
  RunningKeys(const FeatureMap& map, double factor, const AttentionTask<Scalar>& task)
      : sums_(map.form(), map.features(), task.values.cols()),
        tile_(map, Side::kKey, factor),
        keys_(task.keys),
        values_(task.values) {}

  /// The sums of the first `count` keys; counts never fall.
  AttentionSums<Scalar>& up_to(Index count) {
    while (sums_.size() < count) {
      const Index next = sums_.size();
      if (next == tile_end_) {
        tile_start_ = next;
        tile_end_ += tile_.load(keys_.rows() - next, [&](Index i) { return keys_.row(next + i); });
      }
      sums_.append(tile_.features(next - tile_start_), tile_.log_scale(next - tile_start_),
                   values_.row(next).transpose());
    }
    return sums_;
  }

 private:
  AttentionSums<Scalar> sums_;
  FeatureTile<Scalar> tile_;
  Eigen::Map<const Matrix<Scalar>> keys_;
  Eigen::Map<const Matrix<Scalar>> values_;
  Index tile_start_ = 0;
  Index tile_end_ = 0;
};

}  // namespace

template <class Scalar>
void favor_heads(const FeatureMap& map, double scale, AttentionTask<Scalar>& task, std::span<Index> nonpositive) {
  const auto queries = static_cast<Index>(task.seen.size());
  const auto group = static_cast<Index>(nonpositive.size());
  RunningKeys<Scalar> keys(map, std::sqrt(scale), task);
  FeatureTile<Scalar> tile(map, Side::kQuery, std::sqrt(scale));
  // Query by query, the heads of a group side by side: what a query sees never shrinks, so one pass over the keys
  // serves all.
  const auto row_of = [&](Index turn) { return turn % group * queries + turn / group; };
  for (Index start = 0; start < group * queries;) {
    const Index rows = tile.load(group * queries - start, [&](Index i) { return task.queries.row(row_of(start + i)); });
    for (Index i = 0; i < rows; ++i) {
      const Index turn = start + i;
      auto out = task.out.row(row_of(turn));
      const Index seen = task.seen[static_cast<std::size_t>(turn / group)];
      if (seen == 0) {
        out.setZero();
      } else if (!keys.up_to(seen).query(tile.features(i), out.transpose())) {
        ++nonpositive[static_cast<std::size_t>(turn % group)];
      }
    }
    start += rows;
  }
}

template void favor_heads(const FeatureMap&, double, AttentionTask<float>&, std::span<Index>);
template void favor_heads(const FeatureMap&, double, AttentionTask<double>&, std::span<Index>);

}  // namespace bochner
