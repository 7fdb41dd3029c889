#pragma once

#include "estimators/couplings/quasi_random.h"

namespace bochner {

/// The first m points of Halton's sequence, in coordinate j with the digits in the j-th prime base, every digit
/// position scrambled by a random permutation of its own, those beyond the digits of m too [Owen17]. Throws
/// std::invalid_argument where a frequency takes more than kMaxDimension uniform numbers. Cost: O(53 (m + base)) a
/// coordinate, over the logarithm of the base.
class HaltonCoupling final : public QuasiRandomCoupling {
 public:
  static constexpr Index kMaxDimension = 10000;
  std::string name() const override { return "halton"; }

 protected:
  void fill_points(const Stream& stream, Matrix<double>& points) const override;
};

}  // namespace bochner
