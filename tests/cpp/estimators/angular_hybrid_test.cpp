#include "core/moments.h"
#include "estimators/estimator.h"
#include "estimators/kernels/ard.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/fitting.h"
#include "tests/cpp/estimators/rows_and_messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <vector>

namespace bochner {
namespace {

Matrix<double> points(Index n, Index dim, std::uint64_t index) {
  Matrix<double> X(n, dim);
  Stream stream(13, Purpose::kData, index);
  for (double& entry : X.reshaped()) entry = 2 * stream.uniform() - 1;
  return X;
}

Estimator hybrid(const std::string& kernel, double angles, const std::string& coupling) {
  return Estimator(make_kernel(kernel), make_features("angular_hybrid", {{"angles", angles}}), make_coupling(coupling));
}

/// At every pair the estimate is a mixture of those by hyperbolic and trigonometric features with the same frequencies,
/// with a weight that is a multiple of 1/n.
TEST(AngularHybrid, MixesTwoEstimatesOfTheSameFrequencies) {
  const Matrix<double> X = points(20, 4, 0), Y = points(30, 4, 1);
  for (const std::string kernel : {"softmax", "gaussian"}) {
    for (const Index n : {1, 3}) {
      const auto map = hybrid(kernel, static_cast<double>(n), "orthogonal").draw(4, 6, 3, 1);
      EXPECT_EQ(map->features(), 8 * 6 * n);
      EXPECT_FALSE(map->symmetric());
      const Matrix<double> K = gram<double>(*map, X, Y);
      const Matrix<double> H = gram<double>(*fitting(kernel, "hyperbolic", "orthogonal")->draw(4, 6, 3, 1), X, Y);
      const Matrix<double> T = gram<double>(*fitting(kernel, "trigonometric", "orthogonal")->draw(4, 6, 3, 1), X, Y);
      Moments excess;
      for (Index k = 0; k < K.size(); ++k) {
        const double h = H.data()[k], t = T.data()[k];
        const double weight = (K.data()[k] - t) / (h - t) * static_cast<double>(n);
        EXPECT_NEAR(weight, std::round(weight), 1e-9 * (std::fabs(h) + std::fabs(t)) / std::fabs(h - t));
        EXPECT_TRUE(weight > -0.5 && weight < static_cast<double>(n) + 0.5);
        const double cosine = X.row(k / Y.rows()).normalized().dot(Y.row(k % Y.rows()).normalized());
        excess.add(weight / static_cast<double>(n) - std::acos(cosine) / std::numbers::pi);
      }
      EXPECT_LT(std::fabs(excess.mean()), 0.15);  // more trigonometric where rows are near; the law below is exact
    }
  }
}

/// |x| = |y|: no error at an angle of 0 or pi, in the law and in every draw, at norms where products of signs would
/// leave rounding errors of exp(|x|^2) 2^-53, far above exp(-|x|^2).
TEST(AngularHybrid, IsExactAtBothEndsOfEqualNorms) {
  for (const double norm : {0.5, 2.0, 5.0}) {
    const Matrix<double> X = norm * points(6, 5, 2).rowwise().normalized();
    const Matrix<double> opposite = -X;
    for (const double angles : {1.0, 4.0}) {
      const Estimator estimator = hybrid("softmax", angles, "iid");
      for (const Matrix<double>& Y : {X, opposite}) {
        for (Index i = 0; i < X.rows(); ++i) EXPECT_EQ(estimator.law(row_of(X, i), row_of(Y, i), 7).mse, 0);
        for (std::uint64_t t = 0; t < 20; ++t) {
          const Vector<double> K = paired<double>(*estimator.draw(5, 7, 3, t), X, Y);
          for (Index i = 0; i < X.rows(); ++i) EXPECT_NEAR(K(i) / std::exp(X.row(i).dot(Y.row(i))), 1, 1e-12);
        }
      }
      // Of other norms an angle of 0 leaves the error of the trigonometric estimate, pi that of the hyperbolic one.
      const Matrix<double> x = X.topRows(1), longer = 2 * x, turned = -2 * x;
      EXPECT_NEAR(estimator.law(row_of(x, 0), row_of(longer, 0), 7).mse /
                      fitting("softmax", "trigonometric", "iid")->law(row_of(x, 0), row_of(longer, 0), 7).mse,
                  1, 1e-12);
      EXPECT_NEAR(estimator.law(row_of(x, 0), row_of(turned, 0), 7).mse /
                      fitting("softmax", "hyperbolic", "iid")->law(row_of(x, 0), row_of(turned, 0), 7).mse,
                  1, 1e-12);
    }
  }
}

/// |z| < 4.5 of mean and MSE, where an error of 10 % of the MSE has more, at light tails.
TEST(AngularHybrid, MeanAndMseAreTheLaw) {
  Matrix<double> X(4, 3), Y(4, 3);
  X << 0.6, 0.1, -0.2, 0.5, 0.4, -0.3, 0, 0, 0, 0.3, -0.5, 0.1;
  Y << -0.1, 0.4, 0.1, 0.1, -0.1, 0.2, 0.5, -0.4, 0.2, -0.7, 0.3, -0.2;
  for (const Estimator& estimator : {hybrid("softmax", 1, "iid"), hybrid("softmax", 3, "iid"),
                                     hybrid("softmax", 2, "antithetic"), hybrid("gaussian", 2, "iid")}) {
    SCOPED_TRACE(estimator.describe());
    std::vector<Law> laws;
    for (Index i = 0; i < X.rows(); ++i) laws.push_back(estimator.law(row_of(X, i), row_of(Y, i), 8));
    std::vector<Moments> error(laws.size()), square(laws.size());
    for (std::uint64_t t = 0; t < 60'000; ++t) {
      const Vector<double> K = paired<double>(*estimator.draw(3, 8, 7, t), X, Y);
      for (std::size_t i = 0; i < laws.size(); ++i) {
        const double difference = K(static_cast<Index>(i)) - laws[i].mean;
        error[i].add(difference);
        square[i].add(difference * difference);
      }
    }
    for (std::size_t i = 0; i < laws.size(); ++i) {
      EXPECT_EQ(laws[i].bias, 0);
      EXPECT_LT(std::fabs(error[i].mean()) / error[i].standard_error(), 4.5) << i;
      EXPECT_LT(std::fabs(square[i].mean() - laws[i].mse) / square[i].standard_error(), 4.5)
          << i << ": " << square[i].mean() << " measured, law " << laws[i].mse;
      EXPECT_LT(4.5 * square[i].standard_error(), 0.1 * laws[i].mse) << i;
    }
  }
}

/// One t: of m draws of a frequency some are hyperbolic and some trigonometric, (p (cosh v - 1) + q (cosh w - 1)) / m
/// of K^2. The hyperbolic part is felt at once where the angle leaves 0.
TEST(AngularHybrid, OneSignIsAMixtureOfVariances) {
  for (const double angle : {0.01, 1.0, 3.0}) {
    const Matrix<double> x{{2, 0}}, y{{2 * std::cos(angle), 2 * std::sin(angle)}};
    const double v = 16 * std::pow(std::cos(angle / 2), 2), w = 16 * std::pow(std::sin(angle / 2), 2);
    const double p = angle / std::numbers::pi;
    const auto above_one = [](double u) { return 2 * std::pow(std::sinh(u / 2), 2); };
    const double expected = (p * above_one(v) + (1 - p) * above_one(w)) / 9;
    const double relative =
        hybrid("softmax", 1, "iid").law(row_of(x, 0), row_of(y, 0), 9).mse / std::exp(2 * x.row(0).dot(y.row(0)));
    EXPECT_NEAR(relative / expected, 1, 1e-12);
  }
}

/// Frequencies of another law than the kernel's, and those that depend on one another otherwise, have no law.
TEST(AngularHybrid, HasNoLawWhereTheCovarianceIsNotKnown) {
  EXPECT_TRUE(hybrid("softmax", 2, "iid").has_law());
  EXPECT_FALSE(hybrid("softmax", 2, "orthogonal").has_law());
  EXPECT_FALSE(fitting("softmax", "angular_hybrid", "iid", "constant")->has_law());
  const Matrix<double> x = points(1, 4, 0);
  EXPECT_THROW(hybrid("softmax", 2, "orthogonal").law(row_of(x, 0), row_of(x, 0), 4), NoLawError);
  EXPECT_FALSE(fitting("laplacian_l1", "angular_hybrid", "iid"));
  EXPECT_THROW(make_features("angular_hybrid", {{"angles", 0.5}}), std::domain_error);
}

TEST(AngularHybrid, HasItsDerivative) {
  const auto ard = with_length_scales(make_kernel("gaussian"), {0.5, 2.0, 1.5});
  const auto features = make_features("angular_hybrid", {{"angles", 2}});
  for (const auto& kernel : {make_kernel("softmax"), ard}) {
    const auto map = Estimator(kernel, features, make_coupling("iid")).draw(3, 4, 3, 1);
    for (const double size : {1.0, 3.0}) {
      const Matrix<double> X = size * points(4, 3, 1), d_Z = points(4, map->features(), 2);
      for (const Side side : {Side::kQuery, Side::kKey}) {
        const Matrix<double> d_X = transform_vjp<double>(*map, X, d_Z, side);
        for (Index k = 0; k < X.size(); ++k) {
          constexpr double kStep = 1e-6;
          Matrix<double> above = X, below = X;
          above.data()[k] += kStep;
          below.data()[k] -= kStep;
          const Matrix<double> change =
              (transform<double>(*map, above, side) - transform<double>(*map, below, side)) / (2 * kStep);
          const double expected = change.cwiseProduct(d_Z).sum();
          EXPECT_NEAR(d_X.data()[k] / d_X.cwiseAbs().maxCoeff(), expected / d_X.cwiseAbs().maxCoeff(), 1e-7);
        }
      }
    }
  }
}

TEST(AngularHybrid, FirstFrequenciesAndPrecisionsAgree) {
  const Estimator estimator = hybrid("softmax", 2, "orthogonal");
  const Matrix<double> X = points(7, 4, 0);
  EXPECT_EQ(estimator.draw(4, 5, 3, 1)->frequencies(), estimator.draw(4, 12, 3, 1)->frequencies().topRows(5));
  const auto map = estimator.draw(4, 5, 3, 1);
  for (const double size : {1.0, 4.0}) {
    const Matrix<float> single = transform<float>(*map, (size * X).cast<float>());
    const Matrix<double> Z = transform<double>(*map, size * X);
    EXPECT_LT((single.cast<double>() - Z).cwiseAbs().maxCoeff(), 1e-4 * Z.cwiseAbs().maxCoeff());
  }
  // Half a long frequency: H / T is exp(|w|^2 / 4), more than a float holds, so that T has to leave for the log-scale.
  const auto wide = estimator.draw(512, 3, 3, 1);
  const Matrix<double> half = wide->frequencies().topRows(1) / 2;
  ASSERT_GT(half.squaredNorm(), 90);
  const auto scaled = transform_scaled<float>(*wide, half.cast<float>());
  const Matrix<double> Z = transform<double>(*wide, half);
  ASSERT_TRUE(scaled.values.allFinite());
  EXPECT_NEAR(std::log(static_cast<double>(scaled.values.maxCoeff())) + static_cast<double>(scaled.log_scale(0)),
              std::log(Z.maxCoeff()), 1e-3);
}

}  // namespace
}  // namespace bochner
