#pragma once

#include "estimators/kernel.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// K(x, y) = k(x' - y'), k(0) = 1, x'_j = scales_j x_j: the characteristic function of its frequencies,
/// k(u) = E cos(w.u) [RahimiRecht07]. Cosines estimate it.
class StationaryKernel : public Kernel {
 public:
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  Parameters parameters() const override { return parameters_; }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return law_; }
  ProjectionForm projection_form() const override { return {scales_, -0.5}; }
  bool allows(Shape shape) const override { return shape == Shape::kCos; }
  bool stationary() const override { return true; }

 protected:
  StationaryKernel(std::shared_ptr<const FrequencyLaw> law, std::vector<double> scales, Parameters parameters);

  /// log k(u).
  virtual long double log_value(std::span<const double> u) const = 0;

 private:
  std::shared_ptr<const FrequencyLaw> law_;
  std::vector<double> scales_;
  Parameters parameters_;
};

/// A stationary kernel of |x' - y'| alone, whose frequencies have a uniform direction: the radial law knows k.
class IsotropicKernel : public StationaryKernel {
 public:
  SignedLog value(std::span<const double> x, std::span<const double> y) const final;

 protected:
  IsotropicKernel(const std::shared_ptr<const RadialLaw>& law, double scale, Parameters parameters);

  long double log_value(std::span<const double> u) const final;

 private:
  std::shared_ptr<const RadialLaw> radial_;
  double scale_;
};

/// 1 / value, for the scale of a length. Throws as require_positive does.
double inverse_length(double value, const std::string& kernel, const std::string& parameter = "bandwidth");

}  // namespace bochner
