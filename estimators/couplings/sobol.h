#pragma once

#include "estimators/couplings/quasi_random.h"

namespace bochner {

/// The first m points of Sobol's sequence with the direction numbers of [JoeKuo08], scrambled in each coordinate by a
/// random lower triangular matrix of bits and a random shift of bits [Matousek98]. The point 0 is one of them:
/// scrambled it is as uniform as any, and without it 2^k points would not be balanced. Best at m = 2^k. Throws
/// std::invalid_argument where a frequency takes more than kMaxDimension uniform numbers, and for m of 2^52 or more.
/// Cost: O(m d log m).
class SobolCoupling final : public QuasiRandomCoupling {
 public:
  static constexpr Index kMaxDimension = 3667;
  std::string name() const override { return "sobol"; }

 protected:
  void fill_points(const Stream& stream, Matrix<double>& points) const override;
};

}  // namespace bochner
