#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <vector>

#include "core/simd/product.h"
#include "core/types.h"

namespace bochner {

/// The linear operator x -> W x, W (rows, dim): the frequencies w_1..w_rows of a feature map, dense or structured.
/// Immutable once built; every member may be called from several threads at once.
class Projection {
 public:
  Projection() = default;
  virtual ~Projection() = default;
  Projection(const Projection&) = delete;
  Projection& operator=(const Projection&) = delete;

  virtual Index rows() const = 0;
  virtual Index dim() const = 0;

  /// U = X W^T. Shapes: X (n, dim), U (n, rows); U must not overlap X.
  /// Throws std::invalid_argument when the shapes differ from these. Row i of U depends on row i of X only, and not
  /// on n.
  virtual void apply(const MatrixView<float>& X, MutableMatrixView<float> U) const = 0;
  virtual void apply(const MatrixView<double>& X, MutableMatrixView<double> U) const = 0;

  /// X = U W, the adjoint. Shapes: U (n, rows), X (n, dim); X must not overlap U. Throws and promises as apply does.
  virtual void apply_transpose(const MatrixView<float>& U, MutableMatrixView<float> X) const = 0;
  virtual void apply_transpose(const MatrixView<double>& U, MutableMatrixView<double> X) const = 0;

  /// W itself, (rows, dim).
  virtual Matrix<double> matrix() const = 0;
};

/// A projection that stores W. Packs W for the product of core/simd/product.h at the first call of each kind,
/// so that construction costs no more than looking at every entry.
/// Error of apply: |error of U_il| <= (d + 1) eps sum_k |X_ik W_lk|, the 1 from rounding W to float.
class DenseProjection final : public Projection {
 public:
  /// Throws std::invalid_argument when W has no rows or no columns, std::domain_error when an entry is not finite.
  explicit DenseProjection(Matrix<double> W);

  Index rows() const override { return matrix_.rows(); }
  Index dim() const override { return matrix_.cols(); }
  void apply(const MatrixView<float>& X, MutableMatrixView<float> U) const override;
  void apply(const MatrixView<double>& X, MutableMatrixView<double> U) const override;
  void apply_transpose(const MatrixView<float>& U, MutableMatrixView<float> X) const override;
  void apply_transpose(const MatrixView<double>& U, MutableMatrixView<double> X) const override;
  Matrix<double> matrix() const override { return matrix_; }

 private:
  /// A packed copy, made at most once however many threads ask for it first.
  template <class Scalar>
  struct Lazy {
    std::mutex mutex;
    std::atomic<bool> ready = false;
    simd::Panels<Scalar> packed;
    template <class Source>
    const simd::Panels<Scalar>& get(const Source& W);
  };

  Matrix<double> matrix_;
  mutable Lazy<float> float_;
  mutable Lazy<double> double_;
  mutable Lazy<float> float_transpose_;
  mutable Lazy<double> double_transpose_;
};

/// W diag(scales) as a projection: x -> W (scales * x). One scale for all coordinates, or one each.
/// Throws std::invalid_argument when there are neither 1 nor dim of them. Cost: that of W, and a copy of it if it is
/// dense.
std::shared_ptr<const Projection> scaled(std::shared_ptr<const Projection> projection,
                                         const std::vector<double>& scales);

}  // namespace bochner
