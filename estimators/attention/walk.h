#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/types.h"
#include "estimators/attention/sums.h"
#include "estimators/attention/visible_keys.h"

namespace bochner {

/// Items on their way into sums: the features of a tile and their values.
template <class Scalar>
struct ItemTile {
  MatrixView<Scalar> features;   // (n, p)
  VectorView<Scalar> log_scale;  // (n)
  MatrixView<Scalar> values;     // (n, columns)
};

/// Lets items into the sums in order and calls, in order, answer(positions, visible) for tiles of askers as soon as
/// the sums hold just what they see, in the closed items and the first visible[i] open ones. `sees(item, asker)` is
/// whether the asker at one position sees the item at another; what an asker sees is a prefix of the items that never
/// shrinks from one asker to the next. Askers that see nothing come first, while the sums are empty.
/// `load(positions)` returns the ItemTile of at most block_rows positions, whose memory stays until the next call.
/// Where everybody sees everything, the last block is closed before the first answer.
template <class Scalar, class Sees, class Load, class Answer>
void walk(AttentionSums<Scalar>& sums, Cursor items, Cursor askers, bool all, const Sees& sees, const Load& load,
          const Answer& answer) {
  const auto capacity = static_cast<std::size_t>(AttentionSums<Scalar>::block_rows(sums.features()));
  std::vector<Index> waiting, open, asking, visible;
  // Answers those who do not see the next item; all, where there is none.
  const auto answer_until = [&](const Index* next) {
    std::size_t seen = 0;
    while (!askers.done() && !(next != nullptr && sees(*next, askers.at()))) {
      asking.clear();
      visible.clear();
      for (; asking.size() < capacity && !askers.done() && !(next != nullptr && sees(*next, askers.at()));
           askers.advance()) {
        while (seen < open.size() && sees(open[seen], askers.at())) ++seen;
        asking.push_back(askers.at());
        visible.push_back(static_cast<Index>(seen));
      }
      answer(std::span<const Index>(asking), visible);
    }
  };
  if (!items.done()) {
    const Index first = items.at();
    answer_until(&first);
  }
  while (!items.done()) {
    waiting.clear();
    for (; waiting.size() < capacity && !items.done(); items.advance()) waiting.push_back(items.at());
    const ItemTile<Scalar> tile = load(std::span<const Index>(waiting));
    const auto count = static_cast<Index>(waiting.size());
    for (Index start = 0; start < count;) {
      const Index left = count - start;
      const Index taken =
          sums.admit(tile.features.bottomRows(left), tile.log_scale.tail(left), tile.values.bottomRows(left));
      if (taken == 0) {
        sums.close();
        open.clear();
        continue;
      }
      if (!all) open.insert(open.end(), waiting.begin() + start, waiting.begin() + start + taken);
      start += taken;
      if (all) continue;
      const Index next = start < count ? waiting[static_cast<std::size_t>(start)] : items.done() ? 0 : items.at();
      if (start < count || !items.done()) answer_until(&next);
    }
  }
  if (all) sums.close();
  answer_until(nullptr);
}

}  // namespace bochner
