#pragma once

#include <span>
#include <vector>

#include "core/types.h"

namespace bochner {

/// The keys that count, and how many of them each query sees: always the first so many, and never fewer than the query
/// before it. Masks, causality and sequences of unequal length come down to this.
struct VisibleKeys {
  std::vector<Index> kept;  ///< positions of the keys that count, ascending
  std::vector<Index> seen;  ///< (Lq): query i sees kept[0], ..., kept[seen[i] - 1]
};

/// For Lq queries and Lk keys; an empty mask keeps all. Causal: query i sees the keys j <= i + Lk - Lq.
VisibleKeys visible_keys(Index queries, Index keys, std::span<const bool> mask, bool causal);

}  // namespace bochner
