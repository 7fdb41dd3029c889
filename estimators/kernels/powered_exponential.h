#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = exp(-(|x - y| / bandwidth)^gamma), 0 < gamma <= 2: the L2 Laplacian for gamma = 1, Gaussian for gamma = 2
/// [RasmussenWilliams06, eq. 4.18].
class PoweredExponentialKernel final : public IsotropicKernel {
 public:
  /// Throws std::domain_error unless 0 < gamma <= 2 and bandwidth is finite and > 0.
  explicit PoweredExponentialKernel(double gamma = 1, double bandwidth = 1);

  std::string name() const override { return "powered_exponential"; }
};

}  // namespace bochner
