#include "estimators/kernels/softmax.h"

#include "estimators/radial_laws/chi.h"

#include <numeric>

namespace bochner {

SignedLog SoftmaxKernel::value(std::span<const double> x, std::span<const double> y) const {
  return SignedLog::positive(std::inner_product(x.begin(), x.end(), y.begin(), 0.0));
}

std::shared_ptr<const FrequencyLaw> SoftmaxKernel::frequency_law() const { return std::make_shared<ChiRadialLaw>(); }

}  // namespace bochner
