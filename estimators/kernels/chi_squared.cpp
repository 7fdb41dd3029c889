#include "estimators/kernels/chi_squared.h"

#include "estimators/frequency_laws/histogram_coordinates.h"

#include <algorithm>
#include <cmath>

namespace bochner {

std::shared_ptr<const FrequencyLaw> ChiSquaredKernel::frequency_law() const { return std::make_shared<SechLaw>(); }

double ChiSquaredKernel::of_pair(double x, double y) const {
  const double small = std::min(x, y), large = std::max(x, y);
  return large == 0 ? 0 : 2 * small / (1 + small / large);
}

double ChiSquaredKernel::variance_of_pair(double x, double y) const {
  const double small = std::min(x, y), large = std::max(x, y);
  if (small == 0) return 0;
  // In r = small / large and 1 - r, which is exact where it is small.
  const double r = small / large, gap = (large - small) / large;
  return small * large * std::pow(gap, 4) / (2 * (1 + r) * (1 + r) * (1 + r * r));
}

}  // namespace bochner
