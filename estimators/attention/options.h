#pragma once

#include <cmath>
#include <optional>
#include <span>

#include "core/types.h"

namespace bochner {

/// What becomes of a query that sees no key: an error, or an output of zeros.
enum class EmptyRow { kError, kZero };

/// Which keys a query sees, and how scores are scaled; the same for every kind of attention.
struct AttentionOptions {
  /// Query i sees the keys j <= i + Lk - Lq: the ends are aligned.
  bool causal = false;
  /// (Lk), or (B, Lk) for a batch, shared by all heads; true where a key counts. Empty: all keys count. A key that does
  /// not count is absent from numerator and denominator, and may hold anything.
  std::span<const bool> key_mask = {};
  /// The factor of q.k, finite and positive; none means 1/sqrt(d). Queries and keys are both multiplied by its root.
  std::optional<double> scale = {};
  EmptyRow empty = EmptyRow::kError;
};

/// The scale that the options ask for in dimension dim.
inline double attention_scale(const std::optional<double>& scale, Index dim) {
  return scale.value_or(1 / std::sqrt(static_cast<double>(dim)));
}

}  // namespace bochner
