#include "estimators/features/hyperbolic.h"

namespace bochner {
namespace {

class HyperbolicMap final : public ProjectedMap<HyperbolicMap> {
 public:
  using ProjectedMap::ProjectedMap;
  static constexpr Form kForm = Form::kExponents;
  static Index columns(Index m) { return 2 * m; }
  static double weight(Index m) { return 2 * static_cast<double>(m); }
  template <class Scalar>
  static void spread(MutableMatrixView<Scalar>& features, Index m) {
    features.rightCols(m) = -features.leftCols(m);
  }
  template <class Scalar>
  static void pull_back(const MatrixView<Scalar>&, MutableMatrixView<Scalar>& d_features, Index m) {
    d_features.leftCols(m) -= d_features.rightCols(m);
  }
};

}  // namespace

std::shared_ptr<const FeatureMap> HyperbolicFeatures::make(const Kernel& kernel,
                                                           std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<HyperbolicMap>(std::move(projection), estimate_of(kernel), std::move(description));
}

std::vector<Vector<double>> HyperbolicFeatures::tail_shifts(const Kernel& kernel, std::span<const double> x,
                                                            std::span<const double> y) const {
  const Vector<double> sum = tail_shift(kernel, x, y, 1);
  // Short sums leave an error that is nearly ((w.s)^2 - 1) |x + y|^2 / 2, s the unit vector: its tail begins at 2 s.
  const double length = sum.stableNorm();
  const Vector<double> shift = 0 < length && length < 1 ? Vector<double>(sum / length) : sum;
  return {shift, -shift, 2 * shift, -2 * shift};
}

}  // namespace bochner
