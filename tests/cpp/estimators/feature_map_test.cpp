#include "estimators/estimator.h"
#include "estimators/registry.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

namespace bochner {
namespace {

Estimator make(const std::string& kernel, const std::string& features, const std::string& coupling = "orthogonal") {
  const Parameters parameters = kernel == "gaussian" ? Parameters{{"bandwidth", 1.5}} : Parameters{};
  return Estimator(make_kernel(kernel, parameters), make_features(features), make_coupling(coupling));
}

Matrix<double> points(Index n, Index dim, std::uint64_t seed, double scale = 0.5) {
  Matrix<double> X(n, dim);
  Stream stream(seed, Purpose::kData, 0);
  for (Index k = 0; k < X.size(); ++k) X.data()[k] = scale * (2 * stream.uniform() - 1);
  return X;
}

/// phi(x) written out from its definition in the theory, W being the map's own.
Matrix<double> naive(const std::string& kernel, const std::string& features, const Matrix<double>& W,
                     const Matrix<double>& X) {
  const Index m = W.rows();
  const double scale = kernel == "gaussian" ? 1 / 1.5 : 1;
  const bool trigonometric = features == "trigonometric";
  Matrix<double> Z(X.rows(), features == "positive" ? m : 2 * m);
  for (Index i = 0; i < X.rows(); ++i) {
    const double square = X.row(i).squaredNorm() * scale * scale;
    const double exponent = (trigonometric ? 0.5 : -0.5) - (kernel == "gaussian" ? 0.5 : 0);
    const double weight = features == "hyperbolic" ? 2 * static_cast<double>(m) : static_cast<double>(m);
    const double factor = std::exp(exponent * square) / std::sqrt(weight);
    for (Index l = 0; l < m; ++l) {
      const double u = W.row(l).dot(X.row(i));
      Z(i, l) = factor * (trigonometric ? std::cos(u) : std::exp(u));
      if (features != "positive") Z(i, m + l) = factor * (trigonometric ? std::sin(u) : std::exp(-u));
    }
  }
  return Z;
}

const std::vector<std::string> kKernels{"softmax", "gaussian"};
const std::vector<std::string> kFamilies{"trigonometric", "positive", "hyperbolic"};

TEST(FeatureMap, TransformIsTheDefinition) {
  for (const auto& kernel : kKernels) {
    for (const auto& family : kFamilies) {
      // Rows on both sides of the edges of a tile (at most 256 rows).
      for (const Index n : {1, 31, 32, 33, 255, 256, 257, 600}) {
        const auto map = make(kernel, family).draw(5, 12, 3, 1);
        const Matrix<double> X = points(n, 5, 7);
        const Matrix<double> expected = naive(kernel, family, map->frequencies(), X);
        const Matrix<double> Z = transform<double>(*map, X);
        ASSERT_EQ(Z.cols(), map->features());
        EXPECT_LT((Z - expected).cwiseAbs().maxCoeff(), 1e-14) << kernel << " " << family << " n = " << n;
        const Matrix<float> Zf = transform<float>(*map, X.cast<float>());
        EXPECT_LT((Zf.cast<double>() - expected).cwiseAbs().maxCoeff(), 2e-6)
            << kernel << " " << family << " n = " << n;
      }
    }
  }
}

TEST(FeatureMap, GramPairedAndTransformAgree) {
  for (const auto& kernel : kKernels) {
    for (const auto& family : kFamilies) {
      const auto map = make(kernel, family).draw(6, 300, 3, 1);
      const Matrix<double> X = points(270, 6, 1), Y = points(41, 6, 2);
      const Matrix<double> K = gram<double>(*map, X, Y);
      const Matrix<double> product = transform<double>(*map, X) * transform<double>(*map, Y, Side::kKey).transpose();
      EXPECT_LT(((K - product).array() / product.array().abs()).abs().maxCoeff(), 1e-10) << kernel << " " << family;
      const Vector<double> diagonal = paired<double>(*map, X.topRows(41), Y);
      EXPECT_LT((K.topRows(41).diagonal() - diagonal).cwiseAbs().maxCoeff(), 1e-13) << kernel << " " << family;
      const ScaledFeatures<double> scaled = transform_scaled<double>(*map, X);
      const Matrix<double> unscaled = scaled.log_scale.array().exp().matrix().asDiagonal() * scaled.values;
      EXPECT_LT((unscaled - transform<double>(*map, X)).cwiseAbs().maxCoeff(), 1e-14);
    }
  }
}

/// The shorter way of a family to the products of features is the way through both tiles.
TEST(FeatureMap, PairTileIsTheProductOfTiles) {
  for (const auto& family : kFamilies) {
    const auto map = make("gaussian", family).draw(5, 33, 3, 1);
    const Matrix<double> X = points(41, 5, 1), Y = points(41, 5, 2);
    Matrix<double> products(41, map->features()), expected = products;
    Vector<double> log_scale(41), expected_scale(41);
    map->pair_tile(X, Y, products, log_scale);
    map->FeatureMap::pair_tile(X, Y, expected, expected_scale);
    EXPECT_LT((products - expected).cwiseAbs().maxCoeff(), 1e-14) << family;
    EXPECT_LT((log_scale - expected_scale).cwiseAbs().maxCoeff(), 1e-14) << family;
  }
}

TEST(FeatureMap, TwoThreadsGiveTheSameBits) {
  for (const auto& family : kFamilies) {
    const auto map = make("softmax", family).draw(6, 100, 3, 1);
    const Matrix<double> X = points(700, 6, 1);
    EXPECT_EQ(transform<double>(*map, X, Side::kQuery, {.threads = 1, .progress = {}}),
              transform<double>(*map, X, Side::kQuery, {.threads = 2, .progress = {}}));
    EXPECT_EQ(gram<double>(*map, X, X, {.threads = 1, .progress = {}}),
              gram<double>(*map, X, X, {.threads = 2, .progress = {}}));
  }
}

/// Rows of norm 1e3 in both precisions: everything is finite in the scaled form, and plain values become 0 or infinity.
TEST(FeatureMap, LargeNormsNeverGiveNan) {
  const auto check = [](const auto& map, const auto& X) {
    using Scalar = typename std::decay_t<decltype(X)>::Scalar;
    const auto scaled = transform_scaled<Scalar>(*map, X);
    EXPECT_TRUE(scaled.values.allFinite() && scaled.log_scale.allFinite());
    EXPECT_LE(scaled.values.cwiseAbs().maxCoeff(), 1 + 1e-6);
    EXPECT_FALSE(transform<Scalar>(*map, X).hasNaN());
    EXPECT_FALSE(gram<Scalar>(*map, X, X).hasNaN());
    EXPECT_FALSE(paired<Scalar>(*map, X, X).hasNaN());
  };
  for (const auto& kernel : kKernels) {
    for (const auto& family : kFamilies) {
      Matrix<double> X = points(20, 16, 5, 1);
      X.rowwise().normalize();
      X *= 1e3;
      X.row(0).setZero();
      const auto map = make(kernel, family).draw(16, 64, 3, 1);
      check(map, X);
      check(map, Matrix<float>(X.cast<float>()));
    }
  }
}

/// The largest features of x and of y are different ones, so that the product of rows scaled by them, e^-100, is
/// nothing in float; phi(x).phi(y) itself is e^-81 and must not be lost.
TEST(FeatureMap, GramKeepsWhatScalingByRowsWouldLose) {
  Matrix<double> W(3, 2);
  W << 6, -6, -6, 6, 1, 1;
  const auto map = make("softmax", "positive").map_of(W);
  Matrix<float> X(1, 2), Y(1, 2);
  X << 10, 0;
  Y << 0, 10;
  const double expected = -100 + std::log((std::exp(20.0) + 2) / 3);
  EXPECT_NEAR(std::log(static_cast<double>(gram<float>(*map, X, Y)(0, 0))), expected, 1e-4);
}

/// A smooth number made of everything that a tile writes.
double probe(const FeatureMap& map, const Matrix<double>& X, const Matrix<double>& weights) {
  Matrix<double> features(X.rows(), map.features());
  Vector<double> log_scale(X.rows());
  map.tile(X, Side::kKey, features, log_scale);
  return features.cwiseProduct(weights.leftCols(map.features())).sum() + log_scale.dot(weights.rightCols(1).col(0));
}

TEST(FeatureMap, VjpIsTheDerivativeOfTheTile) {
  for (const auto& kernel : kKernels) {
    for (const auto& family : kFamilies) {
      const auto map = make(kernel, family).draw(3, 5, 3, 1);
      ASSERT_TRUE(map->differentiable());
      const Matrix<double> X = points(4, 3, 7), weights = points(4, map->features() + 1, 8);
      Matrix<double> features(4, map->features()), d_X(4, 3);
      Vector<double> log_scale(4);
      map->tile(X, Side::kKey, features, log_scale);
      Matrix<double> d_features = weights.leftCols(map->features());
      map->vjp(X, Side::kKey, features, d_features, weights.rightCols(1).col(0), d_X);
      // Central differences: h^2 times a third derivative of order 10, and 1e-16 / h, are both below 1e-9.
      constexpr double kStep = 1e-6;
      for (Index k = 0; k < X.size(); ++k) {
        Matrix<double> above = X, below = X;
        above.data()[k] += kStep;
        below.data()[k] -= kStep;
        const double slope = (probe(*map, above, weights) - probe(*map, below, weights)) / (2 * kStep);
        EXPECT_NEAR(d_X.data()[k], slope, 1e-8) << kernel << " " << family;
      }
    }
  }
}

TEST(FeatureMap, DrawEachEqualsDraw) {
  for (const char* coupling : {"iid", "orthogonal"}) {
    const Estimator estimator = make("gaussian", "positive", coupling);
    const std::vector<Index> sizes{3, 40, 17};
    const auto maps = estimator.draw_each(7, sizes, 5, 11);
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      const Matrix<double> alone = estimator.draw(7, sizes[k], 5, 11)->frequencies();
      EXPECT_LT((maps[k]->frequencies() - alone).cwiseAbs().maxCoeff(), 1e-13);
    }
  }
}

TEST(FeatureMap, BadInputIsNamed) {
  const auto map = make("softmax", "positive").draw(3, 4, 0, 0);
  const auto message = [&](const Matrix<double>& X) -> std::string {
    try {
      transform<double>(*map, X);
    } catch (const std::exception& error) {
      return error.what();
    }
    return "nothing was thrown";
  };
  EXPECT_EQ(message(Matrix<double>::Zero(2, 5)), "transform: X has 5 columns; expected 3");
  EXPECT_EQ(message(Matrix<double>(0, 3)), "transform: X has no rows; expected at least 1");
  Matrix<double> X = Matrix<double>::Zero(2, 3);
  X(1, 2) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message(X), "transform: X[1, 2] is nan; expected finite values");
}

}  // namespace
}  // namespace bochner
