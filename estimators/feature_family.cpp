#include "estimators/feature_family.h"

#include <string>

namespace bochner {

std::optional<OneFrequencyEstimate> FeatureFamily::one_frequency(const Kernel&) const { return std::nullopt; }

std::optional<Law> FeatureFamily::law(const Kernel&, const RadialLaw&, const Coupling&, Index, std::span<const double>,
                                      std::span<const double>) const {
  return std::nullopt;
}

std::vector<Law> FeatureFamily::laws(const Kernel& kernel, const RadialLaw& radial, const Coupling& coupling,
                                     std::span<const Index> m, std::span<const double> x,
                                     std::span<const double> y) const {
  std::vector<Law> laws;
  for (const Index size : m) {
    const auto one = law(kernel, radial, coupling, size, x, y);
    if (!one) return {};
    laws.push_back(*one);
  }
  return laws;
}

std::vector<Vector<double>> FeatureFamily::tail_shifts(const Kernel&, std::span<const double>,
                                                       std::span<const double>) const {
  return {};
}

std::string FeatureFamily::describe_map(const Kernel& kernel, const Projection& projection) const {
  // Not by a stream, for every trial writes one.
  return describe() + " features of " + kernel.describe() + ", d = " + std::to_string(projection.dim()) +
         ", m = " + std::to_string(projection.rows()) + ", p = " + std::to_string(features(projection.rows()));
}

}  // namespace bochner
