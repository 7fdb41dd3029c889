#include "estimators/kernels/periodic.h"

#include "core/check.h"
#include "estimators/frequency_laws/periodic_coordinates.h"

#include <cmath>
#include <numbers>

namespace bochner {

PeriodicKernel::PeriodicKernel(double period, const std::vector<double>& bandwidths)
    : StationaryKernel(std::make_shared<PeriodicCoordinatesLaw>(bandwidths),
                       {2 * std::numbers::pi * inverse_length(period, "periodic", "period")},
                       bandwidths.size() == 1 ? Parameters{{"period", period}, {"bandwidth", bandwidths.front()}}
                                              : Parameters{{"period", period}}),
      period_(period),
      bandwidths_(bandwidths) {}

std::string PeriodicKernel::name() const {
  return bandwidths_.size() == 1 ? "periodic" : "periodic" + listed_numbers(bandwidths_);
}

std::shared_ptr<const Kernel> PeriodicKernel::with_own_length_scales(const std::vector<double>& length_scales) const {
  std::vector<double> bandwidths = length_scales;
  for (double& bandwidth : bandwidths) bandwidth *= bandwidths_.front();
  return std::make_shared<PeriodicKernel>(period_, bandwidths);
}

long double PeriodicKernel::log_value(std::span<const double> u) const {
  require_scales(bandwidths_.size(), static_cast<Index>(u.size()), "periodic", "bandwidth");
  long double sum = 0;
  for (std::size_t j = 0; j < u.size(); ++j) {
    const double bandwidth = bandwidths_[bandwidths_.size() == 1 ? 0 : j];
    const long double ratio = std::sin(u[j] / 2) / bandwidth;
    sum -= 2 * ratio * ratio;
  }
  return sum;
}

}  // namespace bochner
