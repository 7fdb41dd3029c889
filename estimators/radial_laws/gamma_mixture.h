#pragma once

#include "estimators/radial_laws/scale_mixture.h"

namespace bochner {

/// tau ~ Gamma(alpha, rate alpha): the law of rational quadratic kernels [RasmussenWilliams06, eq. 4.19]. With
/// x = q / (2 alpha), E cos(w.u) = k = (1 + x)^-alpha and
///
///   Var cos(w.u) = (1 - k^2)^2 / 2 + k^4 (((1 + x)^4 / (1 + 4x))^alpha - 1) / 2,
///
/// of which both parts are positive; harmonics are quadratures over tau.
class GammaMixtureLaw final : public ScaleMixtureLaw {
 public:
  /// Throws std::domain_error unless alpha is finite and > 0.
  /// The error names `owner`, the kernel that asks.
  explicit GammaMixtureLaw(double alpha = 1, const std::string& owner = "gamma_mixture");

  std::string name() const override { return "gamma_mixture"; }
  Parameters parameters() const override { return {{"alpha", alpha_}}; }
  std::optional<Vector<double>> mean_squares(Index dim) const override { return Vector<double>::Ones(dim); }
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;

 protected:
  double mixing(std::span<const double> uniforms) const override;
  long double log_laplace(double s) const override;
  double gap(double s) const override;
  double cosine_variance_at(double q) const override;

 private:
  double alpha_;
};

}  // namespace bochner
