#pragma once

#include <algorithm>
#include <span>

#include "core/types.h"

namespace bochner {

/// Which keys each query of a head sees. Masks, causality and sequences of unequal length come down to this; nothing of
/// the sequences' length is stored.
struct VisibleKeys {
  Index queries = 0;
  Index keys = 0;
  std::span<const bool> mask;  ///< (keys), or empty where all count
  bool causal = false;         ///< query i sees keys j <= i + keys - queries: the ends are aligned

  /// Query i sees the keys that count below this position; it never falls with i.
  Index limit(Index query) const { return causal ? std::clamp<Index>(query + 1 + keys - queries, 0, keys) : keys; }
  bool counts(Index key) const { return mask.empty() || mask[static_cast<std::size_t>(key)]; }
  /// The first key that counts; `keys` where none does.
  Index first() const {
    Index key = 0;
    while (key < keys && !counts(key)) ++key;
    return key;
  }
};

/// The positions of a sequence from one end to the other, those that do not count left out.
class Cursor {
 public:
  static Cursor forward(Index count, std::span<const bool> mask = {}) { return {0, count, 1, mask}; }
  /// From count - 1 down to `first`.
  static Cursor backward(Index count, std::span<const bool> mask = {}, Index first = 0) {
    return {count - 1, first - 1, -1, mask};
  }

  bool done() const { return at_ == end_; }
  Index at() const { return at_; }
  void advance() {
    at_ += step_;
    skip();
  }

 private:
  Cursor(Index at, Index end, Index step, std::span<const bool> mask) : at_(at), end_(end), step_(step), mask_(mask) {
    skip();
  }
  void skip() {
    while (at_ != end_ && !mask_.empty() && !mask_[static_cast<std::size_t>(at_)]) at_ += step_;
  }

  Index at_;
  Index end_;
  Index step_;
  std::span<const bool> mask_;
};

}  // namespace bochner
