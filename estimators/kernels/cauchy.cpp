#include "estimators/kernels/cauchy.h"

#include "estimators/radial_laws/gamma_mixture.h"

#include <numbers>

namespace bochner {

CauchyKernel::CauchyKernel(double bandwidth)
    : IsotropicKernel(std::make_shared<GammaMixtureLaw>(1), std::numbers::sqrt2 * inverse_length(bandwidth, "cauchy"),
                      {{"bandwidth", bandwidth}}) {}

}  // namespace bochner
