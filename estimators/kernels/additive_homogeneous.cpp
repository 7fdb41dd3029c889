#include "estimators/kernels/additive_homogeneous.h"

namespace bochner {

SignedLog AdditiveHomogeneousKernel::value(std::span<const double> x, std::span<const double> y) const {
  long double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) sum += static_cast<long double>(of_pair(x[j], y[j]));
  return SignedLog::from(sum);
}

}  // namespace bochner
