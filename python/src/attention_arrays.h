#pragma once

#include "estimators/attention/batch.h"
#include "estimators/attention/options.h"
#include "python/src/arrays.h"

#include <cstddef>
#include <optional>
#include <stdexcept>

namespace bochner::python {

/// A C-contiguous array (B, H, L, c).
template <class Scalar>
HeadArray<const Scalar> as_heads(const Array<Scalar>& array) {
  if (array.ndim() != 4) throw std::invalid_argument("attention: expected arrays (batch, heads, length, columns)");
  return {array.data(), array.shape(0), array.shape(1), array.shape(2), array.shape(3)};
}

using Mask = std::optional<Array<bool>>;

inline AttentionOptions as_options(bool causal, const Mask& key_mask, std::optional<double> scale, bool zero_if_empty) {
  AttentionOptions options{causal, {}, scale, zero_if_empty ? EmptyRow::kZero : EmptyRow::kError};
  if (key_mask) options.key_mask = {key_mask->data(), static_cast<std::size_t>(key_mask->size())};
  return options;
}

}  // namespace bochner::python
