#include "core/moments.h"
#include "estimators/estimator.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/fitting.h"
#include "tests/cpp/estimators/rows_and_messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <span>
#include <string>

namespace bochner {
namespace {

Matrix<double> points(Index n, Index dim) {
  Matrix<double> X(n, dim);
  Stream stream(11, Purpose::kData, 0);
  for (double& entry : X.reshaped()) entry = 2 * stream.uniform() - 1;
  return X;
}

/// cos(u + b) + cos(-u + b) = 2 cos(u) cos(b), and (cos(u + b) - cos(-u + b))^2 = 4 sin(u)^2 (1 - cos(b)^2).
TEST(RandomPhase, FeaturesAreCosinesWithAPhase) {
  const Index m = 37;
  const Matrix<double> X = points(9, 4);
  for (const std::string kernel : {"softmax", "gaussian", "laplacian_l1"}) {
    const auto map = fitting(kernel, "random_phase", "iid")->draw(4, m, 3, 1);
    EXPECT_EQ(map->frequencies(), fitting(kernel, "trigonometric", "iid")->draw(4, m, 3, 1)->frequencies());
    const Matrix<double> plus = transform<double>(*map, X), minus = transform<double>(*map, -X);
    const Matrix<double> zero = transform<double>(*map, Matrix<double>::Zero(1, 4));
    const Matrix<double> U = X * map->frequencies().transpose();
    for (Index i = 0; i < X.rows(); ++i) {
      const double factor = kernel == "softmax" ? std::exp(X.row(i).squaredNorm() / 2) : 1;
      for (Index l = 0; l < m; ++l) {
        const double tolerance = 1e-13 * (1 + std::fabs(U(i, l))) * factor;
        const double rest = 2.0 / m - zero(0, l) * zero(0, l);
        EXPECT_NEAR(plus(i, l) + minus(i, l), factor * 2 * std::cos(U(i, l)) * zero(0, l), tolerance);
        EXPECT_NEAR(std::pow(plus(i, l) - minus(i, l), 2), std::pow(2 * factor * std::sin(U(i, l)), 2) * rest,
                    tolerance * factor);
      }
    }
  }
}

TEST(RandomPhase, PhasesAreUniformAndTheFirstOnesOfALargerDraw) {
  const auto estimator = *fitting("gaussian", "random_phase", "orthogonal");
  const Matrix<double> X = points(5, 4);
  const Matrix<double> few = std::sqrt(8.0) * transform<double>(*estimator.draw(4, 8, 3, 1), X);
  const Matrix<double> many = std::sqrt(21.0) * transform<double>(*estimator.draw(4, 21, 3, 1), X);
  EXPECT_LT((few - many.leftCols(8)).cwiseAbs().maxCoeff(), 1e-13);
  // 2 cos(b)^2 = 1 + cos(2b) has mean 1 and variance 1/2, and the sum of (2/m)^(1/2) cos(b) variance 1.
  const Index m = 100'000;
  const Matrix<double> zero = transform<double>(*estimator.draw(4, m, 3, 2), Matrix<double>::Zero(1, 4));
  EXPECT_LT(std::fabs(zero.squaredNorm() - 1) / std::sqrt(0.5 / m), 4.5);
  EXPECT_LT(std::fabs(zero.sum()), 4.5);
}

TEST(RandomPhase, LawIsTheTrigonometricOneAndNoise) {
  const Matrix<double> X = points(2, 4);
  const double u = (X.row(0) - X.row(1)).squaredNorm();
  const auto k = [](double square) { return std::exp(-square / 2); };
  const Law iid = fitting("gaussian", "random_phase", "iid")->law(row_of(X, 0), row_of(X, 1), 7);
  EXPECT_NEAR(iid.variance, (1 + k(4 * u) / 2 - k(u) * k(u)) / 7, 1e-14);
  EXPECT_EQ(iid.bias, 0);
  // A row with itself: the noise alone, also where the trigonometric estimate is exact.
  EXPECT_EQ(fitting("softmax", "trigonometric", "iid")->law(row_of(X, 0), row_of(X, 0), 7).mse, 0);
  const double factor = std::exp(2 * X.row(0).squaredNorm());
  EXPECT_NEAR(fitting("softmax", "random_phase", "iid")->law(row_of(X, 0), row_of(X, 0), 7).mse, factor / 14,
              1e-13 * factor);
}

/// Every stationary kernel and softmax, every coupling whose pairs are known: |z| < 4.5 of the mean and the MSE, where
/// an error of 4 % of the MSE has more.
TEST(RandomPhase, MeanAndMseAreTheLaw) {
  Matrix<double> X(2, 4);
  X << 0.3, -0.2, 0.4, 0.1, -0.1, 0.3, 0.2, -0.5;
  int measured = 0;
  for (const auto& kernel : registered_kernels()) {
    for (const auto& coupling : registered_couplings()) {
      const auto estimator = fitting(kernel.name, "random_phase", coupling.name);
      if (!estimator || !estimator->has_law()) continue;
      // Couplings differ by the same parts for every kernel: all of them for two, one for the others.
      const bool all = kernel.name == "softmax" || kernel.name == "matern";
      if (!all && coupling.name != (estimator->frequency_law()->isotropic() ? "orthogonal" : "iid")) continue;
      SCOPED_TRACE(estimator->describe());
      ++measured;
      const Law law = estimator->law(row_of(X, 0), row_of(X, 1), 6);
      Moments error, square;
      for (std::uint64_t t = 0; t < 50'000; ++t) {
        const auto map = estimator->draw(4, 6, 7, t);
        const double difference = paired<double>(*map, X.topRows(1), X.bottomRows(1))(0) - law.mean + law.bias;
        error.add(difference);
        square.add(difference * difference);
      }
      EXPECT_LT(std::fabs(error.mean() - law.bias) / error.standard_error(), 4.5);
      EXPECT_LT(std::fabs(square.mean() - law.mse) / square.standard_error(), 4.5)
          << square.mean() << " measured, law " << law.mse;
      EXPECT_LT(4.5 * square.standard_error(), 0.04 * law.mse);
    }
  }
  EXPECT_GE(measured, 15);
}

TEST(RandomPhase, HasItsDerivative) {
  for (const char* kernel : {"softmax", "laplacian_l1"}) {
    const auto map = fitting(kernel, "random_phase", "iid")->draw(3, 5, 3, 1);
    const Matrix<double> X = points(4, 3), d_Z = points(4, 5);
    const Matrix<double> d_X = transform_vjp<double>(*map, X, d_Z);
    for (Index k = 0; k < X.size(); ++k) {
      constexpr double kStep = 1e-6;
      Matrix<double> above = X, below = X;
      above.data()[k] += kStep;
      below.data()[k] -= kStep;
      const Matrix<double> change = (transform<double>(*map, above) - transform<double>(*map, below)) / (2 * kStep);
      EXPECT_NEAR(d_X.data()[k], change.cwiseProduct(d_Z).sum(), 1e-7);
    }
  }
}

}  // namespace
}  // namespace bochner
