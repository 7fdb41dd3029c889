#pragma once

#include "estimators/radial_laws/scale_mixture.h"

namespace bochner {

/// tau = 1 / y, y ~ Gamma(nu, rate nu): w has the multivariate t law of 2 nu degrees of freedom, that of Matern kernels
/// [RasmussenWilliams06, Section 4.2.1]. With t = sqrt(2 nu q),
///
///   E cos(w.u) = 2^(1 - nu) / Gamma(nu) t^nu K_nu(t),
///
/// for nu = 1/2, 3/2, ... a polynomial times e^-t, otherwise by the integral of K_nu [DLMF, 10.32.9]. Gap, variance and
/// harmonics are quadratures over y.
class StudentRadialLaw final : public ScaleMixtureLaw {
 public:
  /// Throws std::domain_error unless nu is finite and > 0.
  /// The error names `owner`, the kernel that asks.
  explicit StudentRadialLaw(double nu = 1.5, const std::string& owner = "student");

  std::string name() const override { return "student"; }
  Parameters parameters() const override { return {{"nu", nu_}}; }
  /// nu / (nu - 1) for nu > 1.
  std::optional<Vector<double>> mean_squares(Index dim) const override;
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;

 protected:
  double mixing(std::span<const double> uniforms) const override;
  long double log_laplace(double s) const override;
  double gap(double s) const override;
  double cosine_variance_at(double q) const override;

 private:
  double nu_;
};

}  // namespace bochner
