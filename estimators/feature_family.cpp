#include "estimators/feature_family.h"

namespace bochner {

std::optional<Law> FeatureFamily::law(const Kernel&, const RadialLaw&, const Coupling&, Index, std::span<const double>,
                                      std::span<const double>) const {
  return std::nullopt;
}

std::vector<Vector<double>> FeatureFamily::tail_shifts(const Kernel&, std::span<const double>, std::span<const double>) const {
  return {};
}

}  // namespace bochner
