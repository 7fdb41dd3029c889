#pragma once

#include "estimators/feature_family.h"

namespace bochner {

/// TensorSketch for the polynomial kernel (x.y + c)^degree, p = m buckets [PhamPagh13]: with z = (x, sqrt(c)) and
/// `degree` count sketches C_k(z)_b = sum_j 1(h_k(j) = b) s_k(j) z_j, phi(x) is their circular convolution, by
/// fast Fourier transforms. h and s are independent uniform buckets and signs.
///
/// Its random numbers are no frequencies: the coupling is `iid`. The exact law [Bochner, 7], with S, Q and R of
/// ProductMoments and kappa = 1/m^2 (m odd) or 2/m^2 (m even):
///   Var = ((S + Q)^p + (S + R)^p - 2 S^p) / m + kappa ((S + Q + R)^p - (S + Q)^p - (S + R)^p + S^p).
/// phi is homogeneous of this degree in z, so the power of two of rows whose powers are not safe goes into the
/// log-scale. Cost: O(degree n (d + m log m)); more in the transform where m has large prime factors.
class TensorSketchFeatures final : public FeatureFamily {
 public:
  std::string name() const override { return "tensor_sketch"; }
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
