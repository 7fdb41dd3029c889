#pragma once

#include "core/signed_log.h"
#include "core/stream.h"
#include "core/types.h"
#include "estimators/frequency_law.h"

#include <optional>
#include <span>

namespace bochner {

/// The function f of one projection in a one-frequency estimate f(w.u).
enum class Shape { kExp, kCosh, kCos };

/// The law of |w| for a frequency w = |w| s in R^d with s uniform on the unit sphere and independent of |w|.
///
/// It draws norms, and knows the moments of f(w.u) for f = exp, cosh, cos; they depend on u through q = |u|^2
/// alone. From these functions every law of a one-projection estimator follows, for any coupling that keeps directions
/// at fixed angles: at one point (estimators/laws/one_frequency.h) and at two (estimators/laws/pair_covariance.h).
class RadialLaw : public FrequencyLaw {
 public:
  /// Independent norms |w| in dimension dim, of any number. Consumes words of the stream; fewer norms are a prefix.
  virtual void draw_norms(Stream& stream, Index dim, std::span<double> norms) const = 0;
  /// `count` numbers of draw_norms.
  Vector<double> norms(Stream& stream, Index dim, Index count) const;

  const RadialLaw* isotropic() const final { return this; }
  void fill_independent(const Stream& stream, Matrix<double>& W) const override;
  std::optional<double> cosine_variance(std::span<const double> u) const override;
  std::optional<Vector<double>> mean_squares(Index dim) const override;

  /// Whether the moments below are known of this shape; exp(w.u) of a heavy-tailed law has no mean.
  virtual bool has_moments(Shape /*shape*/) const { return true; }
  /// E f(w.u), |u|^2 = q >= 0.
  virtual SignedLog mean(Shape shape, Index dim, double q) const = 0;
  /// Var f(w.u), to a relative error of 1e-12.
  virtual SignedLog variance(Shape shape, Index dim, double q) const = 0;
  /// The norm r with P(|w| <= r) = lower and P(|w| > r) = upper = 1 - lower, both given so that neither tail is
  /// rounded; none where it is not known.
  virtual std::optional<double> norm_quantile(Index /*dim*/, double /*lower*/, double /*upper*/) const {
    return std::nullopt;
  }

  /// Cov(f(w1.u), f(w2.u)) for independent norms and directions with s1.s2 = cosine; none where no closed form
  /// is known.
  virtual std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const = 0;

  /// E |w|^(2k+2) / E |w|^(2k) for k >= 0; none where the moments are infinite or not known. Where it is known, laws at
  /// small q, whose leading terms cancel between the three functions above, are summed as power series
  /// (estimators/laws/small_arguments.h).
  virtual std::optional<double> moment_ratio(Index /*dim*/, Index /*k*/) const { return std::nullopt; }
  /// E f(w.u) P(s.u / |u|), where s = w / |w| and P is the Legendre polynomial of R^dim of this degree with P(1) = 1:
  /// the part of f(w.u) that is a spherical harmonic in s. Degree 0 is the mean. None where it is not known.
  virtual std::optional<SignedLog> harmonic(Shape /*shape*/, Index /*dim*/, Index /*degree*/, double /*q*/) const {
    return std::nullopt;
  }

  /// E (X - E X)^4 / (Var X)^2 of X = f(w.u); none where it is not known.
  virtual std::optional<double> kurtosis(Shape /*shape*/, Index /*dim*/, double /*q*/) const { return std::nullopt; }

  /// Whether frequencies can be drawn from the exponentially tilted density p(w) exp(shift.w) / E exp(shift.w).
  virtual bool tiltable() const { return false; }
  /// One such frequency into row (d). Throws std::invalid_argument where tiltable() is false.
  virtual void fill_tilted(Stream& stream, std::span<const double> shift, std::span<double> row) const;
};

}  // namespace bochner
