#pragma once

#include "estimators/radial_laws/scale_mixture.h"

namespace bochner {

/// tau = 2 S, S positive and stable of index a = gamma / 2, E exp(-s S) = exp(-s^a): the law of powered exponential
/// kernels, E cos(w.u) = exp(-|u|^gamma); w is symmetric and stable of index gamma. With U, V uniform,
///
///   S = sin(pi a U) / sin(pi U)^(1/a) (sin(pi (1 - a) U) / -log V)^((1 - a) / a)   [Kanter75; ChambersMallowsStuck76],
///
/// and S = 1 for gamma = 2. With A = 2 |u|^gamma both parts of
/// Var cos(w.u) = (1 - e^-A)^2 / 2 + (exp(-2^(gamma-1) A) - e^(-2A)) / 2 are positive. No covariance at a right angle
/// is known, but for gamma = 2.
class StableMixtureLaw final : public ScaleMixtureLaw {
 public:
  /// Throws std::domain_error unless 0 < gamma <= 2.
  /// The error names `owner`, the kernel that asks.
  explicit StableMixtureLaw(double gamma = 1, const std::string& owner = "stable_mixture");

  std::string name() const override { return "stable_mixture"; }
  Parameters parameters() const override { return {{"gamma", gamma_}}; }
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;

 protected:
  Index mixing_uniforms() const override { return 2; }
  double mixing(std::span<const double> uniforms) const override;
  long double log_laplace(double s) const override;
  double gap(double s) const override;
  double cosine_variance_at(double q) const override;

 private:
  double gamma_;
};

}  // namespace bochner
