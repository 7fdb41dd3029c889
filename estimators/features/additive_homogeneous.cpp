#include "estimators/features/additive_homogeneous.h"

#include "core/simd/functions.h"
#include "estimators/kernels/additive_homogeneous.h"
#include "estimators/laws/independent.h"

#include <cmath>
#include <utility>

namespace bochner {
namespace {

class AdditiveHomogeneousMap final : public FeatureMap {
 public:
  AdditiveHomogeneousMap(Matrix<double> W, double amplitude, const InputRange& range, std::string description)
      : W_(std::move(W)),
        single_(W_.cast<float>()),
        log_weight_(std::log(amplitude / static_cast<double>(W_.rows())) / 2),
        range_(range),
        description_(std::move(description)) {}

  Index dim() const override { return W_.cols(); }
  Index features() const override { return 2 * W_.size(); }
  Form form() const override { return Form::kValues; }
  InputRange input_range() const override { return range_; }
  Matrix<double> frequencies() const override { return W_; }
  std::string describe() const override { return description_; }

  void tile(const MatrixView<float>& X, Side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of<float>(single_, X, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of<double>(W_, X, features, log_scale);
  }

 private:
  template <class Scalar>
  void tile_of(const Matrix<Scalar>& W, const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    const auto size = static_cast<std::size_t>(W.size());
    using Row = Eigen::Array<Scalar, 1, Eigen::Dynamic>;
    for (Index i = 0; i < X.rows(); ++i) {
      const Row logs = X.row(i).array().unaryExpr([](Scalar x) { return x > 0 ? std::log(x) : Scalar{0}; });
      const Row roots = X.row(i).array().sqrt();
      Scalar* cos = features.row(i).data();
      Scalar* sin = cos + W.size();
      Eigen::Map<Matrix<Scalar>> cosines(cos, W.rows(), W.cols()), sines(sin, W.rows(), W.cols());
      cosines = W.array().rowwise() * logs;
      simd::sin_cos<Scalar>({cos, size}, {sin, size}, {cos, size});
      cosines.array().rowwise() *= roots;
      sines.array().rowwise() *= roots;
    }
    log_scale.setConstant(static_cast<Scalar>(log_weight_));
  }

  Matrix<double> W_;
  Matrix<float> single_;
  double log_weight_;
  InputRange range_;
  std::string description_;
};

}  // namespace

void AdditiveHomogeneousFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<AdditiveHomogeneousKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> AdditiveHomogeneousFeatures::make(
    const Kernel& kernel, std::shared_ptr<const Projection> projection) const {
  const double amplitude = require_multiple_of<AdditiveHomogeneousKernel>(kernel, *this).amplitude;
  const Index dim = projection->dim(), m = projection->rows();
  return std::make_shared<AdditiveHomogeneousMap>(projection->matrix(), amplitude, kernel.input_range(),
                                                  describe_map(kernel, dim, m, 2 * m * dim));
}

std::optional<Law> AdditiveHomogeneousFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                    const Coupling& coupling, Index m, std::span<const double> x,
                                                    std::span<const double> y) const {
  if (!frequencies->same_as(*kernel.frequency_law())) return std::nullopt;
  if (!independent(coupling, m, static_cast<Index>(x.size()))) return std::nullopt;
  const auto [additive, amplitude] = require_multiple_of<AdditiveHomogeneousKernel>(kernel, *this);
  long double variance = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    variance += static_cast<long double>(additive.variance_of_pair(x[j], y[j]));
  }
  return independent_law(kernel.value(x, y), SignedLog::from(variance * amplitude * amplitude), m);
}

}  // namespace bochner
