#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = 2^(1 - nu) / Gamma(nu) t^nu K_nu(t), t = sqrt(2 nu) |x - y| / bandwidth [RasmussenWilliams06, eq. 4.14].
/// Its frequencies are multivariate t, not independent t coordinates, whose kernel is a product.
class MaternKernel final : public IsotropicKernel {
 public:
  /// Throws std::domain_error unless nu and bandwidth are finite and > 0.
  explicit MaternKernel(double nu = 1.5, double bandwidth = 1);

  std::string name() const override { return "matern"; }
};

}  // namespace bochner
