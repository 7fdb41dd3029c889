#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "core/types.h"
#include "estimators/attention/readout.h"
#include "estimators/attention/sums.h"
#include "estimators/attention/valued_tile.h"
#include "estimators/feature_map.h"

namespace bochner {

/// Linear attention of one head, token by token: keys and values are appended, queries see all keys so far.
///
///   out_i = sum_j phi(q_i).phi(k_j) v_j / sum_j phi(q_i).phi(k_j),   q, k multiplied by the root of the scale
///
/// The result depends neither on how the keys are cut into calls nor on the number of queries in one, to the bit; it is
/// that of causal attention() to the bit, and of bidirectional attention() to rounding. (A user's map must compute a
/// row independently of its neighbours.) Copies are independent. Memory: some 2 p (dv + 64) numbers; independent of the
/// length. Cost: the features and O(p dv) a key and a query. [Choromanski21, section 2.2; Katharopoulos20]
template <class Scalar>
class AttentionState {
 public:
  /// `values` is dv. Throws std::invalid_argument unless values >= 1, std::domain_error unless the scale is finite and
  /// positive.
  AttentionState(std::shared_ptr<const FeatureMap> map, Index values, std::optional<double> scale = std::nullopt);

  /// K (n, d), V (n, dv), n >= 1. Throws std::invalid_argument on a shape, std::domain_error on NaN or infinity, or
  /// where the features overflow; then some of the rows may have been appended.
  void append(const MatrixView<Scalar>& K, const MatrixView<Scalar>& V);

  /// Q (n, d) -> out (n, dv). Throws as append does, and std::invalid_argument when there is no key yet.
  DenominatorCounts query(const MatrixView<Scalar>& Q, MutableMatrixView<Scalar> out);

  /// Keys appended.
  Index size() const { return sums_.open() + sums_.closed(); }
  const FeatureMap& map() const { return *map_; }
  Index values() const { return values_; }
  double scale() const { return scale_; }

  /// The keys so far as numbers, for files; a state of the same map, values and scale that restores them is the same to
  /// the bit. restore() throws std::invalid_argument when they are not of this form.
  std::vector<Scalar> to_numbers() const { return sums_.to_numbers(); }
  void restore(const std::vector<Scalar>& numbers) { sums_.restore(numbers); }

 private:
  std::shared_ptr<const FeatureMap> map_;
  Index values_;
  double scale_;
  AttentionSums<Scalar> sums_;
  ValuedTile<Scalar> keys_;
  FeatureTile<Scalar> queries_;
  Readout<Scalar> readout_;
};

}  // namespace bochner
