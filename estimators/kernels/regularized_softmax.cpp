#include "estimators/kernels/regularized_softmax.h"

#include "core/special.h"
#include "estimators/radial_laws/constant.h"

namespace bochner {

SignedLog RegularizedSoftmaxKernel::value(std::span<const double> x, std::span<const double> y) const {
  double norms = 0;
  double sum = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    norms += x[j] * x[j] + y[j] * y[j];
    sum += (x[j] + y[j]) * (x[j] + y[j]);
  }
  return SignedLog::positive(log_bessel(static_cast<Index>(x.size()), sum) - norms / 2);
}

std::shared_ptr<const FrequencyLaw> RegularizedSoftmaxKernel::frequency_law() const {
  return std::make_shared<ConstantRadialLaw>();
}

}  // namespace bochner
