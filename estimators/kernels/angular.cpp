#include "estimators/kernels/angular.h"

#include "estimators/kernels/angle.h"
#include "estimators/radial_laws/chi.h"

#include <cmath>
#include <numbers>

namespace bochner {

SignedLog AngularKernel::value(std::span<const double> x, std::span<const double> y) const {
  const Angle angle = angle_between(x, y);
  if (!angle.defined) return {};
  // Near a right angle the inverse sine keeps the digits of the cosine.
  if (std::fabs(angle.cosine) < 0.5L)
    return SignedLog::from(2 * std::asin(angle.cosine) / std::numbers::pi_v<long double>);
  return SignedLog::from(1 - 2 * angle.theta / std::numbers::pi_v<long double>);
}

std::shared_ptr<const FrequencyLaw> AngularKernel::frequency_law() const { return std::make_shared<ChiRadialLaw>(); }

}  // namespace bochner
