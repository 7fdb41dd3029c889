#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// phi(x)_l = m^(-1/2) (a_N 2^(N+1))^(1/2) prod_{k<=N} (w_lk.x), p = m, for kernels f(x.y) = sum_n a_n (x.y)^n with
/// a_n >= 0: N is n with probability 2^-(n+1), and the w_lk are independent vectors of random signs [KarKarnick12].
///
/// Its random numbers are no frequencies: the coupling is `iid`. The law [Bochner, 7]: one feature has
/// E (Z(x) Z(y))^2 = sum_n a_n^2 2^(n+1) mu^n with mu = |x|^2 |y|^2 + 2 (x.y)^2 - 2 sum_j x_j^2 y_j^2; infinity where
/// the sum diverges. Feature l is a function of the stream and l. Nothing overflows: products carry their powers of
/// two, and rows leave theirs in the log-scale. Cost: O(n m d) on average, and once as much for the signs.
class RandomMaclaurinFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "random_maclaurin"; }
  bool has_frequencies() const override { return false; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  std::shared_ptr<const FeatureMap> draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                         const Coupling& coupling, Index m, Index dim,
                                         const Stream& stream) const override;
  Index features(Index m) const override { return m; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;
};

}  // namespace bochner
