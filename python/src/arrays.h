#pragma once

#include "core/types.h"

#include <pybind11/numpy.h>

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>

namespace bochner::python {

/// C-contiguous arrays of exactly this scalar. Bound with py::arg().noconvert(), so that they are never copied: the
/// package has converted what needs it.
template <class Scalar>
using Array = pybind11::array_t<Scalar, pybind11::array::c_style>;

template <class Scalar>
using MatrixMap = Eigen::Map<const Matrix<Scalar>>;

/// The array as a matrix, without a copy. Throws std::invalid_argument unless it has two dimensions.
template <class Scalar>
MatrixMap<Scalar> as_matrix(const Array<Scalar>& array, const char* name) {
  if (array.ndim() != 2) {
    throw std::invalid_argument(std::string(name) + " has " + std::to_string(array.ndim()) + " dimensions; expected 2");
  }
  return {array.data(), array.shape(0), array.shape(1)};
}

/// A NumPy array that owns `values` and shows its entries in this shape.
template <class Scalar, class Owner>
pybind11::array_t<Scalar> adopt(Owner&& values, pybind11::array::ShapeContainer shape) {
  auto owner = std::make_unique<std::remove_cvref_t<Owner>>(std::forward<Owner>(values));
  const Scalar* data = owner->data();
  const pybind11::capsule base(owner.get(), [](void* pointer) {
    const std::unique_ptr<std::remove_cvref_t<Owner>> last(static_cast<std::remove_cvref_t<Owner>*>(pointer));
  });
  owner.release();
  return pybind11::array_t<Scalar>(std::move(shape), data, base);
}

/// The matrix or vector as a NumPy array, moved and not copied.
template <class Scalar>
pybind11::array_t<Scalar> to_numpy(Matrix<Scalar>&& matrix) {
  const auto rows = matrix.rows();
  const auto columns = matrix.cols();
  return adopt<Scalar>(std::move(matrix), {rows, columns});
}
template <class Scalar>
pybind11::array_t<Scalar> to_numpy(Vector<Scalar>&& vector) {
  const auto size = vector.size();
  return adopt<Scalar>(std::move(vector), {size});
}

inline std::span<const double> row_of(const MatrixMap<double>& rows, Index i) {
  return {rows.data() + i * rows.cols(), static_cast<std::size_t>(rows.cols())};
}

}  // namespace bochner::python
