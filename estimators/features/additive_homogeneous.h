#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// phi(x) = m^(-1/2) [sqrt(x_j) cos(w_ij log x_j) | sqrt(x_j) sin(w_ij log x_j)], p = 2 m d, i = 1..m slowest, for the
/// additive homogeneous kernels [VedaldiZisserman12], here with random frequencies. W (m, d) has a frequency of its own
/// for every coordinate, so that errors of the coordinates are independent; x_j = 0 has features 0.
///
/// The law of independent frequencies: Var = sum_j x_j y_j ((1 + k(2 t_j)) / 2 - k(t_j)^2) / m, t_j = log(x_j / y_j),
/// where k is the mean of cos(w t) [Bochner, 7]. Cost: O(n m d).
class AdditiveHomogeneousFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "additive_homogeneous"; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return 2 * m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
