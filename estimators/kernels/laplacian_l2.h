#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = exp(-|x - y| / bandwidth), the Matern kernel of nu = 1/2: multivariate Cauchy frequencies
/// [RasmussenWilliams06, eq. 4.18].
class LaplacianL2Kernel final : public IsotropicKernel {
 public:
  /// Throws std::domain_error unless bandwidth is finite and > 0.
  explicit LaplacianL2Kernel(double bandwidth = 1);

  std::string name() const override { return "laplacian_l2"; }
};

}  // namespace bochner
