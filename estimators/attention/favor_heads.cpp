#include <cstddef>
#include <span>
#include <vector>

#include "estimators/attention/heads.h"
#include "estimators/attention/walk.h"

namespace bochner {

template <class Scalar>
FavorHeads<Scalar>::FavorHeads(const FeatureMap& map, double scale, bool renormalize, Index values)
    : map_(&map),
      renormalize_(renormalize),
      sums_(map.form(), map.features(), values + 1),
      keys_(map, Side::kKey, scale, values + 1),
      queries_(map, Side::kQuery, scale),
      readout_(map.features(), values) {}

template <class Scalar>
void FavorHeads<Scalar>::run(AttentionTask<Scalar>& task, std::span<DenominatorCounts> counts) {
  const VisibleKeys& seen = task.visible;
  const Index values = task.values.cols();
  sums_.reset();
  const auto load = [&](std::span<const Index> positions) {
    keys_.load(task.keys, positions, [&](Index, Index key, auto&& row) {
      row.head(values) = task.values.row(key);
      row(values) = 1;
    });
    ItemTile<Scalar> items = keys_.items();
    require_finite_rows(items.values);
    return items;
  };
  const auto answer = [&](std::span<const Index> positions, const std::vector<Index>& visible) {
    for (Index head = 0; head < static_cast<Index>(counts.size()); ++head) {
      auto out = task.out.middleRows(head * seen.queries, seen.queries);
      if (sums_.open() + sums_.closed() > 0) {
        counts[static_cast<std::size_t>(head)] +=
            readout_.attend(sums_, queries_, task.queries.middleRows(head * seen.queries, seen.queries), positions,
                            visible, renormalize_, out);
      } else {
        for (const Index position : positions) {
          require_finite_rows(task.queries.row(head * seen.queries + position));
          out.row(position).setZero();
        }
      }
    }
  };
  walk(
      sums_, Cursor::forward(seen.keys, seen.mask), Cursor::forward(seen.queries), !seen.causal,
      [&](Index key, Index query) { return key < seen.limit(query); }, load, answer);
}

template class FavorHeads<float>;
template class FavorHeads<double>;

}  // namespace bochner
