#pragma once

#include <span>

#include "core/simd/product.h"
#include "estimators/attention/feature_tile.h"
#include "estimators/attention/walk.h"

namespace bochner {

/// A tile of rows with features and values, on its way into sums.
template <class Scalar>
class ValuedTile {
 public:
  ValuedTile(const FeatureMap& map, Side side, double scale, Index columns)
      : features_(map, side, scale), values_(features_.capacity(), columns) {}

  /// Loads the rows of `from` at these positions; fill(row, position, values (columns)) writes the values of each.
  /// Throws as FeatureTile::load does.
  template <class Rows, class Fill>
  void load(const Rows& from, std::span<const Index> positions, const Fill& fill) {
    features_.load(from, positions);
    auto values = values_.top(features_.rows());
    for (Index i = 0; i < values.rows(); ++i) fill(i, positions[static_cast<std::size_t>(i)], values.row(i));
  }

  FeatureTile<Scalar>& features() { return features_; }
  ItemTile<Scalar> items() const {
    return {features_.features(), features_.log_scale(), values_.top(features_.rows())};
  }

 private:
  FeatureTile<Scalar> features_;
  simd::PaddedRows<Scalar> values_;
};

}  // namespace bochner
