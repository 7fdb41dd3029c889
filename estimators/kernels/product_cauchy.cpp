#include "estimators/kernels/product_cauchy.h"

#include "estimators/frequency_laws/laplace_coordinates.h"

#include <cmath>

namespace bochner {

ProductCauchyKernel::ProductCauchyKernel(double bandwidth)
    : StationaryKernel(std::make_shared<LaplaceCoordinatesLaw>(), {inverse_length(bandwidth, "product_cauchy")},
                       {{"bandwidth", bandwidth}}) {}

long double ProductCauchyKernel::log_value(std::span<const double> u) const {
  long double sum = 0;
  for (const long double value : u) sum -= std::log1p(value * value);
  return sum;
}

}  // namespace bochner
