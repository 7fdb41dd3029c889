#include "estimators/kernels/laplacian_l1.h"

#include "estimators/frequency_laws/cauchy_coordinates.h"

#include <cmath>

namespace bochner {

LaplacianL1Kernel::LaplacianL1Kernel(double bandwidth)
    : StationaryKernel(std::make_shared<CauchyCoordinatesLaw>(), {inverse_length(bandwidth, "laplacian_l1")},
                       {{"bandwidth", bandwidth}}) {}

long double LaplacianL1Kernel::log_value(std::span<const double> u) const {
  double sum = 0;
  for (const double value : u) sum += std::fabs(value);
  return -sum;
}

}  // namespace bochner
