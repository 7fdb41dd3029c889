#include "estimators/features/log_trigonometric.h"

#include "core/simd/functions.h"
#include "estimators/kernels/skewed_chi_squared.h"
#include "estimators/laws/independent.h"

#include <cmath>
#include <utility>

namespace bochner {
namespace {

class LogTrigonometricMap final : public FeatureMap {
 public:
  LogTrigonometricMap(std::shared_ptr<const Projection> projection, const MultipleOf<SkewedChiSquaredKernel>& of,
                      std::string description)
      : projection_(std::move(projection)),
        range_(of.kernel.input_range()),
        c_(of.kernel.c()),
        log_weight_(std::log(of.amplitude / static_cast<double>(projection_->rows())) / 2),
        description_(std::move(description)) {}

  Index dim() const override { return projection_->dim(); }
  Index features() const override { return 2 * projection_->rows(); }
  Form form() const override { return Form::kValues; }
  InputRange input_range() const override { return range_; }
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

 private:
  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    // The sum in double: in float it may be 0 for entries that are in the range.
    const Matrix<Scalar> logs =
        X.unaryExpr([this](Scalar x) { return static_cast<Scalar>(std::log(static_cast<double>(x) + c_)); });
    const Index m = projection_->rows();
    projection_->apply(logs, features.leftCols(m));
    const auto size = static_cast<std::size_t>(m);
    for (Index i = 0; i < X.rows(); ++i) {
      const std::span<Scalar> cos(features.row(i).data(), size), sin(features.row(i).data() + m, size);
      simd::sin_cos<Scalar>(cos, sin, cos);
    }
    log_scale.setConstant(static_cast<Scalar>(log_weight_));
  }

  std::shared_ptr<const Projection> projection_;
  InputRange range_;
  double c_;
  double log_weight_;
  std::string description_;
};

}  // namespace

void LogTrigonometricFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<SkewedChiSquaredKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> LogTrigonometricFeatures::make(const Kernel& kernel,
                                                                 std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<LogTrigonometricMap>(
      std::move(projection), require_multiple_of<SkewedChiSquaredKernel>(kernel, *this), std::move(description));
}

std::optional<Law> LogTrigonometricFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                 const Coupling& coupling, Index m, std::span<const double> x,
                                                 std::span<const double> y) const {
  if (!frequencies->same_as(*kernel.frequency_law())) return std::nullopt;
  if (!independent(coupling, m, static_cast<Index>(x.size()))) return std::nullopt;
  const auto [skewed, amplitude] = require_multiple_of<SkewedChiSquaredKernel>(kernel, *this);
  const double variance = amplitude * amplitude * skewed.variance(x, y);
  return independent_law(kernel.value(x, y), SignedLog::from(variance), m);
}

}  // namespace bochner
