#pragma once

#include <span>

#include "core/types.h"
#include "estimators/attention/batch.h"
#include "estimators/attention/readout.h"
#include "estimators/attention/sums.h"
#include "estimators/attention/valued_tile.h"
#include "estimators/feature_map.h"

namespace bochner {

/// The three kinds of attention, each for one task: out_i = sum_j a_ij v_j over the keys that query i sees, zeros where
/// it sees none. Every row of `out` depends on its query and the keys that it sees only, to the bit.

/// a_ij = phi(q_i).phi(k_j) / sum, with queries and keys times the root of the scale, for one task after another in the
/// same memory: tiles, whatever n and k. The map must outlive it.
template <class Scalar>
class FavorHeads {
 public:
  /// `values` are the columns of V.
  FavorHeads(const FeatureMap& map, double scale, bool renormalize, Index values);

  const FeatureMap& map() const { return *map_; }
  /// Adds to counts (g). Throws std::domain_error where a row is not finite, without its place. Cost: O((g n + k) p (d
  /// + dv)).
  void run(AttentionTask<Scalar>& task, std::span<DenominatorCounts> counts);

 private:
  const FeatureMap* map_;
  bool renormalize_;
  AttentionSums<Scalar> sums_;
  ValuedTile<Scalar> keys_;
  FeatureTile<Scalar> queries_;
  Readout<Scalar> readout_;
};

/// The arrays of gradients of one query head against one key head, a gradient beside each array.
template <class Scalar>
struct GradientTask {
  using Rows = Eigen::Map<const Matrix<Scalar>>;
  using MutableRows = Eigen::Map<Matrix<Scalar>>;
  Rows queries;  // (n, d)
  Rows keys;     // (k, d)
  Rows values;   // (k, dv)
  VisibleKeys visible;
  Rows out;    // (n, dv), as FavorHeads wrote it
  Rows d_out;  // (n, dv), the gradient of a number with respect to it
  mutable MutableRows d_queries, d_keys, d_values;
};

/// Adds to d_queries, d_keys and d_values the gradients that follow from d_out, by recomputing the tiles of features.
/// Rows whose denominator is 0 count as constant. Cost: about 3 times that of FavorHeads; memory: tiles, and two
/// numbers a query. Throws std::invalid_argument where the map is not differentiable.
template <class Scalar>
void favor_gradients(const FeatureMap& map, double scale, bool renormalize, const GradientTask<Scalar>& task);

/// a_ij = exp(scale q_i.k_j) / sum, by tiles with a running maximum for every query [MilakovGimelshein18; Dao22].
/// Throws std::domain_error where a score overflows. Cost: O(g n k (d + dv)); memory: a tile of scores.
template <class Scalar>
void exact_heads(double scale, AttentionTask<Scalar>& task);

/// a_ij = 1 / (keys seen), summed in double. Cost: O((g n + k) dv).
template <class Scalar>
void uniform_heads(AttentionTask<Scalar>& task);

}  // namespace bochner
