#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K(x, y) = prod_j 2 sqrt(x_j + c) sqrt(y_j + c) / (x_j + y_j + 2c) = prod_j sech((log(x_j + c) - log(y_j + c)) / 2)
/// for x, y > -c [Li10].
class SkewedChiSquaredKernel final : public Kernel {
 public:
  /// Throws std::domain_error unless c is finite and > 0.
  explicit SkewedChiSquaredKernel(double c = 1);

  std::string name() const override { return "skewed_chi_squared"; }
  Parameters parameters() const override { return {{"c", c_}}; }
  InputRange input_range() const override { return {-c_, false}; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  double c() const { return c_; }

  /// Var cos(w.(log(x + c) - log(y + c))) of one frequency, to a small relative error.
  double variance(std::span<const double> x, std::span<const double> y) const;

 private:
  double c_;
};

}  // namespace bochner
