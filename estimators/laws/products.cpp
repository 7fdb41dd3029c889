#include "estimators/laws/products.h"

#include <cstddef>

namespace bochner {

ProductMoments product_moments(std::span<const double> x, std::span<const double> y, double c) {
  long double dot = 0, distinct = 0, crossed = 0, x_before = 0, y_before = 0;
  const auto add = [&](long double a, long double b) {
    // Pairs i != j: x_i^2 y_j^2 + x_j^2 y_i^2 and 2 x_i y_i x_j y_j, of this coordinate with all before it.
    distinct += a * a * y_before + x_before * (b * b);
    crossed += 2 * (a * b) * dot;
    dot += a * b;
    x_before += a * a;
    y_before += b * b;
  };
  for (std::size_t j = 0; j < x.size(); ++j) add(x[j], y[j]);
  if (c > 0) {
    const long double x_all = x_before, y_all = y_before;
    distinct += static_cast<long double>(c) * (x_all + y_all);
    crossed += 2 * static_cast<long double>(c) * dot;
    dot += c;
  }
  return {dot * dot, distinct, crossed};
}

}  // namespace bochner
