#pragma once

#include "estimators/radial_law.h"

#include <optional>
#include <span>

namespace bochner {

/// w = sqrt(tau) g, g ~ N(0, I_d) and tau > 0 independent of it: the law of every kernel that is isotropic and
/// positive definite in all dimensions [Schoenberg38]. With s = q / 2,
///
///   k(u) = E cos(w.u) = E exp(-tau s),
///   Var cos(w.u) = E (1 - exp(-tau q))^2 / 2 + Var exp(-tau s),
///
/// a sum of positive parts; a derived law says how tau is drawn and brings these functions of it. Exponentials exp(w.u)
/// of a heavy-tailed frequency have no mean, so the moments are those of cosines: the others are infinite.
class ScaleMixtureLaw : public RadialLaw {
 public:
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  void fill_independent(const Stream& stream, Matrix<double>& W) const override;
  bool has_moments(Shape shape) const override { return shape == Shape::kCos; }
  SignedLog mean(Shape shape, Index dim, double q) const override;
  SignedLog variance(Shape shape, Index dim, double q) const override;
  /// At a right angle by harmonics (laws/right_angle.h); none at other angles and where harmonics are not known.
  std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const override;
  std::optional<double> cosine_gap(std::span<const double> u) const override { return gap(squared_norm(u) / 2); }
  /// Those of tau, then d normal numbers.
  Index uniforms(Index dim) const override { return mixing_uniforms() + dim; }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override;

 protected:
  /// Frequencies beyond this square are drawn as its root: no |u| that means something tells them apart, and W stays
  /// finite in single precision.
  static constexpr double kLargestTau = 1e60;

  /// How many uniform numbers make tau, and tau from them, each in (0, 1).
  virtual Index mixing_uniforms() const { return 1; }
  virtual double mixing(std::span<const double> uniforms) const = 0;
  /// log E exp(-tau s), s >= 0.
  virtual long double log_laplace(double s) const = 0;
  /// 1 - E exp(-tau s), to a small relative error.
  virtual double gap(double s) const = 0;
  /// Var cos(w.u) at |u|^2 = q > 0, to a small relative error.
  virtual double cosine_variance_at(double q) const = 0;

 private:
  double draw_tau(Stream& stream) const;
};

}  // namespace bochner
