#include "estimators/features/projected.h"

#include <stdexcept>

namespace bochner {

void ProjectedFamily::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  FeatureFamily::require_compatible(kernel, coupling);
  static_cast<void>(estimate_of(kernel));
}

std::vector<Trait> ProjectedFamily::traits(const Kernel& kernel) const {
  switch (estimate_of(kernel).shape) {
    case Shape::kExp:
      return {};
    case Shape::kCosh:
      return {Trait::kEven, Trait::kEvenAndConvex};
    case Shape::kCos:
      return {Trait::kEven};
  }
  return {};
}

std::optional<Law> ProjectedFamily::law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                        Index m, std::span<const double> x, std::span<const double> y) const {
  return one_frequency_law(estimate_of(kernel), kernel, *frequencies, coupling, m, x, y);
}

std::vector<Law> ProjectedFamily::laws(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                       std::span<const Index> m, std::span<const double> x,
                                       std::span<const double> y) const {
  return one_frequency_laws(estimate_of(kernel), kernel, *frequencies, coupling, m, x, y);
}

OneFrequencyEstimate ProjectedFamily::estimate_of(const Kernel& kernel) const {
  return estimate_for(kernel, softmax_estimate(), name());
}

OneFrequencyEstimate estimate_for(const Kernel& kernel, OneFrequencyEstimate of_softmax, const std::string& features) {
  const ProjectionForm form = kernel.projection_form();
  if (!kernel.allows(of_softmax.shape)) {
    throw std::invalid_argument("Estimator: the kernel '" + kernel.describe() + "' is not estimated by features '" +
                                features + "'");
  }
  of_softmax.scales = form.scales;
  of_softmax.exponent += form.exponent;
  of_softmax.amplitude = form.amplitude;
  return of_softmax;
}

Vector<double> tail_shift(const Kernel& kernel, std::span<const double> x, std::span<const double> y, double factor) {
  const std::vector<double> scales = kernel.projection_form().scales;
  Vector<double> shift(static_cast<Index>(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) {
    shift(static_cast<Index>(j)) = factor * scales[scales.size() == 1 ? 0 : j] * (x[j] + y[j]);
  }
  return shift;
}

}  // namespace bochner
