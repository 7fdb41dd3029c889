#include "estimators/kernels/rational_quadratic.h"

#include "estimators/radial_laws/gamma_mixture.h"

namespace bochner {

RationalQuadraticKernel::RationalQuadraticKernel(double alpha, double bandwidth)
    : IsotropicKernel(std::make_shared<GammaMixtureLaw>(alpha, "rational_quadratic"),
                      inverse_length(bandwidth, "rational_quadratic"), {{"alpha", alpha}, {"bandwidth", bandwidth}}) {}

}  // namespace bochner
