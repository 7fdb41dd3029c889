#pragma once

#include "estimators/features/projected.h"

namespace bochner {

/// The angular hybrid of hyperbolic and trigonometric features of the softmax kernel, [Choromanski22]:
///
///   K^ = lambda^ K^_hyperbolic + (1 - lambda^) K^_trigonometric,
///   lambda^ = (1/n) sum_l 1[sgn(t_l.x) != sgn(t_l.y)],  E lambda^ = p = angle(x, y) / pi,
///
/// with n Gaussian t_l, the parameter `angles`, independent of the frequencies, which both estimates share. At |x| =
/// |y| there is no error at x = y and at x = -y: there one estimate has all the weight, and no error.
///
/// As phi(x).psi(y), phi of queries and psi of keys: with a = 1[t.x > 0] and b = 1 - a, two signs differ in
/// a(x) b(y) + b(x) a(y) and agree in a(x) a(y) + b(x) b(y). So for every l the columns are, each block 2m wide and in
/// the order of its own family,
///
///   phi: n^(-1/2) [a H | b H | a T | b T],    psi: n^(-1/2) [b H | a H | a T | b T],    8 m n columns,
///
/// half of them 0. Products of signs would take 4 m (n + 1) columns, but subtract terms of size
/// exp((|x|^2 + |y|^2) / 2) that are to leave exp(x.y), so that rounding would be all that is left at x = -y.
///
/// With H and T for the two estimates, q = 1 - p, and C their covariance,
///
///   Var = (p^2 + pq/n) Var H + (q^2 + pq/n) Var T + 2 pq (1 - 1/n) C + (pq/n) (E H - E T)^2.
///
/// Gaussian frequencies have C = -2 K^2 sin((|x|^2 - |y|^2) / 2)^2 / m if rows are independent or opposite [Bochner,
/// 5]. No law is known where rows depend on one another in another way, for C is then not known. With a given number of
/// columns the variance is least for n = 1. Near an end it is linear in the angle and soon large: at |x| = |y| = 2, n =
/// 1 and an angle of 0.01, m Var / K^2 = 1.4e4, of trigonometric features 8e-8. Differentiable almost everywhere. Cost:
/// O((m + n) d + m n) a row.
class AngularHybridFeatures final : public FeatureFamily {
 public:
  /// Throws std::domain_error unless `angles` is an integer from 1 to 1000.
  explicit AngularHybridFeatures(double angles = 1);

  std::string name() const override { return "angular_hybrid"; }
  Parameters parameters() const override { return {{"angles", static_cast<double>(angles_)}}; }
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const override;
  bool projected() const override { return false; }
  std::shared_ptr<const FeatureMap> draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                         const Coupling& coupling, Index m, Index dim,
                                         const Stream& stream) const override;
  Index features(Index m) const override { return 8 * m * angles_; }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;

 private:
  Index angles_;
};

}  // namespace bochner
