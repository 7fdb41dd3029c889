#include "estimators/features/homogeneous.h"

#include "estimators/features/row_exponent.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace bochner {
namespace {

template <class Scalar>
Scalar power_of(Scalar base, Index degree) {
  Scalar result = 1;
  for (Index k = 0; k < degree; ++k) result *= base;
  return result;
}

class HomogeneousMap final : public FeatureMap {
 public:
  HomogeneousMap(std::shared_ptr<const Projection> projection, const HomogeneousFunction& function,
                 std::string description)
      : projection_(std::move(projection)), function_(function), description_(std::move(description)) {}

  Index dim() const override { return projection_->dim(); }
  Index features() const override { return projection_->rows(); }
  Form form() const override { return Form::kValues; }
  Matrix<double> frequencies() const override { return projection_->matrix(); }
  std::string describe() const override { return description_; }

  void tile(const MatrixView<float>& X, Side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of<float>(X, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of<double>(X, features, log_scale);
  }

  bool differentiable() const override { return true; }
  void vjp(const MatrixView<float>& X, Side, const MatrixView<float>&, MutableMatrixView<float> d_features,
           const VectorView<float>&, MutableMatrixView<float> d_X) const override {
    vjp_of<float>(X, d_features, d_X);
  }
  void vjp(const MatrixView<double>& X, Side, const MatrixView<double>&, MutableMatrixView<double> d_features,
           const VectorView<double>&, MutableMatrixView<double> d_X) const override {
    vjp_of<double>(X, d_features, d_X);
  }

 private:
  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    projection_->apply(X, features);
    const auto log_weight = static_cast<Scalar>(-std::log(static_cast<double>(this->features())) / 2);
    const auto above = static_cast<Scalar>(function_.above), below = static_cast<Scalar>(function_.below);
    for (Index i = 0; i < features.rows(); ++i) {
      const int exponent = row_exponent(features.row(i), function_.degree);
      divide_by_power(features.row(i), exponent);
      features.row(i) = features.row(i).unaryExpr([&](Scalar u) {
        if (u == 0) return Scalar{0};
        return (u > 0 ? above : below) * power_of(std::abs(u), function_.degree);
      });
      log_scale(i) = log_weight + static_cast<Scalar>(function_.degree) * static_cast<Scalar>(exponent) *
                                      std::numbers::ln2_v<Scalar>;
    }
  }

  /// The log-scale is piecewise constant: its gradient counts for nothing. features = f(u 2^-e).
  template <class Scalar>
  void vjp_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& d_features,
              MutableMatrixView<Scalar>& d_X) const {
    if (function_.degree == 0) {
      d_X.setZero();
      return;
    }
    Matrix<Scalar> U(X.rows(), features());
    projection_->apply(X, U);
    const auto degree = static_cast<Scalar>(function_.degree);
    const auto above = static_cast<Scalar>(function_.above), below = static_cast<Scalar>(-function_.below);
    for (Index i = 0; i < U.rows(); ++i) {
      const int exponent = row_exponent(U.row(i), function_.degree);
      divide_by_power(U.row(i), exponent);
      const auto slopes = U.row(i).unaryExpr([&](Scalar u) {
        if (u == 0) return Scalar{0};
        return degree * (u > 0 ? above : below) * power_of(std::abs(u), function_.degree - 1);
      });
      d_features.row(i) = d_features.row(i).cwiseProduct(slopes).eval();
      divide_by_power(d_features.row(i), exponent);
    }
    projection_->apply_transpose(d_features, d_X);
  }

  std::shared_ptr<const Projection> projection_;
  HomogeneousFunction function_;
  std::string description_;
};

}  // namespace

std::shared_ptr<const FeatureMap> homogeneous_map(std::shared_ptr<const Projection> projection,
                                                  const HomogeneousFunction& function, std::string description) {
  return std::make_shared<HomogeneousMap>(std::move(projection), function, std::move(description));
}

}  // namespace bochner
