#pragma once

#include "estimators/kernels/stationary.h"

#include <string>
#include <vector>

namespace bochner {

/// K(x, y) = prod_j exp(-2 sin(pi (x_j - y_j) / period)^2 / bandwidth_j^2) [RasmussenWilliams06, eq. 4.31]. Its
/// frequencies are whole multiples of 2 pi / period.
class PeriodicKernel final : public StationaryKernel {
 public:
  /// Throws std::domain_error unless period is finite and > 0 and bandwidth finite and at least 1e-4.
  explicit PeriodicKernel(double period = 1, double bandwidth = 1) : PeriodicKernel(period, std::vector{bandwidth}) {}
  /// One bandwidth a coordinate.
  PeriodicKernel(double period, const std::vector<double>& bandwidths);

  std::string name() const override;
  std::shared_ptr<const Kernel> with_own_length_scales(const std::vector<double>& length_scales) const override;

 protected:
  long double log_value(std::span<const double> u) const override;

 private:
  double period_;
  std::vector<double> bandwidths_;
};

}  // namespace bochner
