#include "estimators/kernels/matern.h"

#include "estimators/radial_laws/student.h"

namespace bochner {

MaternKernel::MaternKernel(double nu, double bandwidth)
    : IsotropicKernel(std::make_shared<StudentRadialLaw>(nu, "matern"), inverse_length(bandwidth, "matern"),
                      {{"nu", nu}, {"bandwidth", bandwidth}}) {}

}  // namespace bochner
