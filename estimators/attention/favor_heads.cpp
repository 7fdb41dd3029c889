#include <cstddef>
#include <span>
#include <vector>

#include "estimators/attention/heads.h"
#include "estimators/attention/readout.h"
#include "estimators/attention/valued_tile.h"
#include "estimators/attention/walk.h"

namespace bochner {
template <class Scalar>
void favor_heads(const FeatureMap& map, double scale, bool renormalize, AttentionTask<Scalar>& task,
                 std::span<DenominatorCounts> counts) {
  const VisibleKeys& seen = task.visible;
  const Index values = task.values.cols();
  AttentionSums<Scalar> sums(map.form(), map.features(), values + 1);
  ValuedTile<Scalar> keys(map, Side::kKey, scale, values + 1);
  FeatureTile<Scalar> queries(map, Side::kQuery, scale);
  Readout<Scalar> readout(map.features(), values);

  const auto load = [&](std::span<const Index> positions) {
    keys.load(task.keys, positions, [&](Index, Index key, auto&& row) {
      row.head(values) = task.values.row(key);
      row(values) = 1;
    });
    return keys.items();
  };
  const auto answer = [&](std::span<const Index> positions, const std::vector<Index>& visible) {
    for (Index head = 0; head < static_cast<Index>(counts.size()); ++head) {
      auto out = task.out.middleRows(head * seen.queries, seen.queries);
      if (sums.open() + sums.closed() > 0) {
        counts[static_cast<std::size_t>(head)] +=
            readout.attend(sums, queries, task.queries.middleRows(head * seen.queries, seen.queries), positions,
                           visible, renormalize, out);
      } else {
        for (const Index position : positions) out.row(position).setZero();
      }
    }
  };
  walk(
      sums, Cursor::forward(seen.keys, seen.mask), Cursor::forward(seen.queries), !seen.causal,
      [&](Index key, Index query) { return key < seen.limit(query); }, load, answer);
}

template void favor_heads(const FeatureMap&, double, bool, AttentionTask<float>&, std::span<DenominatorCounts>);
template void favor_heads(const FeatureMap&, double, bool, AttentionTask<double>&, std::span<DenominatorCounts>);

}  // namespace bochner
