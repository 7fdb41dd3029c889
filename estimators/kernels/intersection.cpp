#include "estimators/kernels/intersection.h"

#include "estimators/frequency_laws/histogram_coordinates.h"

#include <algorithm>
#include <cmath>

namespace bochner {

std::shared_ptr<const FrequencyLaw> IntersectionKernel::frequency_law() const {
  return std::make_shared<HalfCauchyLaw>();
}

double IntersectionKernel::of_pair(double x, double y) const { return std::min(x, y); }

double IntersectionKernel::variance_of_pair(double x, double y) const { return std::min(x, y) * std::fabs(x - y) / 2; }

}  // namespace bochner
