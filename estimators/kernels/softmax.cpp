#include "estimators/kernels/softmax.h"

#include "estimators/radial_laws/chi.h"

#include <boost/math/special_functions/gamma.hpp>

#include <numeric>

namespace bochner {

SignedLog SoftmaxKernel::value(std::span<const double> x, std::span<const double> y) const {
  return SignedLog::positive(std::inner_product(x.begin(), x.end(), y.begin(), 0.0));
}

double SoftmaxKernel::log_maclaurin(Index n) const { return -boost::math::lgamma(static_cast<double>(n) + 1); }

std::shared_ptr<const FrequencyLaw> SoftmaxKernel::frequency_law() const { return std::make_shared<ChiRadialLaw>(); }

}  // namespace bochner
