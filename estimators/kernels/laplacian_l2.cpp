#include "estimators/kernels/laplacian_l2.h"

#include "estimators/radial_laws/student.h"

namespace bochner {

LaplacianL2Kernel::LaplacianL2Kernel(double bandwidth)
    : IsotropicKernel(std::make_shared<StudentRadialLaw>(0.5), inverse_length(bandwidth, "laplacian_l2"),
                      {{"bandwidth", bandwidth}}) {}

}  // namespace bochner
