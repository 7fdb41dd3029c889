#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = (1 + |x - y|^2 / (2 alpha bandwidth^2))^-alpha [RasmussenWilliams06, eq. 4.19].
class RationalQuadraticKernel final : public IsotropicKernel {
 public:
  /// Throws std::domain_error unless alpha and bandwidth are finite and > 0.
  explicit RationalQuadraticKernel(double alpha = 1, double bandwidth = 1);

  std::string name() const override { return "rational_quadratic"; }
};

}  // namespace bochner
