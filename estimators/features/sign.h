#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// phi(x) = m^(-1/2) (sgn(w_i.x)), p = m, for the angular kernel [Charikar02]. One frequency has Var = 1 - K^2, which
/// is the law of independent ones of any norm [Bochner, 7]. Cost: O(n m d).
class SignFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "sign"; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
