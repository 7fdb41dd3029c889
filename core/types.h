#pragma once

#include <Eigen/Core>

namespace bochner {

/// Signed size and index type of the whole library (64 bits).
using Index = Eigen::Index;

/// Dense arrays are row-major: row i of an n x d matrix is the point x_i, contiguous, as in a C-ordered NumPy array.
template <class Scalar>
using Matrix = Eigen::Matrix<Scalar, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class Scalar>
using Vector = Eigen::Matrix<Scalar, Eigen::Dynamic, 1>;

/// Borrowed arrays at borders. Read-only views are passed as `const MatrixView<Scalar>&`, mutable ones by value.
/// Rows may be strided (a block of a larger matrix); entries within a row are contiguous.
template <class Scalar>
using MatrixView = Eigen::Ref<const Matrix<Scalar>>;
template <class Scalar>
using MutableMatrixView = Eigen::Ref<Matrix<Scalar>>;
template <class Scalar>
using VectorView = Eigen::Ref<const Vector<Scalar>>;
template <class Scalar>
using MutableVectorView = Eigen::Ref<Vector<Scalar>>;

}  // namespace bochner
