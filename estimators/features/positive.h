#pragma once

#include "estimators/features/projected.h"

namespace bochner {

/// phi(x) = exp(-|x|^2/2) m^(-1/2) (exp(w_1.x), ..., exp(w_m.x)), p = m, for the softmax kernel
/// [Choromanski21, Lemma 1]. Relative variance (e^v - 1)/m at v = |x + y|^2: small where the kernel is small.
class PositiveFeatures final : public ProjectedFamily {
 public:
  std::string name() const override { return "positive"; }
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return m; }
  /// x' + y' and 2 (x' + y'), where the frequencies lie that carry the mean and the square of an estimate
  /// [Bochner, 12.2].
  std::vector<Vector<double>> tail_shifts(const Kernel& kernel, std::span<const double> x,
                                          std::span<const double> y) const override;

 protected:
  OneFrequencyEstimate softmax_estimate() const override { return {.shape = Shape::kExp, .sign = 1, .exponent = -0.5}; }
};

}  // namespace bochner
