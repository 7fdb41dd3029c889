#pragma once

#include "estimators/kernels/additive_homogeneous.h"

namespace bochner {

/// k = min(x, y). One frequency: Var = min(x, y) |x - y| / 2.
class IntersectionKernel final : public AdditiveHomogeneousKernel {
 public:
  std::string name() const override { return "intersection"; }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  double of_pair(double x, double y) const override;
  double variance_of_pair(double x, double y) const override;
};

}  // namespace bochner
