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

/// The law of w = w_1 + w_2 + ..., independent, that of a product of kernels: E cos(w.u) is the product of those of the
/// parts, and Var cos(w.u) by AngleMoments::plus. It is a radial law where all parts are.
std::shared_ptr<const FrequencyLaw> convolution_law(std::vector<ScaledLaw> parts);

/// The sum of frequencies of any laws.
class ConvolutionLaw final : public FrequencyLaw {
 public:
  explicit ConvolutionLaw(std::vector<ScaledLaw> parts);

  std::string name() const override { return name_; }
  void fill_independent(const Stream& stream, Matrix<double>& W) const override {
    fill_from_uniforms(*this, stream, W);
  }
  std::optional<double> cosine_gap(std::span<const double> u) const override;
  std::optional<double> cosine_variance(std::span<const double> u) const override;
  std::optional<Vector<double>> mean_squares(Index dim) const override;
  Index uniforms(Index dim) const override;
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override;

 private:
  std::optional<AngleMoments> moments(std::span<const double> u) const;

  std::vector<ScaledLaw> parts_;
  std::string name_;
};

/// The sum of isotropic frequencies, by its norm: that of a sum of vectors at independent uniform directions. No
/// covariance of orthogonal pairs is known.
class ConvolutionRadialLaw final : public RadialLaw {
 public:
  explicit ConvolutionRadialLaw(std::vector<ScaledLaw> parts);

  std::string name() const override { return any_.name(); }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  bool has_moments(Shape shape) const override { return shape == Shape::kCos; }
  SignedLog mean(Shape shape, Index dim, double q) const override;
  SignedLog variance(Shape shape, Index dim, double q) const override;
  std::optional<SignedLog> covariance(Shape, Index, double, double) const override { return std::nullopt; }
  std::optional<double> cosine_gap(std::span<const double> u) const override { return any_.cosine_gap(u); }
  std::optional<Vector<double>> mean_squares(Index dim) const override { return any_.mean_squares(dim); }
  Index uniforms(Index dim) const override { return any_.uniforms(dim); }
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const override {
    any_.from_uniforms(uniforms, w);
  }

 private:
  std::vector<ScaledLaw> parts_;
  ConvolutionLaw any_;
};

}  // namespace bochner
