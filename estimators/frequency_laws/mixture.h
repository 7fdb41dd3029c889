#pragma once

#include "estimators/frequency_law.h"
#include "estimators/frequency_laws/scaled_law.h"
#include "estimators/radial_law.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// A law and how often it is chosen.
struct WeightedLaw {
  double weight = 1;
  ScaledLaw part;
};

/// The mixture of laws whose weights sum to 1, the law of a sum of kernels: with parts of means k_i and variances V_i
/// of the cosine, k = sum p_i k_i and Var cos(w.u) = sum p_i (V_i + (k_i - k)^2). It is a radial law where all parts
/// are.
std::shared_ptr<const FrequencyLaw> mixture_law(std::vector<WeightedLaw> parts);

/// The mixture of laws of any kind.
class MixtureLaw final : public FrequencyLaw {
 public:
  explicit MixtureLaw(std::vector<WeightedLaw> parts);

  std::string name() const override { return name_; }
  void fill_independent(const Stream& stream, Matrix<double>& W) const override {
    fill_from_uniforms(*this, stream, W);
  }
  std::optional<double> cosine_gap(std::span<const double> u) const override;
  std::optional<double> cosine_variance(std::span<const double> u) const override;
  std::optional<Vector<double>> mean_squares(Index dim) const override;
  /// One number that chooses, then those of the part, of which some may be left over.
  Index uniforms(Index dim) const override;
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override;

 private:
  std::vector<WeightedLaw> parts_;
  std::string name_;
};

/// The mixture of radial laws. Harmonics are those of the parts, weighted.
class MixtureRadialLaw final : public RadialLaw {
 public:
  explicit MixtureRadialLaw(std::vector<WeightedLaw> parts);

  std::string name() const override { return any_.name(); }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  bool has_moments(Shape shape) const override { return shape == Shape::kCos; }
  SignedLog mean(Shape shape, Index dim, double q) const override;
  SignedLog variance(Shape shape, Index dim, double q) const override;
  std::optional<SignedLog> covariance(Shape shape, Index dim, double q, double cosine) const override;
  std::optional<SignedLog> harmonic(Shape shape, Index dim, Index degree, double q) const override;
  std::optional<double> cosine_gap(std::span<const double> u) const override { return any_.cosine_gap(u); }
  std::optional<Vector<double>> mean_squares(Index dim) const override { return any_.mean_squares(dim); }
  Index uniforms(Index dim) const override { return any_.uniforms(dim); }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override {
    any_.from_uniforms(uniforms, w);
  }

 private:
  std::vector<WeightedLaw> parts_;
  MixtureLaw any_;
};

}  // namespace bochner
