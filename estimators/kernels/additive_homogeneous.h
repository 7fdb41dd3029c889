#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K(x, y) = sum_j k(x_j, y_j) over non-negative coordinates, with k(sx, sy) = s k(x, y), so that
/// k(x, y) = sqrt(x y) E cos(w log(x / y)), and 0 where x or y is 0 [VedaldiZisserman12]. The coordinates of its
/// frequencies are independent draws of w.
class AdditiveHomogeneousKernel : public Kernel {
 public:
  InputRange input_range() const final { return {0, true}; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const final;

  /// k(x, y) for x, y >= 0.
  virtual double of_pair(double x, double y) const = 0;
  /// x y Var cos(w log(x / y)), the variance of one frequency's estimate of k(x, y), to a small relative error.
  virtual double variance_of_pair(double x, double y) const = 0;
};

}  // namespace bochner
