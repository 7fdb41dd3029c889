#pragma once

#include <algorithm>

#include "core/types.h"
#include "estimators/feature_map.h"

namespace bochner {

/// The features of up to tile_rows(map) rows, with the memory for them: the working memory of an attention pass. Rows
/// are multiplied by `factor` on the way in. Memory grows to the largest tile that was loaded. The map must outlive it.
template <class Scalar>
class FeatureTile {
 public:
  FeatureTile(const FeatureMap& map, Side side, double factor)
      : map_(&map), side_(side), factor_(static_cast<Scalar>(factor)), capacity_(tile_rows(map)) {}

  /// Loads min(count, tile_rows) rows, row_at(0), row_at(1), ... (d), and returns how many.
  template <class RowAt>
  Index load(Index count, const RowAt& row_at) {
    const Index rows = std::min(count, capacity_);
    if (rows > input_.rows()) {
      input_.resize(rows, map_->dim());
      features_.resize(rows, map_->features());
      log_scale_.resize(rows);
    }
    for (Index i = 0; i < rows; ++i) input_.row(i) = row_at(i) * factor_;
    map_->tile(input_.topRows(rows), side_, features_.topRows(rows), log_scale_.head(rows));
    return rows;
  }

  auto features(Index i) const { return features_.row(i).transpose(); }  ///< (p)
  Scalar log_scale(Index i) const { return log_scale_(i); }

 private:
  const FeatureMap* map_;
  Side side_;
  Scalar factor_;
  Index capacity_;
  Matrix<Scalar> input_;
  Matrix<Scalar> features_;
  Vector<Scalar> log_scale_;
};

}  // namespace bochner
