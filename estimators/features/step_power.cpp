#include "estimators/features/step_power.h"

#include "estimators/features/homogeneous.h"
#include "estimators/kernels/arc_cosine.h"
#include "estimators/laws/independent.h"

#include <cmath>
#include <numbers>

namespace bochner {

void StepPowerFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_kind<ArcCosineKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> StepPowerFeatures::make(const Kernel& kernel,
                                                          std::shared_ptr<const Projection> projection) const {
  const Index order = require_kind<ArcCosineKernel>(kernel, *this).order();
  std::string description = describe_map(kernel, *projection);
  return homogeneous_map(std::move(projection), {order, std::numbers::sqrt2, 0}, std::move(description));
}

std::optional<Law> StepPowerFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                          const Coupling& coupling, Index m, std::span<const double> x,
                                          std::span<const double> y) const {
  if (!frequencies->same_as(*kernel.frequency_law())) return std::nullopt;
  if (!independent(coupling, m, static_cast<Index>(x.size()))) return std::nullopt;
  const Index order = require_kind<ArcCosineKernel>(kernel, *this).order();
  const SignedLog mean = arc_cosine(order, x, y);
  const SignedLog second = arc_cosine(2 * order, x, y).scaled(std::numbers::ln2_v<long double>);
  const SignedLog square{mean.sign * mean.sign, 2 * mean.log};
  return independent_law(mean, second - square, m);
}

}  // namespace bochner
