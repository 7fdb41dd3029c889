#include "estimators/features/trigonometric.h"

#include "core/simd/functions.h"

namespace bochner {
namespace {

class TrigonometricMap final : public ProjectedMap<TrigonometricMap> {
 public:
  using ProjectedMap::ProjectedMap;
  static constexpr Form kForm = Form::kValues;
  static Index columns(Index m) { return 2 * m; }
  static double weight(Index m) { return static_cast<double>(m); }
  template <class Scalar>
  static void spread(MutableMatrixView<Scalar>& features, Index m) {
    const auto count = static_cast<std::size_t>(m);
    for (Index i = 0; i < features.rows(); ++i) {
      Scalar* row = features.row(i).data();
      const std::span<Scalar> cosines{row, count};
      simd::sin_cos<Scalar>(cosines, {row + m, count}, cosines);
    }
  }
  template <class Scalar>
  static void pull_back(const MatrixView<Scalar>& features, MutableMatrixView<Scalar>& d_features, Index m) {
    d_features.leftCols(m) = features.leftCols(m).cwiseProduct(d_features.rightCols(m)) -
                             features.rightCols(m).cwiseProduct(d_features.leftCols(m));
  }
};

}  // namespace

std::shared_ptr<const FeatureMap> TrigonometricFeatures::make(const Kernel& kernel,
                                                              std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<TrigonometricMap>(std::move(projection), estimate_of(kernel), std::move(description));
}

}  // namespace bochner
