#pragma once

#include "estimators/frequency_law.h"

#include <optional>
#include <span>

namespace bochner {

/// E and Var of cos(a), sin(a) for one symmetric angle a, in a form that adds independent angles without cancelling:
/// with k = E cos(a), E cos(a + b) = k_a k_b and
///
///   Var cos(a + b) = V_a V_b + V_a k_b^2 + k_a^2 V_b + E sin(a)^2 E sin(b)^2,   E sin(a)^2 = (1 - E cos(2a)) / 2.
struct AngleMoments {
  double gap = 0;         // 1 - E cos(a)
  double double_gap = 0;  // 1 - E cos(2a)
  double variance = 0;    // Var cos(a)

  /// Those of a + b.
  AngleMoments plus(const AngleMoments& other) const;
};

/// The law of a frequency whose coordinates are independent, each made of one uniform number: for kernels that are
/// products over the coordinates. Derived laws give one coordinate.
class IndependentCoordinatesLaw : public FrequencyLaw {
 public:
  /// Throws std::invalid_argument where require_dim does.
  void fill_independent(const Stream& stream, Matrix<double>& W) const final;
  std::optional<double> cosine_gap(std::span<const double> u) const final { return moments(u).gap; }
  std::optional<double> cosine_variance(std::span<const double> u) const final { return moments(u).variance; }
  Index uniforms(Index dim) const final { return dim; }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const final;

 protected:
  /// Coordinate j from a uniform number in (0, 1), and the moments of the angle w_j u; both symmetric.
  virtual double coordinate(std::size_t j, double uniform) const = 0;
  virtual double gap(std::size_t j, double u) const = 0;
  virtual double variance(std::size_t j, double u) const = 0;
  /// Throws std::invalid_argument where the law is one of another dimension.
  virtual void require_dim(Index /*dim*/) const {}

 private:
  AngleMoments moments(std::span<const double> u) const;
};

}  // namespace bochner
