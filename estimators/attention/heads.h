#pragma once

#include <span>

#include "core/types.h"
#include "estimators/attention/batch.h"
#include "estimators/feature_map.h"

namespace bochner {

/// The three kinds of attention, each for one task: out_i = sum_j a_ij v_j over the keys that query i sees, zeros where
/// it sees none. Every row of `out` depends on its query and the keys that it sees only, to the bit.

/// a_ij = phi(q_i).phi(k_j) / sum, with queries and keys times the root of the scale (estimators/attention/sums.h).
/// Adds to nonpositive (g) the number of denominators <= 0. Cost: O((g n + k) p (d + dv)); memory: two tiles.
template <class Scalar>
void favor_heads(const FeatureMap& map, double scale, AttentionTask<Scalar>& task, std::span<Index> nonpositive);

/// a_ij = exp(scale q_i.k_j) / sum, by tiles with a running maximum for every query [MilakovGimelshein18; Dao22].
/// Throws std::domain_error where a score overflows. Cost: O(g n k (d + dv)); memory: a tile of scores.
template <class Scalar>
void exact_heads(double scale, AttentionTask<Scalar>& task);

/// a_ij = 1 / (keys seen), summed in double. Cost: O((g n + k) dv).
template <class Scalar>
void uniform_heads(AttentionTask<Scalar>& task);

}  // namespace bochner
