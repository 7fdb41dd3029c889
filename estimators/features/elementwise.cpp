#include "estimators/features/elementwise.h"

#include "core/check.h"
#include "estimators/features/row_exponent.h"

#include <cmath>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

/// log(e^a + e^b).
template <class Scalar>
Scalar log_add(Scalar a, Scalar b) {
  return (a < b ? b : a) + std::log1p(std::exp(-std::abs(a - b)));
}

class ElementwiseMap final : public FeatureMap {
 public:
  ElementwiseMap(std::shared_ptr<const Projection> projection, std::shared_ptr<const ElementwiseFunction> function,
                 double epsilon, std::string description)
      : projection_(std::move(projection)),
        function_(std::move(function)),
        epsilon_(epsilon),
        description_(std::move(description)) {}

  Index dim() const override { return projection_->dim(); }
  Index features() const override { return projection_->rows(); }
  Form form() const override { return function_->form(); }
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

  bool differentiable() const override { return function_->differentiable(); }
  void vjp(const MatrixView<float>& X, Side side, const MatrixView<float>& features,
           MutableMatrixView<float> d_features, const VectorView<float>& d_log_scale,
           MutableMatrixView<float> d_X) const override {
    if (!differentiable()) return FeatureMap::vjp(X, side, features, d_features, d_log_scale, d_X);
    vjp_of<float>(X, d_features, d_X);
  }
  void vjp(const MatrixView<double>& X, Side side, const MatrixView<double>& features,
           MutableMatrixView<double> d_features, const VectorView<double>& d_log_scale,
           MutableMatrixView<double> d_X) const override {
    if (!differentiable()) return FeatureMap::vjp(X, side, features, d_features, d_log_scale, d_X);
    vjp_of<double>(X, d_features, d_X);
  }

 private:
  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    projection_->apply(X, features);
    function_->evaluate(features);
    log_scale.setConstant(static_cast<Scalar>(-std::log(static_cast<double>(this->features())) / 2));
    if (form() == Form::kExponents) {
      if (epsilon_ == 0) return;
      const auto log_epsilon = static_cast<Scalar>(std::log(epsilon_));
      features = features.unaryExpr([log_epsilon](Scalar log) { return log_add(log, log_epsilon); });
      return;
    }
    features.array() += static_cast<Scalar>(epsilon_);
    for (Index i = 0; i < features.rows(); ++i) {
      const int exponent = row_exponent(features.row(i));
      divide_by_power(features.row(i), exponent);
      log_scale(i) += static_cast<Scalar>(exponent) * std::numbers::ln2_v<Scalar>;
    }
  }

  /// The log-scale is constant or piecewise so: its gradient counts for nothing.
  template <class Scalar>
  void vjp_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& d_features,
              MutableMatrixView<Scalar>& d_X) const {
    Matrix<Scalar> U(X.rows(), features());
    projection_->apply(X, U);
    if (form() == Form::kValues) {
      Matrix<Scalar> values = U;
      function_->evaluate(values);
      values.array() += static_cast<Scalar>(epsilon_);
      for (Index i = 0; i < values.rows(); ++i) divide_by_power(d_features.row(i), row_exponent(values.row(i)));
    } else if (epsilon_ > 0) {
      // (log(f + epsilon))' = (log f)' f / (f + epsilon).
      Matrix<Scalar> logs = U;
      function_->evaluate(logs);
      const auto log_epsilon = static_cast<Scalar>(std::log(epsilon_));
      d_features = d_features.cwiseQuotient(
          logs.unaryExpr([log_epsilon](Scalar log) { return 1 + std::exp(log_epsilon - log); }));
    }
    function_->differentiate(U);
    d_features = d_features.cwiseProduct(U);
    projection_->apply_transpose(d_features, d_X);
  }

  std::shared_ptr<const Projection> projection_;
  std::shared_ptr<const ElementwiseFunction> function_;
  double epsilon_;
  std::string description_;
};

}  // namespace

ElementwiseFeatures::ElementwiseFeatures(std::shared_ptr<const ElementwiseFunction> function, double epsilon)
    : function_(std::move(function)), epsilon_(epsilon) {
  if (!function_) throw std::invalid_argument("ElementwiseFeatures: function is null; expected a function");
  require_nonnegative(epsilon, function_->name(), "epsilon");
}

std::shared_ptr<const FeatureMap> ElementwiseFeatures::make(const Kernel& kernel,
                                                            std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<ElementwiseMap>(std::move(projection), function_, epsilon_, std::move(description));
}

}  // namespace bochner
