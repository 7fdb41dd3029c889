#pragma once

#include <cstddef>
#include <vector>

#include "core/types.h"

namespace bochner::simd {

/// A matrix W (m, d) laid out for the product X W^T: panels of kColumns rows of W, each transposed so that the step
/// of the inner loop reads one contiguous, aligned line. The layout is the same for every instruction set; the last
/// panel is filled up with zeros.
/// Cost: m d conversions, (m rounded up to kColumns) d values of memory.
template <class Scalar>
class PackedMatrix {
 public:
  static constexpr std::size_t kColumns = 128 / sizeof(Scalar);
  /// The k-th entries of the kColumns rows of a panel.
  struct alignas(64) Line {
    Scalar values[kColumns];
  };

  /// Rounds W to Scalar. Throws std::invalid_argument when W has no rows or no columns.
  explicit PackedMatrix(const MatrixView<double>& W);

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  /// The lines of all panels, panel after panel: line k of panel p is at p cols() + k.
  const std::vector<Line>& lines() const { return lines_; }

 private:
  Index rows_;
  Index cols_;
  std::vector<Line> lines_;  // (panels, cols)
};

/// U = X W^T. Shapes: X (n, d), W (m, d), U (n, m), n >= 0; U must not overlap X.
/// Throws std::invalid_argument when the shapes differ from these.
/// Cost: 2 n m d flops, no allocation; register-blocked, vectorised and dispatched at run time.
/// Error: |error of U_il| <= d eps sum_k |X_ik W_lk|. Every entry is one sum over k in order (fused where the
/// instruction set fuses), so it does not depend on n, m or its place.
template <class Scalar>
void product(const MatrixView<Scalar>& X, const PackedMatrix<Scalar>& W, MutableMatrixView<Scalar> U);

}  // namespace bochner::simd
