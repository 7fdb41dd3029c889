#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K(x, y) = exp(-|x - y|^2 / (2 bandwidth^2)) = exp(x'.y') exp(-(|x'|^2 + |y'|^2)/2) with x' = x / bandwidth.
class GaussianKernel final : public Kernel {
 public:
  /// Throws std::domain_error unless bandwidth is finite and > 0.
  explicit GaussianKernel(double bandwidth = 1);

  std::string name() const override { return "gaussian"; }
  Parameters parameters() const override { return {{"bandwidth", bandwidth_}}; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  ProjectionForm projection_form() const override { return {{1 / bandwidth_}, -0.5}; }
  bool allows(Shape) const override { return true; }
  bool stationary() const override { return true; }

 private:
  double bandwidth_;
};

}  // namespace bochner
