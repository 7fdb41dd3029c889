#include "estimators/kernels/gaussian.h"

#include "core/check.h"
#include "estimators/radial_laws/chi.h"

namespace bochner {

GaussianKernel::GaussianKernel(double bandwidth) : bandwidth_(bandwidth) {
  require_positive(bandwidth, "gaussian", "bandwidth");
}

SignedLog GaussianKernel::value(std::span<const double> x, std::span<const double> y) const {
  double distance = 0;
  for (std::size_t j = 0; j < x.size(); ++j) distance += (x[j] - y[j]) * (x[j] - y[j]);
  return SignedLog::positive(-distance / (2 * bandwidth_ * bandwidth_));
}

std::shared_ptr<const FrequencyLaw> GaussianKernel::frequency_law() const { return std::make_shared<ChiRadialLaw>(); }

}  // namespace bochner
