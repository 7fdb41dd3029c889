#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K(x, y) = exp(-(|x|^2 + |y|^2)/2) 0F1(; d/2; d |x + y|^2 / 4) = exp(-(|x|^2 + |y|^2)/2) E exp(w.(x + y)), w uniform
/// on the sphere of radius sqrt(d): the regularized softmax kernel SMREG [Choromanski21, Theorem 1]. It depends on d.
class RegularizedSoftmaxKernel final : public Kernel {
 public:
  std::string name() const override { return "regularized_softmax"; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  ProjectionForm projection_form() const override { return {}; }
  bool allows(Shape) const override { return true; }
  /// Not of cosines: exp((|x|^2 + |y|^2)/2) E cos(w.(x - y)) is another kernel unless w is Gaussian.
  bool is_mean_of(Shape shape, const FrequencyLaw& law) const override {
    return shape != Shape::kCos && Kernel::is_mean_of(shape, law);
  }
};

}  // namespace bochner
