#pragma once

#include "estimators/radial_law.h"

#include <cmath>

namespace bochner {

/// |w| = sqrt(d): w uniform on the sphere of radius sqrt(d), the law of the regularized softmax kernel
/// [Choromanski21, Theorem 1].
///
/// With B(q) = 0F1(; d/2; d q/4): E exp(w.u) = B(q), E cos(w.u) = B(-q); an orthogonal pair has w1 + w2 of norm
/// sqrt(2d), hence E exp(w1.u + w2.u) = B(2q) and E cos(w1.u) cos(w2.u) = B(-2q). Pairs at another cosine c have norm
/// sqrt(2d (1 + c)), so B(2 (1 + c) q) [Bochner, 3].
/// The harmonic of degree l is (d q/4)^{l/2} Gamma(d/2) / Gamma(d/2+l) 0F1(; d/2+l; d q/4) for exp.
class ConstantRadialLaw final : public RadialLaw {
 public:
  std::string name() const override { return "constant"; }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  Index uniforms(Index dim) const override { return dim; }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override;
  SignedLog mean(Shape shape, Index dim, double q) const override;
  SignedLog variance(Shape shape, Index dim, double q) const override;
  std::optional<double> norm_quantile(Index dim, double, double) const override {
    return std::sqrt(static_cast<double>(dim));
  }
  std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const override;
  std::optional<double> moment_ratio(Index dim, Index) const override { return static_cast<double>(dim); }
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;
};

}  // namespace bochner
