#pragma once

#include "estimators/kernels/dot_product.h"

namespace bochner {

/// K(x, y) = exp(x.y), the exponential dot product [Choromanski21, eq. 1], without d^(-1/4).
class SoftmaxKernel final : public DotProductKernel {
 public:
  std::string name() const override { return "softmax"; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  ProjectionForm projection_form() const override { return {}; }
  bool allows(Shape) const override { return true; }
  double log_maclaurin(Index n) const override;
};

}  // namespace bochner
