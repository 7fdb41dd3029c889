#pragma once

#include "estimators/features/projected.h"

namespace bochner {

/// phi(x) = (2/m)^(1/2) exp(|x|^2/2) (cos(w_i.x + b_i)), p = m, with phases b_i uniform on [0, 2 pi), independent of
/// one another and of the frequencies, for the softmax kernel; without the exponential for a shift-invariant one
/// [RahimiRecht07, Algorithm 1].
///
/// A product of two is cos(w.(x - y)) + cos(w.(x + y) + 2b). The second term has mean 0 and variance 1/2 whatever w is,
/// and is independent of all frequencies and of the second term of another feature. So for every coupling
///
///   K^ = K^_trigonometric + noise,   Var = Var_trigonometric(m) + A^2 / (2m),
///
/// where A stands before the cosine, and the bias is that of trigonometric features; iid: A^2 (1 + k(2u)/2 - k(u)^2) /
/// m [Bochner, 7; SutherlandSchneider15, Section 2]. The noise is the same for every coupling, and no coupling lowers
/// it. The phases have a stream of their own, in which phase i depends on i alone: prefixes of draws stay draws. Cost:
/// O(n m d).
class RandomPhaseFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "random_phase"; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  bool projected() const override { return false; }
  std::shared_ptr<const FeatureMap> draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                         const Coupling& coupling, Index m, Index dim,
                                         const Stream& stream) const override;
  Index features(Index m) const override { return m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
  std::vector<Law> laws(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                        std::span<const Index> m, std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
