#pragma once

#include <cmath>
#include <memory>
#include <optional>

#include "core/types.h"
#include "estimators/attention/feature_tile.h"
#include "estimators/attention/sums.h"
#include "estimators/feature_map.h"

namespace bochner {

/// Linear attention of one head, token by token: keys and values are appended, queries see all keys so far.
///
///   out_i = sum_j phi(q_i).phi(k_j) v_j / sum_j phi(q_i).phi(k_j),   q, k multiplied by the root of the scale
///
/// The result depends neither on how the keys are cut into calls nor on the number of queries in one, to the bit:
/// streaming equals attention(). (A user's map must compute a row independently of its neighbours.) Copies are
/// independent. Memory: p (dv + 2), and a tile; independent of the length. Cost: the features and O(p dv) a key and a
/// query. [Choromanski21, section 2.2; Katharopoulos20]
template <class Scalar>
class AttentionState {
 public:
  /// `values` is dv. Throws std::invalid_argument unless values >= 1, std::domain_error unless the scale is finite and
  /// positive.
  AttentionState(std::shared_ptr<const FeatureMap> map, Index values, std::optional<double> scale = std::nullopt);

  /// K (n, d), V (n, dv), n >= 1. Throws std::invalid_argument on a shape, std::domain_error on NaN or infinity, or
  /// where the features overflow; then some of the rows may have been appended.
  void append(const MatrixView<Scalar>& K, const MatrixView<Scalar>& V);

  /// Q (n, d) -> out (n, dv). Returns how many denominators were not positive, which never happens with kExponents
  /// maps; see AttentionSums::query. Throws as append does, and std::invalid_argument when there is no key yet.
  Index query(const MatrixView<Scalar>& Q, MutableMatrixView<Scalar> out);

  /// Keys appended.
  Index size() const { return sums_.size(); }
  const FeatureMap& map() const { return *map_; }
  Index values() const { return values_; }
  double scale() const { return scale_; }

 private:
  FeatureTile<Scalar> new_tile(Side side) const { return FeatureTile<Scalar>(*map_, side, std::sqrt(scale_)); }

  std::shared_ptr<const FeatureMap> map_;
  Index values_;
  double scale_;
  AttentionSums<Scalar> sums_;
  FeatureTile<Scalar> keys_;
  FeatureTile<Scalar> queries_;
};

}  // namespace bochner
