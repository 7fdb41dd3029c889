#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// phi(x) = m^(-1/2) [cos(w_i.log(x + c)) | sin(w_i.log(x + c))], p = 2m, for the skewed chi-squared kernel, whose
/// coordinates of w have density sech(pi w) [Li10]. One frequency has Var = (1 + K_2) / 2 - K^2, where K_2 is the mean
/// of cos(2 w.u), which is the law of independent ones [Bochner, 7]. Cost: O(n m d).
class LogTrigonometricFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "log_trigonometric"; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return 2 * m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
