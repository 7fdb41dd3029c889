#pragma once

#include "estimators/kernels/additive_homogeneous.h"

namespace bochner {

/// k = 2 x y / (x + y). One frequency: Var = x y (x - y)^4 / (2 (x + y)^2 (x^2 + y^2)).
class ChiSquaredKernel final : public AdditiveHomogeneousKernel {
 public:
  std::string name() const override { return "chi_squared"; }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  double of_pair(double x, double y) const override;
  double variance_of_pair(double x, double y) const override;
};

}  // namespace bochner
