#pragma once

#include "estimators/features/projected.h"

namespace bochner {

/// phi(x) = exp(-|x|^2/2) (2m)^(-1/2) [exp(w_i.x) | exp(-w_i.x)], p = 2m, for the softmax kernel
/// [Choromanski21, Lemma 1]. Relative variance (cosh v - 1)/m at v = |x + y|^2.
class HyperbolicFeatures final : public ProjectedFamily {
 public:
  std::string name() const override { return "hyperbolic"; }
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return 2 * m; }
  /// +-(x' + y') and +-2 (x' + y') [Bochner, 12.2].
  std::vector<Vector<double>> tail_shifts(const Kernel& kernel, std::span<const double> x,
                                          std::span<const double> y) const override;

 protected:
  OneFrequencyEstimate softmax_estimate() const override {
    return {.shape = Shape::kCosh, .sign = 1, .exponent = -0.5};
  }
};

}  // namespace bochner
