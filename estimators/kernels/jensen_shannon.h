#pragma once

#include "estimators/kernels/additive_homogeneous.h"

namespace bochner {

/// k = (x log2((x + y) / x) + y log2((x + y) / y)) / 2.
class JensenShannonKernel final : public AdditiveHomogeneousKernel {
 public:
  std::string name() const override { return "jensen_shannon"; }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  double of_pair(double x, double y) const override;
  double variance_of_pair(double x, double y) const override;
};

}  // namespace bochner
