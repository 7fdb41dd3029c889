#pragma once

#include "core/types.h"

#include <cstddef>
#include <span>

namespace bochner {

/// factor |x'|^2 of rows x, x'_j = scales_j x_j with one scale for all coordinates or one each.
class RowSquares {
 public:
  RowSquares(std::span<const double> scales, double factor) : weights_(static_cast<Index>(scales.size())) {
    for (std::size_t j = 0; j < scales.size(); ++j) weights_(static_cast<Index>(j)) = factor * scales[j] * scales[j];
  }

  /// That of every row, (n).
  template <class Scalar>
  Vector<Scalar> of(const MatrixView<Scalar>& X) const {
    if (weights_.size() == 1) return static_cast<Scalar>(weights_(0)) * X.rowwise().squaredNorm();
    return X.cwiseAbs2() * weights_.cast<Scalar>();
  }

  /// Adds to d_X (n, d) the gradient that follows from d_squares (n), that of these.
  template <class Scalar>
  void add_gradient(const MatrixView<Scalar>& X, const VectorView<Scalar>& d_squares,
                    MutableMatrixView<Scalar>& d_X) const {
    if (weights_.size() == 1) {
      d_X += (static_cast<Scalar>(2 * weights_(0)) * d_squares).asDiagonal() * X;
    } else {
      d_X += d_squares.asDiagonal() * X * (2 * weights_).cast<Scalar>().asDiagonal();
    }
  }

 private:
  Vector<double> weights_;  // factor scales_j^2
};

}  // namespace bochner
