#include "own_parts.h"

#include <estimators/registry.h>
#include <experiments/pointwise.h>

#include <cstdio>

namespace {

void measure(const bochner::Estimator& estimator) {
  bochner::PointwisePlan plan{estimator, bochner::Matrix<double>(2, 3), bochner::Matrix<double>(2, 3), {6}, 20000, 1};
  plan.X << 0.3, -0.2, 0.1, 0.2, 0.2, 0.2;
  plan.Y << -0.1, 0.4, 0.2, 0.2, -0.3, 0.1;
  const bochner::Pointwise pointwise(plan);
  for (const auto& row : pointwise.rows(pointwise.run({0, plan.trials}))) {
    std::printf("%.17g %.17g %.17g %.17g %.17g\n", row.truth, row.bias, row.bias_se, row.mse, row.z_mse);
  }
}

}  // namespace

// Measures a user's own kernel, coupling and features, each beside parts of the library, then all together:
// truth, bias and its standard error, mean squared error and its z-score against the law (nan without one).
int main() {
  const auto kernel = std::make_shared<const OwnKernel>();
  const auto coupling = std::make_shared<const OwnCoupling>();
  const auto features = std::make_shared<const OwnFeatures>();
  measure({kernel, bochner::make_features("trigonometric"), bochner::make_coupling("orthogonal")});
  measure({bochner::make_kernel("gaussian"), bochner::make_features("positive"), coupling});
  measure({bochner::make_kernel("matern"), features, bochner::make_coupling("iid")});
  measure({kernel, features, coupling});
  return 0;
}
