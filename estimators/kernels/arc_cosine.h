#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K_n(x, y) = 2 E 1(w.x > 0) 1(w.y > 0) (w.x)^n (w.y)^n = |x|^n |y|^n J_n(theta) / pi for Gaussian w, theta the angle
/// between x and y; 0 where x or y is 0. n from 0 to 8. J_n = (pi - theta) P_n(cos) + sin Q_n(cos) up to a right angle,
/// where no term is negative; beyond it the integral [ChoSaul09], as the terms cancel at theta = pi. To a
/// relative error of some 1e-14 everywhere. x and y (d).
SignedLog arc_cosine(Index n, std::span<const double> x, std::span<const double> y);

/// K(x, y) = K_order(x, y), the kernel of a layer of infinitely many units max(w.x, 0)^order [ChoSaul09].
class ArcCosineKernel final : public Kernel {
 public:
  /// Throws std::domain_error unless order is an integer from 0 to 4.
  explicit ArcCosineKernel(double order = 1);

  std::string name() const override { return "arc_cosine"; }
  Parameters parameters() const override { return {{"order", static_cast<double>(order_)}}; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override {
    return arc_cosine(order_, x, y);
  }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
  Index order() const { return order_; }

 private:
  Index order_;
};

}  // namespace bochner
