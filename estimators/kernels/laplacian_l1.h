#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = exp(-|x - y|_1 / bandwidth): independent Cauchy frequencies [RahimiRecht07].
class LaplacianL1Kernel final : public StationaryKernel {
 public:
  /// Throws std::domain_error unless bandwidth is finite and > 0.
  explicit LaplacianL1Kernel(double bandwidth = 1);

  std::string name() const override { return "laplacian_l1"; }

 protected:
  long double log_value(std::span<const double> u) const override;
};

}  // namespace bochner
