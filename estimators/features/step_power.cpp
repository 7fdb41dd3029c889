#include "estimators/features/step_power.h"

#include "estimators/features/homogeneous.h"
#include "estimators/kernels/arc_cosine.h"
#include "estimators/laws/independent.h"

#include <cmath>
#include <numbers>

namespace bochner {

void StepPowerFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<ArcCosineKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> StepPowerFeatures::make(const Kernel& kernel,
                                                          std::shared_ptr<const Projection> projection) const {
  const auto [arc, amplitude] = require_multiple_of<ArcCosineKernel>(kernel, *this);
  std::string description = describe_map(kernel, *projection);
  return homogeneous_map(std::move(projection), {arc.order(), std::sqrt(2 * amplitude), 0}, std::move(description));
}

std::optional<Law> StepPowerFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                          const Coupling& coupling, Index m, std::span<const double> x,
                                          std::span<const double> y) const {
  if (!frequencies->same_as(*kernel.frequency_law())) return std::nullopt;
  if (!independent(coupling, m, static_cast<Index>(x.size()))) return std::nullopt;
  const auto [arc, amplitude] = require_multiple_of<ArcCosineKernel>(kernel, *this);
  const SignedLog mean = kernel.value(x, y);
  const long double log_square = std::numbers::ln2_v<long double> + 2 * std::log(static_cast<long double>(amplitude));
  const SignedLog second = arc_cosine(2 * arc.order(), x, y).scaled(log_square);
  const SignedLog square{mean.sign * mean.sign, 2 * mean.log};
  return independent_law(mean, second - square, m);
}

}  // namespace bochner
