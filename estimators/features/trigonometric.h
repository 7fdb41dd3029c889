#pragma once

#include "estimators/features/projected.h"

namespace bochner {

/// phi(x) = exp(|x|^2/2) m^(-1/2) [cos(w_i.x) | sin(w_i.x)], p = 2m, for the softmax kernel; without the
/// exponential for a shift-invariant one [RahimiRecht07; Choromanski21, eq. 2]. Relative variance (cosh w - 1)/m at
/// w = |x - y|^2: large where the kernel is small.
class TrigonometricFeatures final : public ProjectedFamily {
 public:
  std::string name() const override { return "trigonometric"; }
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return 2 * m; }

 protected:
  OneFrequencyEstimate softmax_estimate() const override { return {.shape = Shape::kCos, .sign = -1, .exponent = 0.5}; }
};

}  // namespace bochner
