#include "core/projection.h"

#include <utility>

#include "core/check.h"

namespace bochner {

DenseProjection::DenseProjection(Matrix<double> W) : matrix_(std::move(W)) {
  require_rows(matrix_.rows(), "DenseProjection", "W");
  require_at_least(matrix_.cols(), 1, "DenseProjection", "W.columns");
  require_finite(matrix_, "DenseProjection", "W");
}

template <class Scalar>
template <class Source>
const simd::Panels<Scalar>& DenseProjection::Lazy<Scalar>::get(const Source& W) {
  // std::call_once would enter the kernel, which takes longer than packing a small W.
  if (!ready.load(std::memory_order_acquire)) {
    const std::lock_guard lock(mutex);
    if (!ready.load(std::memory_order_relaxed)) {
      packed = simd::Panels<Scalar>::transpose_of(W);
      ready.store(true, std::memory_order_release);
    }
  }
  return packed;
}

void DenseProjection::apply(const MatrixView<float>& X, MutableMatrixView<float> U) const {
  simd::product<float>(X, float_.get(matrix_), U);
}

void DenseProjection::apply(const MatrixView<double>& X, MutableMatrixView<double> U) const {
  simd::product<double>(X, double_.get(matrix_), U);
}

void DenseProjection::apply_transpose(const MatrixView<float>& U, MutableMatrixView<float> X) const {
  simd::product<float>(U, float_transpose_.get(matrix_.transpose()), X);
}

void DenseProjection::apply_transpose(const MatrixView<double>& U, MutableMatrixView<double> X) const {
  simd::product<double>(U, double_transpose_.get(matrix_.transpose()), X);
}

}  // namespace bochner
