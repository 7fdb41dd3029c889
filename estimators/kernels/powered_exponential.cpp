#include "estimators/kernels/powered_exponential.h"

#include "estimators/radial_laws/stable_mixture.h"

namespace bochner {

PoweredExponentialKernel::PoweredExponentialKernel(double gamma, double bandwidth)
    : IsotropicKernel(std::make_shared<StableMixtureLaw>(gamma, "powered_exponential"),
                      inverse_length(bandwidth, "powered_exponential"), {{"gamma", gamma}, {"bandwidth", bandwidth}}) {}

}  // namespace bochner
