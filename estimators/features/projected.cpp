#include "estimators/features/projected.h"

namespace bochner {

std::optional<Law> ProjectedFamily::law(const Kernel& kernel, const RadialLaw& radial, const Coupling& coupling,
                                        Index m, std::span<const double> x, std::span<const double> y) const {
  return one_frequency_law(estimate_of(kernel), kernel, radial, coupling, m, x, y);
}

std::vector<Law> ProjectedFamily::laws(const Kernel& kernel, const RadialLaw& radial, const Coupling& coupling,
                                       std::span<const Index> m, std::span<const double> x,
                                       std::span<const double> y) const {
  return one_frequency_laws(estimate_of(kernel), kernel, radial, coupling, m, x, y);
}

OneFrequencyEstimate ProjectedFamily::estimate_of(const Kernel& kernel) const {
  OneFrequencyEstimate estimate = softmax_estimate();
  const ProjectionForm form = kernel.projection_form();
  estimate.scale = form.scale;
  estimate.exponent += form.exponent;
  return estimate;
}

Vector<double> tail_shift(const Kernel& kernel, std::span<const double> x, std::span<const double> y, double factor) {
  const double scale = kernel.projection_form().scale;
  Vector<double> shift(static_cast<Index>(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) shift(static_cast<Index>(j)) = factor * scale * (x[j] + y[j]);
  return shift;
}

}  // namespace bochner
