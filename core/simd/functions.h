#pragma once

#include <limits>
#include <span>

#include "core/types.h"

/// Elementary functions over arrays, vectorised with Google Highway and dispatched at run time.
///
/// All are instantiated for float and double. The value for an element depends only on that element, never on its
/// place in the span or on the span's length: tails go through the same vector code in a padded register.
namespace bochner::simd {

/// The accuracy of a function: for arguments in [lowest, highest] the error is at most `max_ulp` units in the last
/// place of the exact result, on every instruction set. Elements outside come from std::.
struct Contract {
  double max_ulp;
  double lowest;
  double highest;
};

/// Measured: 1.1, for every argument.
template <class Scalar>
inline constexpr Contract kExpContract{1.5, -std::numeric_limits<double>::infinity(),
                                       std::numeric_limits<double>::infinity()};

/// Measured: 1.6 where the machine has a fused multiply-add, elsewhere float 2.2, double 2.8: there Highway's Sin and
/// Cos serve, which are specified to these ends.
template <class Scalar>
inline constexpr Contract kSinCosContract{3.0, -39000.0, 39000.0};

/// Measured: 2.1, in units of epsilon times the radius of the pair. The range is that of u1.
inline constexpr Contract kBoxMullerContract{2.5, 0.0, 1 - 0x1p-53};

/// x <- exp(x), in place. Infinity on overflow, 0 on underflow and for -infinity, NaN for NaN.
/// Error: kExpContract.
template <class Scalar>
void exp(std::span<Scalar> values);

/// max_l (a_l + b_l). An empty b counts as zeros; an empty a gives -infinity; NaN where any a_l + b_l is NaN. Exact.
/// Shapes: a (m), b (m) or (0). Throws std::invalid_argument when b has neither a's length nor 0.
template <class Scalar>
Scalar max_sum(std::span<const Scalar> a, std::span<const Scalar> b);

/// out_i = max_l ((X_il + row_i) + column_l), NaN where any of them is. Exact, of the sums as exp_rows rounds them.
/// Shapes: X (n, m), row (n), column (m), out (n). Throws std::invalid_argument when they differ from these.
template <class Scalar>
void max_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, const VectorView<Scalar>& column,
              MutableVectorView<Scalar> out);

/// out_il = exp((X_il + row_i) + column_l). Shapes: X, out (n, m), row (n), column (m); out may be X.
/// Throws std::invalid_argument when they differ from these. Error: kExpContract, and the rounding of the sums.
template <class Scalar>
void exp_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, const VectorView<Scalar>& column,
              MutableMatrixView<Scalar> out);

/// out_il = exp((X_il + column_l) - largest_i), largest_i = max_l (X_il + column_l), at least the lowest finite number:
/// no value exceeds 1, and unless all sums of a row are minus infinity one is exactly 1, however large they are.
/// Shapes: X, out (n, m), column (m), largest (n); out may be X. Throws std::invalid_argument when they differ from
/// these. Where a sum is NaN or infinity largest_i is that, and row i of out means nothing. Error: as exp_rows.
template <class Scalar>
void exp_below_largest(const MatrixView<Scalar>& X, const VectorView<Scalar>& column, MutableMatrixView<Scalar> out,
                       MutableVectorView<Scalar> largest);

/// out_i = sum_l exp(X_il + row_i). Shapes: X (n, m), row (n), out (n).
/// Throws std::invalid_argument when they differ from these. Error: m eps relative from the sum, kExpContract and the
/// rounding of X_il + row_i from each term. The order of summation depends only on m and on the instruction set.
template <class Scalar>
void sum_exp_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, MutableVectorView<Scalar> out);

/// out_i = sum_l X_il y_l. Shapes: X (n, m), y (m), out (n). Throws std::invalid_argument when they differ from these.
/// Error: m eps sum_l |X_il y_l|; the order of summation depends only on m and on the instruction set.
template <class Scalar>
void dot_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& y, MutableVectorView<Scalar> out);

/// sin and cos of every angle; right for any finite angle, NaN for infinity and NaN.
/// Shapes: angles, sin, cos (n). Either output may be the array of angles itself.
/// Throws std::invalid_argument when the lengths differ. Error: kSinCosContract.
template <class Scalar>
void sin_cos(std::span<const Scalar> angles, std::span<Scalar> sin, std::span<Scalar> cos);

/// Whether no entry is NaN or infinity.
template <class Scalar>
bool all_finite(const MatrixView<Scalar>& X);

/// Box-Muller, in place: every pair (u1, u2) becomes r cos(2 pi u2), r sin(2 pi u2) with r = sqrt(-2 log(1 - u1)): for
/// independent uniforms, two independent standard normals.
/// Shape: uniforms (2k), multiples of 2^-53 in [0, 1) so that 1 - u1 is exact, which is not checked.
/// Throws std::invalid_argument when the length is odd. Error: kBoxMullerContract. [BoxMuller58]
void box_muller(std::span<double> uniforms);

}  // namespace bochner::simd
