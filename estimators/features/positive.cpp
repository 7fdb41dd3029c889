#include "estimators/features/positive.h"

namespace bochner {
namespace {

class PositiveMap final : public ProjectedMap<PositiveMap> {
 public:
  using ProjectedMap::ProjectedMap;
  static constexpr Form kForm = Form::kExponents;
  static Index columns(Index m) { return m; }
  static double weight(Index m) { return static_cast<double>(m); }
  template <class Scalar>
  static void spread(MutableMatrixView<Scalar>&, Index) {}
  template <class Scalar>
  static void pull_back(const MatrixView<Scalar>&, MutableMatrixView<Scalar>&, Index) {}
};

}  // namespace

std::shared_ptr<const FeatureMap> PositiveFeatures::make(const Kernel& kernel,
                                                         std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<PositiveMap>(std::move(projection), estimate_of(kernel), std::move(description));
}

std::vector<Vector<double>> PositiveFeatures::tail_shifts(const Kernel& kernel, std::span<const double> x,
                                                          std::span<const double> y) const {
  return {tail_shift(kernel, x, y, 1), tail_shift(kernel, x, y, 2)};
}

}  // namespace bochner
