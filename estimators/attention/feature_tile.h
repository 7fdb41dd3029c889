#pragma once

#include <cmath>
#include <span>
#include <stdexcept>

#include "core/check.h"
#include "core/simd/product.h"
#include "core/types.h"
#include "estimators/attention/sums.h"
#include "estimators/feature_map.h"

namespace bochner {

/// Throws std::domain_error where a row on its way into attention holds NaN or infinity.
template <class Derived>
void require_finite_rows(const Eigen::DenseBase<Derived>& rows) {
  if (detail::all_finite(rows)) return;
  throw std::domain_error(
      "attention: a row is NaN or infinite, or becomes so times the root of the scale; expected finite rows");
}

/// The features of up to AttentionSums::block_rows rows, with the memory for them: the working memory of an attention
/// pass. Rows are multiplied by the root of the scale on the way in. The map must outlive it.
template <class Scalar>
class FeatureTile {
 public:
  FeatureTile(const FeatureMap& map, Side side, double scale)
      : map_(&map),
        side_(side),
        factor_(static_cast<Scalar>(std::sqrt(scale))),
        input_(AttentionSums<Scalar>::block_rows(map.features()), map.dim()),
        features_(input_.rows(), map.features()),
        log_scale_(input_.rows()) {}

  Index capacity() const { return input_.rows(); }
  Index rows() const { return rows_; }

  /// Loads the rows of `from` at these positions, at most capacity(). Throws std::domain_error where an entry is not
  /// finite or the map does not allow it; its place in the message is that among the rows loaded.
  template <class Rows>
  void load(const Rows& from, std::span<const Index> positions) {
    rows_ = static_cast<Index>(positions.size());
    for (Index i = 0; i < rows_; ++i) {
      input_.top(rows_).row(i) = from.row(positions[static_cast<std::size_t>(i)]) * factor_;
    }
    require_finite_rows(input_.top(rows_));
    require_in_range<Scalar>(map_->input_range(), input_.top(rows_), "attention",
                             side_ == Side::kQuery ? "(rows of Q, scaled)" : "(rows of K, scaled)");
    map_->tile(input_.top(rows_), side_, features_.top(rows_), log_scale_.head(rows_));
  }

  auto features() const { return features_.top(rows_); }     ///< (rows, p)
  auto log_scale() const { return log_scale_.head(rows_); }  ///< (rows)

  /// Adds to rows of `into` at the positions of the loaded rows the gradient that follows from those of the features,
  /// (rows, p), and log-scales. d_features is scratch afterwards.
  template <class Rows>
  void add_gradient(MutableMatrixView<Scalar> d_features, const VectorView<Scalar>& d_log_scale,
                    std::span<const Index> positions, Rows&& into) {
    if (gradient_.rows() == 0) gradient_ = simd::PaddedRows<Scalar>(capacity(), map_->dim());
    map_->vjp(input_.top(rows_), side_, features(), d_features, d_log_scale, gradient_.top(rows_));
    for (Index i = 0; i < rows_; ++i) {
      into.row(positions[static_cast<std::size_t>(i)]) += gradient_.top(rows_).row(i) * factor_;
    }
  }

 private:
  const FeatureMap* map_;
  Side side_;
  Scalar factor_;
  simd::PaddedRows<Scalar> input_;
  simd::PaddedRows<Scalar> features_;
  Vector<Scalar> log_scale_;
  simd::PaddedRows<Scalar> gradient_;
  Index rows_ = 0;
};

}  // namespace bochner
