#pragma once

#include "estimators/kernels/stationary.h"

namespace bochner {

/// K(x, y) = prod_j 1 / (1 + (x_j - y_j)^2 / bandwidth^2): independent Laplace frequencies [RahimiRecht07].
class ProductCauchyKernel final : public StationaryKernel {
 public:
  /// Throws std::domain_error unless bandwidth is finite and > 0.
  explicit ProductCauchyKernel(double bandwidth = 1);

  std::string name() const override { return "product_cauchy"; }

 protected:
  long double log_value(std::span<const double> u) const override;
};

}  // namespace bochner
