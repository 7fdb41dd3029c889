#include "estimators/feature_family.h"

#include "core/check.h"

#include <stdexcept>
#include <string>

namespace bochner {

void FeatureFamily::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  if (!has_frequencies()) {
    if (coupling.name() == "iid") return;
    throw std::invalid_argument("Estimator: features '" + name() + "' have no frequencies for the coupling '" +
                                coupling.name() + "' to draw; expected coupling 'iid'");
  }
  if (kernel.frequency_law()) return;
  throw std::invalid_argument("Estimator: the kernel '" + kernel.describe() + "' has no frequencies, which features '" +
                              name() + "' need");
}

std::shared_ptr<const FeatureMap> FeatureFamily::draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                      const Coupling& coupling, Index m, Index dim,
                                                      const Stream& stream) const {
  return make(kernel, scaled(coupling.draw(*frequencies, m, dim, stream), kernel.projection_form().scales));
}

// By value for the families that keep it. NOLINTNEXTLINE(performance-unnecessary-value-param)
std::shared_ptr<const FeatureMap> FeatureFamily::make(const Kernel&, std::shared_ptr<const Projection>) const {
  throw std::invalid_argument("make: a map of features '" + name() + "' is not one of frequencies alone");
}

std::shared_ptr<const FeatureFamily> FeatureFamily::fit(const Kernel&, const MatrixView<double>&,
                                                        const MatrixView<double>&) const {
  return nullptr;
}

std::shared_ptr<const FeatureFamily> FeatureFamily::with_fitted(const Fitted& parameters) const {
  std::vector<std::string> known;
  for (const auto& [key, value] : this->parameters()) known.push_back(key);
  throw unknown_name("array parameter of " + name(), parameters.empty() ? "" : parameters.begin()->first, known);
}

std::optional<OneFrequencyEstimate> FeatureFamily::one_frequency(const Kernel&) const { return std::nullopt; }

std::optional<Law> FeatureFamily::law(const Kernel&, const FrequencyLaw*, const Coupling&, Index,
                                      std::span<const double>, std::span<const double>) const {
  return std::nullopt;
}

std::vector<Law> FeatureFamily::laws(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                     std::span<const Index> m, std::span<const double> x,
                                     std::span<const double> y) const {
  std::vector<Law> laws;
  for (const Index size : m) {
    const auto one = law(kernel, frequencies, coupling, size, x, y);
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
  return describe_map(kernel, projection.dim(), projection.rows(), features(projection.rows()));
}

std::string FeatureFamily::describe_map(const Kernel& kernel, Index dim, Index m, Index columns) const {
  // Not by a stream, for every trial writes one.
  return describe() + " features of " + kernel.describe() + ", d = " + std::to_string(dim) +
         ", m = " + std::to_string(m) + ", p = " + std::to_string(columns);
}

}  // namespace bochner
