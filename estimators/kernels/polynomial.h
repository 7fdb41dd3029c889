#pragma once

#include "estimators/kernels/dot_product.h"

namespace bochner {

/// K(x, y) = (x.y + c)^degree, with a_n = binomial(degree, n) c^(degree - n).
class PolynomialKernel final : public DotProductKernel {
 public:
  /// Throws std::domain_error unless degree is an integer from 1 to 100 and c is finite and at least 0.
  explicit PolynomialKernel(double degree = 2, double c = 1);

  std::string name() const override { return "polynomial"; }
  Parameters parameters() const override { return {{"degree", static_cast<double>(degree_)}, {"c", c_}}; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  double log_maclaurin(Index n) const override;
  Index degree() const override { return degree_; }
  double c() const { return c_; }

 private:
  Index degree_;
  double c_;
};

}  // namespace bochner
