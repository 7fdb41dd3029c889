#include <estimators/estimator.h>
#include <estimators/feature_map.h>
#include <estimators/registry.h>

#include <cmath>
#include <cstdio>

// Prints the exact softmax kernel of two points, its estimate by orthogonal positive features, and the standard
// deviation that the law gives to that estimate.
int main() {
  constexpr bochner::Index kDim = 8;
  constexpr bochner::Index kDraws = 1024;
  const bochner::Estimator estimator(bochner::make_kernel("softmax"), bochner::make_features("positive"),
                                     bochner::make_coupling("orthogonal"));
  const auto map = estimator.draw(kDim, kDraws, /*seed=*/1, /*trial=*/0);

  bochner::Matrix<double> x(1, kDim);
  bochner::Matrix<double> y(1, kDim);
  x.setConstant(0.4);
  y.setConstant(-0.1);
  const double exact = bochner::paired<double>(estimator.kernel(), x, y)(0);
  const double estimate = bochner::paired<double>(*map, x, y)(0);
  const bochner::Law law = estimator.law({x.data(), kDim}, {y.data(), kDim}, kDraws);
  std::printf("%.17g %.17g %.17g\n", exact, estimate, std::sqrt(law.variance));
  return 0;
}
