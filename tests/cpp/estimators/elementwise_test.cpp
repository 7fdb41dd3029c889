#include "estimators/features/elementwise.h"

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "estimators/estimator.h"
#include "estimators/registry.h"

namespace bochner {
namespace {

using Function = std::function<double(double)>;

/// The functions again, in their textbook form.
const std::vector<std::pair<std::string, Function>> kFunctions{
    {"relu", [](double u) { return std::max(u, 0.0); }},
    {"exp", [](double u) { return std::exp(u); }},
    {"sigmoid", [](double u) { return 1 / (1 + std::exp(-u)); }},
    {"abs", [](double u) { return std::abs(u); }},
    {"gelu", [](double u) { return u / 2 * (1 + std::erf(u / std::sqrt(2))); }},
    {"cos", [](double u) { return std::cos(u); }},
    {"tanh", [](double u) { return std::tanh(u); }},
    {"identity", [](double u) { return u; }},
    {"elu1", [](double u) { return u > 0 ? u + 1 : std::exp(u); }},
};
constexpr double kEpsilons[] = {0, 0.25};

Estimator make(const std::string& function, double epsilon, const std::string& kernel = "softmax") {
  return Estimator(make_kernel(kernel), make_features(function, {{"epsilon", epsilon}}), make_coupling("orthogonal"));
}

Matrix<double> points(Index n, Index dim, std::uint64_t seed, double scale = 1) {
  Matrix<double> X(n, dim);
  Stream stream(seed, Purpose::kData, 0);
  for (Index k = 0; k < X.size(); ++k) X.data()[k] = scale * (2 * stream.uniform() - 1);
  return X;
}

TEST(Elementwise, TransformIsTheDefinition) {
  for (const auto& [name, f] : kFunctions) {
    for (const double epsilon : kEpsilons) {
      // The Gaussian kernel gives frequencies and nothing else.
      for (const char* kernel : {"softmax", "gaussian"}) {
        const auto map = make(name, epsilon, kernel).draw(5, 12, 3, 1);
        const Matrix<double> X = points(300, 5, 7);
        const Matrix<double> U = X * map->frequencies().transpose();
        const Matrix<double> expected = U.unaryExpr([&](double u) { return (f(u) + epsilon) / std::sqrt(12); }).eval();
        ASSERT_EQ(map->features(), 12);
        // u reaches 10, where e^u has lost |u| units in the last place.
        const auto error = [&](const Matrix<double>& Z) {
          return ((Z - expected).array() / (1 + expected.array().abs())).abs().maxCoeff();
        };
        EXPECT_LT(error(transform<double>(*map, X)), 1e-14) << name << " " << epsilon;
        EXPECT_LT(error(transform<float>(*map, X.cast<float>()).cast<double>()), 1e-5) << name << " " << epsilon;
      }
    }
  }
}

/// log phi of the tile at the only projection u; the frequency is 1.
double log_feature(const std::string& name, double u, double epsilon = 0) {
  const auto map = make(name, epsilon).map_of(Matrix<double>::Ones(1, 1));
  Matrix<double> features(1, 1);
  Vector<double> log_scale(1);
  map->tile(Matrix<double>::Constant(1, 1, u), Side::kQuery, features, log_scale);
  EXPECT_EQ(map->form(), Form::kExponents);
  return features(0) + log_scale(0);
}

TEST(Elementwise, PositiveFunctionsAreRightWhereTheirValuesAreNot) {
  for (const double u : {1.0, 40.0, 800.0, 1e6, 1e300}) {
    EXPECT_DOUBLE_EQ(log_feature("exp", u), u);
    EXPECT_DOUBLE_EQ(log_feature("exp", -u), -u);
    EXPECT_DOUBLE_EQ(log_feature("elu1", u), std::log1p(u));
    EXPECT_DOUBLE_EQ(log_feature("elu1", -u), -u);
    EXPECT_DOUBLE_EQ(log_feature("sigmoid", -u), -u - std::log1p(std::exp(-u)));
    EXPECT_DOUBLE_EQ(log_feature("sigmoid", u), -std::log1p(std::exp(-u)));
    EXPECT_DOUBLE_EQ(log_feature("exp", u, 1e-3), u < 700 ? std::log(std::exp(u) + 1e-3) : u);
    EXPECT_DOUBLE_EQ(log_feature("exp", -u, 1e-3), std::log(std::exp(-u) + 1e-3));
  }
}

/// Rows of any size in both precisions, W x itself being finite: no NaN and no infinity in the scaled form.
TEST(Elementwise, LargeAndSmallRowsNeverGiveNan) {
  const auto check = [](const FeatureMap& map, const auto& X, const std::string& what) {
    using Scalar = typename std::decay_t<decltype(X)>::Scalar;
    const auto scaled = transform_scaled<Scalar>(map, X);
    EXPECT_TRUE(scaled.values.allFinite() && scaled.log_scale.allFinite()) << what;
    EXPECT_FALSE(transform<Scalar>(map, X).hasNaN()) << what;
    EXPECT_FALSE(gram<Scalar>(map, X, X).hasNaN()) << what;
    EXPECT_FALSE(paired<Scalar>(map, X, X).hasNaN()) << what;
  };
  for (const auto& [name, f] : kFunctions) {
    const auto map = make(name, 0).draw(16, 64, 3, 1);
    for (const double scale : {0.0, 1e-300, 1e-30, 1e3, 1e30, 1e300}) {
      const Matrix<double> X = points(9, 16, 5, scale);
      const std::string what = name + " " + std::to_string(std::log10(scale));
      check(*map, X, what);
      if (scale < 1e38) check(*map, Matrix<float>(X.cast<float>()), what);
    }
  }
}

/// The products of these rows neither overflow nor vanish where the result is a float, and have a sign where it is not.
TEST(Elementwise, RowsCarryTheirPowerOfTwo) {
  const auto map = make("identity", 0).draw(4, 8, 3, 1);
  const Matrix<double> X = points(5, 4, 1), Y = points(6, 4, 2);
  const Matrix<double> expected = gram<double>(*map, X, Y);
  const Matrix<float> large = (1e30 * X).cast<float>(), small = (1e-30 * Y).cast<float>();
  const Matrix<double> K = gram<float>(*map, large, small).cast<double>();
  EXPECT_LT((K - expected).cwiseAbs().maxCoeff(), 1e-4 * expected.cwiseAbs().maxCoeff());
  const Matrix<float> infinite = gram<float>(*map, large, (1e30 * Y).cast<float>());
  for (Index k = 0; k < K.size(); ++k) {
    EXPECT_EQ(infinite.data()[k], std::copysign(std::numeric_limits<float>::infinity(), expected.data()[k]));
  }
  const ScaledFeatures<float> scaled = transform_scaled<float>(*map, large);
  EXPECT_LT(scaled.values.cwiseAbs().maxCoeff(), 2);
  EXPECT_GE(scaled.values.cwiseAbs().rowwise().maxCoeff().minCoeff(), 1);
}

/// A smooth number made of everything that a tile writes.
double probe(const FeatureMap& map, const Matrix<double>& X, const Matrix<double>& weights) {
  Matrix<double> features(X.rows(), map.features());
  Vector<double> log_scale(X.rows());
  map.tile(X, Side::kKey, features, log_scale);
  return features.cwiseProduct(weights.leftCols(map.features())).sum() + log_scale.dot(weights.rightCols(1).col(0));
}

TEST(Elementwise, VjpIsTheDerivativeOfTheTile) {
  for (const auto& [name, f] : kFunctions) {
    for (const double epsilon : kEpsilons) {
      // The second scale has rows that carry a power of two; there only some f still change.
      for (const double scale : {1.0, 1e100}) {
        if (scale > 1 && name != "identity" && name != "relu" && name != "abs" && name != "gelu") continue;
        const auto map = make(name, epsilon).draw(3, 5, 3, 1);
        ASSERT_TRUE(map->differentiable());
        const Matrix<double> X = points(4, 3, 7, scale), weights = points(4, 6, 8);
        Matrix<double> features(4, 5), d_X(4, 3);
        Vector<double> log_scale(4);
        map->tile(X, Side::kKey, features, log_scale);
        Matrix<double> d_features = weights.leftCols(5);
        map->vjp(X, Side::kKey, features, d_features, weights.rightCols(1).col(0), d_X);
        // With the step h, in units of the scale, h^2 times a third derivative below 1000, and 1e-15 / h, are both
        // below 1e-8. Large rows have a log-scale of 230, which is rounded to 3e-14.
        const double step = 1e-6 * scale, tolerance = scale > 1 ? 1e-7 : 1e-8;
        for (Index k = 0; k < X.size(); ++k) {
          Matrix<double> above = X, below = X;
          above.data()[k] += step;
          below.data()[k] -= step;
          const double slope = (probe(*map, above, weights) - probe(*map, below, weights)) / (2 * step);
          EXPECT_NEAR(scale * d_X.data()[k], scale * slope, tolerance) << name << " " << epsilon << " " << scale;
        }
      }
    }
  }
}

TEST(Elementwise, TransformVjpIsTheDerivativeOfTransform) {
  std::vector<std::string> families{"trigonometric", "positive", "hyperbolic"};
  for (const auto& [name, f] : kFunctions) families.push_back(name);
  for (const auto& family : families) {
    const auto map = Estimator(make_kernel("softmax"), make_features(family), make_coupling("iid")).draw(3, 5, 3, 1);
    // More rows than a tile has.
    const Matrix<double> X = points(300, 3, 7, 0.5), d_Z = points(300, map->features(), 8);
    const Matrix<double> d_X = transform_vjp<double>(*map, X, d_Z, Side::kQuery, {.threads = 2, .progress = {}});
    for (const Index i : {0, 255, 256, 299}) {
      for (Index j = 0; j < 3; ++j) {
        Matrix<double> above = X.row(i), below = X.row(i);
        above(0, j) += 1e-6;
        below(0, j) -= 1e-6;
        const Matrix<double> difference = transform<double>(*map, above) - transform<double>(*map, below);
        EXPECT_NEAR(d_X(i, j), difference.row(0).dot(d_Z.row(i)) / 2e-6, 1e-8) << family;
      }
    }
    const Matrix<float> single = transform_vjp<float>(*map, X.cast<float>(), d_Z.cast<float>());
    EXPECT_LT((single.cast<double>() - d_X).cwiseAbs().maxCoeff(), 1e-4 * d_X.cwiseAbs().maxCoeff()) << family;
  }
}

/// u^2, by a user who has no derivative.
class Square final : public ElementwiseFunction {
 public:
  std::string name() const override { return "square"; }
  void evaluate(MutableMatrixView<float> U) const override { U = U.cwiseAbs2(); }
  void evaluate(MutableMatrixView<double> U) const override { U = U.cwiseAbs2(); }
  bool differentiable() const override { return false; }
  void differentiate(MutableMatrixView<float>) const override {}
  void differentiate(MutableMatrixView<double>) const override {}
};

TEST(Elementwise, AFunctionOfTheUsers) {
  const auto family = std::make_shared<const ElementwiseFeatures>(std::make_shared<const Square>(), 0.5);
  const Estimator estimator(make_kernel("softmax"), family, make_coupling("iid"));
  const auto map = estimator.draw(3, 7, 0, 0);
  const Matrix<double> X = points(4, 3, 7);
  const Matrix<double> U = X * map->frequencies().transpose();
  const Matrix<double> expected = (U.array().square() + 0.5) / std::sqrt(7);
  EXPECT_LT((transform<double>(*map, X) - expected).cwiseAbs().maxCoeff(), 1e-14);
  EXPECT_FALSE(map->differentiable());
  EXPECT_THROW(transform_vjp<double>(*map, X, expected), std::invalid_argument);
  EXPECT_EQ(map->describe(), "square(epsilon=0.5) features of softmax, d = 3, m = 7, p = 7");
}

TEST(Elementwise, ThereIsNoLawAndBadParametersAreNamed) {
  const std::vector<double> x{0.1, 0.2};
  for (const auto& [name, f] : kFunctions) {
    EXPECT_FALSE(make(name, 0).has_law());
    EXPECT_THROW(make(name, 0).law(x, x, 4), NoLawError);
  }
  try {
    make_features("relu", {{"epsilon", -1}});
    FAIL();
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(), "relu: epsilon is -1; expected a finite number of at least 0");
  }
  EXPECT_THROW(ElementwiseFeatures(nullptr), std::invalid_argument);
}

}  // namespace
}  // namespace bochner
