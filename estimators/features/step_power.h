#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// phi(x) = (2/m)^(1/2) (1(w_i.x > 0) (w_i.x)^n), p = m, for the arc-cosine kernel of order n [ChoSaul09]. One
/// frequency has Var = 2 K_2n - K_n^2, which is the law of independent ones [Bochner, 7]. Cost: O(n m d).
class StepPowerFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "step_power"; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
