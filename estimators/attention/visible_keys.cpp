#include "estimators/attention/visible_keys.h"

#include <cstddef>

namespace bochner {

VisibleKeys visible_keys(Index queries, Index keys, std::span<const bool> mask, bool causal) {
  VisibleKeys visible;
  visible.kept.reserve(static_cast<std::size_t>(keys));
  for (Index j = 0; j < keys; ++j) {
    if (mask.empty() || mask[static_cast<std::size_t>(j)]) visible.kept.push_back(j);
  }
  const auto total = static_cast<Index>(visible.kept.size());
  visible.seen.assign(static_cast<std::size_t>(queries), total);
  if (!causal) return visible;
  Index seen = 0;
  for (Index i = 0; i < queries; ++i) {
    while (seen < total && visible.kept[static_cast<std::size_t>(seen)] <= i + keys - queries) ++seen;
    visible.seen[static_cast<std::size_t>(i)] = seen;
  }
  return visible;
}

}  // namespace bochner
