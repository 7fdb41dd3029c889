#include "core/projection.h"

#include <algorithm>
#include <stdexcept>
#include <string>
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

namespace {

/// Any other projection, of scaled points.
class ScaledProjection final : public Projection {
 public:
  ScaledProjection(std::shared_ptr<const Projection> projection, Vector<double> scales)
      : projection_(std::move(projection)), scales_(std::move(scales)) {}

  Index rows() const override { return projection_->rows(); }
  Index dim() const override { return projection_->dim(); }
  void apply(const MatrixView<float>& X, MutableMatrixView<float> U) const override { apply_of<float>(X, U); }
  void apply(const MatrixView<double>& X, MutableMatrixView<double> U) const override { apply_of<double>(X, U); }
  void apply_transpose(const MatrixView<float>& U, MutableMatrixView<float> X) const override {
    apply_transpose_of<float>(U, X);
  }
  void apply_transpose(const MatrixView<double>& U, MutableMatrixView<double> X) const override {
    apply_transpose_of<double>(U, X);
  }
  Matrix<double> matrix() const override { return projection_->matrix() * scales_.asDiagonal(); }

 private:
  template <class Scalar>
  void apply_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& U) const {
    require_columns(X.cols(), dim(), "apply", "X");
    const Matrix<Scalar> points = X * scales_.cast<Scalar>().asDiagonal();
    projection_->apply(points, U);
  }
  template <class Scalar>
  void apply_transpose_of(const MatrixView<Scalar>& U, MutableMatrixView<Scalar>& X) const {
    projection_->apply_transpose(U, X);
    X *= scales_.cast<Scalar>().asDiagonal();
  }

  std::shared_ptr<const Projection> projection_;
  Vector<double> scales_;
};

}  // namespace

std::shared_ptr<const Projection> scaled(std::shared_ptr<const Projection> projection,
                                         const std::vector<double>& scales) {
  const Index dim = projection->dim();
  if (scales.size() != 1 && static_cast<Index>(scales.size()) != dim) {
    throw std::invalid_argument("scaled: there are " + std::to_string(scales.size()) + " scales; expected 1 or " +
                                std::to_string(dim) + ", one for each column");
  }
  if (std::all_of(scales.begin(), scales.end(), [](double scale) { return scale == 1; })) return projection;
  Vector<double> columns = scales.size() == 1 ? Vector<double>::Constant(dim, scales.front())
                                              : Vector<double>(Eigen::Map<const Vector<double>>(scales.data(), dim));
  if (dynamic_cast<const DenseProjection*>(projection.get())) {
    return std::make_shared<DenseProjection>(projection->matrix() * columns.asDiagonal());
  }
  return std::make_shared<ScaledProjection>(std::move(projection), std::move(columns));
}

}  // namespace bochner
