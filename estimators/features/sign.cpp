#include "estimators/features/sign.h"

#include "estimators/features/homogeneous.h"
#include "estimators/kernels/angle.h"
#include "estimators/kernels/angular.h"
#include "estimators/laws/independent.h"

#include <cmath>
#include <numbers>

namespace bochner {

void SignFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<AngularKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> SignFeatures::make(const Kernel& kernel,
                                                     std::shared_ptr<const Projection> projection) const {
  std::string description = describe_map(kernel, *projection);
  const double size = std::sqrt(require_multiple_of<AngularKernel>(kernel, *this).amplitude);
  return homogeneous_map(std::move(projection), {0, size, -size}, std::move(description));
}

std::optional<Law> SignFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                     Index m, std::span<const double> x, std::span<const double> y) const {
  if (!frequencies->isotropic() || !independent(coupling, m, static_cast<Index>(x.size()))) return std::nullopt;
  const Angle angle = angle_between(x, y);
  if (!angle.defined) return independent_law({}, {}, m);
  // 1 - (1 - 2 theta / pi)^2, where no digit is lost at either end.
  constexpr long double kPi = std::numbers::pi_v<long double>;
  const long double amplitude = require_multiple_of<AngularKernel>(kernel, *this).amplitude;
  const long double variance = amplitude * amplitude * 4 * angle.theta * angle.supplement / (kPi * kPi);
  return independent_law(kernel.value(x, y), SignedLog::from(variance), m);
}

}  // namespace bochner
