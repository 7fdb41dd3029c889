#pragma once

#include <cstddef>
#include <vector>

#include "core/types.h"

namespace bochner::simd {

/// Columns of a panel: those of one cache line. Rows of whole panels start on a line of their own.
template <class Scalar>
inline constexpr Index kPanelColumns = 64 / sizeof(Scalar);

/// The left factor A of a product: entry (i, s) stands at data[i row_stride + s step]. Either stride may be 1, so a
/// row-major matrix and its transpose both serve.
template <class Scalar>
struct LeftFactor {
  const Scalar* data;
  Index row_stride;
  Index step;
};

/// The right factor B: entry (s, j) stands at data[s step + (j / P) panel_stride + j % P], P = kPanelColumns. Panels
/// are read whole: the memory of the last one must exist beyond the last column.
template <class Scalar>
struct RightFactor {
  const Scalar* data;
  Index step;
  Index panel_stride;
};

/// C (n, m) = A (n, k) B (k, m), or C += A B where `accumulate`. C must not overlap A or B; nothing beyond its n x m
/// entries is written. Nothing is checked, nothing allocated.
/// Cost: 2 n m k flops, register-blocked, vectorised and dispatched at run time.
/// Error: |error of C_ij| <= k eps (|C_ij| +) sum_s |A_is B_sj|. Every entry is one sum over s in order, from 0 or from
/// C_ij (fused where the instruction set fuses): it does not depend on n, m or its place, and a sum cut into several
/// accumulating calls has the same bits.
template <class Scalar>
void multiply(Index n, Index m, Index k, const LeftFactor<Scalar>& A, const RightFactor<Scalar>& B,
              MutableMatrixView<Scalar> C, bool accumulate);

/// A row of a panel.
template <class Scalar>
struct alignas(64) CacheLine {
  Scalar values[64 / sizeof(Scalar)];
};

/// A matrix (rows, cols) in row-major order on whole cache lines, zero at first. The stride is an odd number of lines,
/// so that walking down a column does not meet the same few sets of the cache again and again.
template <class Scalar>
class PaddedRows {
 public:
  PaddedRows() = default;
  PaddedRows(Index rows, Index cols);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  Index stride() const { return stride_; }
  Scalar* row(Index i) { return lines_.data()->values + i * stride_; }
  const Scalar* row(Index i) const { return lines_.data()->values + i * stride_; }

  using View = Eigen::Map<Matrix<Scalar>, Eigen::Unaligned, Eigen::OuterStride<>>;
  using ConstView = Eigen::Map<const Matrix<Scalar>, Eigen::Unaligned, Eigen::OuterStride<>>;
  /// The first `rows` rows.
  View top(Index rows) { return View(row(0), rows, cols_, Eigen::OuterStride<>(stride_)); }
  ConstView top(Index rows) const { return ConstView(row(0), rows, cols_, Eigen::OuterStride<>(stride_)); }

  /// The matrix as the left factor, from row `first` on, and its transpose.
  LeftFactor<Scalar> left(Index first = 0) const { return {row(first), stride_, 1}; }
  LeftFactor<Scalar> left_transpose() const { return {row(0), 1, stride_}; }
  /// The matrix as the right factor.
  RightFactor<Scalar> right() const { return {row(0), stride_, kPanelColumns<Scalar>}; }

 private:
  Index rows_ = 0;
  Index cols_ = 0;
  Index stride_ = 0;
  std::vector<CacheLine<Scalar>> lines_;
};

/// A matrix (rows, cols) laid out as a right factor: panels of kPanelColumns columns, each with its rows one after the
/// other, so that a product reads it in order. The last panel is filled up with zeros.
template <class Scalar>
class Panels {
 public:
  Panels() = default;
  /// Zeros.
  Panels(Index rows, Index cols);
  /// W^T (d, m), rounded to Scalar, for products X W^T.
  /// Throws std::invalid_argument when W (m, d) has no rows or no columns.
  static Panels transpose_of(const MatrixView<double>& W);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  /// Columns [first, end) <- the rows [first, end) of a row-major matrix with this stride.
  void set_transpose(const Scalar* values, Index stride, Index first, Index end);
  RightFactor<Scalar> right() const {
    return {lines_.data()->values, kPanelColumns<Scalar>, rows_ * kPanelColumns<Scalar>};
  }

 private:
  Index rows_ = 0;
  Index cols_ = 0;
  std::vector<CacheLine<Scalar>> lines_;  // (panels, rows)
};

/// U = X B. Shapes: X (n, d), B (d, m), U (n, m), n >= 0; U must not overlap X.
/// Throws std::invalid_argument when the shapes differ from these. Cost and error: as multiply().
template <class Scalar>
void product(const MatrixView<Scalar>& X, const Panels<Scalar>& B, MutableMatrixView<Scalar> U);

}  // namespace bochner::simd
