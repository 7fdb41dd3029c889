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
  /// Random features only: whether rows are divided by their denominators. Without, out = phi(Q) (phi(K)^T V).
  bool renormalize = true;
};

/// Denominators that say little, of rows of attention; exponential features have none such.
struct DenominatorCounts {
  Index nonpositive = 0;  ///< zero or negative
  Index near_zero = 0;    ///< positive, but less than 1 % of the sum of the moduli of its terms

  DenominatorCounts& operator+=(const DenominatorCounts& other) {
    nonpositive += other.nonpositive;
    near_zero += other.near_zero;
    return *this;
  }
};

/// The scale that the options ask for in dimension dim.
inline double attention_scale(const std::optional<double>& scale, Index dim) {
  return scale.value_or(1 / std::sqrt(static_cast<double>(dim)));
}

}  // namespace bochner
