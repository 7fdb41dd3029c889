#pragma once

#include <span>

namespace bochner {

/// The sums of products of coordinates that second moments of products of random signs are made of [Bochner, 7].
struct ProductMoments {
  long double square = 0;    ///< S = (x.y)^2
  long double distinct = 0;  ///< Q = |x|^2 |y|^2 - sum_j x_j^2 y_j^2 >= 0
  long double crossed = 0;   ///< R = (x.y)^2 - sum_j x_j^2 y_j^2
};

/// x and y (d); with c > 0 those of (x, sqrt(c)) and (y, sqrt(c)). Q is summed without cancellation. Cost: O(d).
ProductMoments product_moments(std::span<const double> x, std::span<const double> y, double c = 0);

}  // namespace bochner
