#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = 1 / (1 + |x - y|^2 / bandwidth^2): rational quadratic with alpha = 1, at another scale.
class CauchyKernel final : public IsotropicKernel {
 public:
  /// Throws std::domain_error unless bandwidth is finite and > 0.
  explicit CauchyKernel(double bandwidth = 1);

  std::string name() const override { return "cauchy"; }
};

}  // namespace bochner
