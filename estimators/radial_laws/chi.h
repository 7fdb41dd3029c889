#pragma once

#include "estimators/radial_law.h"

namespace bochner {

/// |w| ~ chi_d, so that w ~ N(0, I_d): the law of the softmax and Gaussian kernels.
///
/// E exp(w.u) = e^{q/2}; orthogonal pairs with independent norms have
/// E exp(w1.u + w2.u) = 1F1(d; d/2; q/2) and E cos(w1.u) cos(w2.u) = 1F1(d; d/2; -q/2) [Bochner, 8.1].
/// Pairs at another cosine are in laws/fixed_cosine.h.
/// The harmonic of degree l is (q/2)^{l/2} Gamma((d+l)/2) / Gamma(d/2+l) 1F1((d+l)/2; d/2+l; q/2) for exp, and for cos
/// the same with -q, which Kummer's transformation makes a series of one sign.
/// The tilted density p(w) exp(shift.w) e^{-|shift|^2/2} is N(shift, I_d).
class ChiRadialLaw final : public RadialLaw {
 public:
  std::string name() const override { return "chi"; }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  void fill_independent(const Stream& stream, Matrix<double>& W) const override;
  std::optional<double> cosine_gap(std::span<const double> u) const override;
  Index uniforms(Index dim) const override { return dim; }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override {
    normals_from_uniforms(uniforms, w);
  }
  SignedLog mean(Shape shape, Index dim, double q) const override;
  SignedLog variance(Shape shape, Index dim, double q) const override;
  std::optional<double> norm_quantile(Index dim, double lower, double upper) const override;
  std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const override;
  std::optional<double> moment_ratio(Index dim, Index k) const override { return static_cast<double>(dim + 2 * k); }
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;
  std::optional<double> kurtosis(Shape shape, Index dim, double q) const override;
  bool tiltable() const override { return true; }
  void fill_tilted(Stream& stream, std::span<const double> shift, std::span<double> row) const override;
};

}  // namespace bochner
