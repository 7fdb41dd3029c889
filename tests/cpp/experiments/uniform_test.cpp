#include "experiments/uniform.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/sampling.h"
#include "estimators/feature_map.h"
#include "estimators/kernels/ard.h"
#include "estimators/kernels/composition.h"
#include "experiments/ascents.h"
#include "experiments/certified_maximum.h"
#include "pairs.h"

namespace bochner {
namespace {

const auto kNever = [] {};

/// The same bound everywhere.
auto flat(double curvature) {
  return [curvature](const Matrix<double>& centres, double) -> Vector<double> {
    return Vector<double>::Constant(centres.rows(), curvature);
  };
}

/// A function whose maximum is known.
WeightedFunction known_function(Index dim, double radius) {
  // f = 1 - cos(3 t_1), largest 2 at t_1 = pi / 3; f'' is at most 9.
  return {dim,
          radius,
          true,
          flat(9),
          [](double) { return 1.0; },
          [](const Matrix<double>& T) -> Vector<double> { return 1 - (3 * T.col(0).array()).cos(); }};
}

TEST(CertifiedMaximum, BracketsAKnownMaximum) {
  for (const Index dim : {1, 2}) {
    for (const double tolerance : {0.1, 0.01, 1e-4}) {
      const Bracket inside = certified_maximum(known_function(dim, 2), tolerance, kNever);
      EXPECT_LE(inside.found, 2);
      EXPECT_GE(inside.certified, 2);
      EXPECT_LE(inside.certified, (1 + tolerance) * inside.found);
      // On the edge: 1 - cos(3 * 0.5).
      const double edge = 1 - std::cos(1.5);
      const Bracket outside = certified_maximum(known_function(dim, 0.5), tolerance, kNever);
      EXPECT_LE(outside.found, edge + 1e-15);
      EXPECT_GE(outside.certified, edge);
      EXPECT_LE(outside.certified, (1 + tolerance) * outside.found);
    }
  }
}

// (3 + t_1 + t_2)^3 / 10 grows along (1, 1), and falls below -1 nowhere in the ball.
TEST(CertifiedMaximum, FunctionsThatAreNotEvenNeedTheWholeBall) {
  for (const double sign : {1.0, -1.0}) {
    WeightedFunction cubic{2, 1.5, false, {}, [](double) { return 1.0; }, {}};
    cubic.values = [sign](const Matrix<double>& T) -> Vector<double> {
      return (3 + sign * T.rowwise().sum().array()).cube() / 10;
    };
    cubic.curvature = [sign](const Matrix<double>& centres, double reach) -> Vector<double> {
      return 12 * ((3 + sign * centres.rowwise().sum().array()).abs() + 2 * reach) / 10;
    };
    const double largest = std::pow(3 + 1.5 * std::numbers::sqrt2, 3) / 10;
    const Bracket bracket = certified_maximum(cubic, 1e-3, kNever);
    EXPECT_LE(bracket.found, largest * (1 + 1e-14));
    EXPECT_GE(bracket.certified, largest * (1 - 1e-14));
    EXPECT_LE(bracket.certified, 1.001 * bracket.found);
  }
}

TEST(CertifiedMaximum, WeightsCountAndConstantsNeedNoGrid) {
  WeightedFunction weighted = known_function(1, 3);
  weighted.weight = [](double norm) { return std::exp(norm * norm - 2 * norm); };
  double largest = 0;
  for (int i = 0; i <= 300'000; ++i) {
    const double t = 1e-5 * i;
    largest = std::max(largest, weighted.weight(t) * (1 - std::cos(3 * t)));
  }
  const Bracket bracket = certified_maximum(weighted, 1e-3, kNever);
  EXPECT_LE(bracket.found, largest * (1 + 1e-8));
  EXPECT_GE(bracket.certified, largest);
  EXPECT_LE(bracket.certified, 1.001 * bracket.found);
  WeightedFunction zero = known_function(1, 1);
  zero.values = [](const Matrix<double>& T) -> Vector<double> { return Vector<double>::Zero(T.rows()); };
  zero.curvature = flat(0);
  EXPECT_EQ(certified_maximum(zero, 0.1, kNever).certified, 0);
}

UniformPlan plan_of(const Estimator& estimator, Index trials = 3) { return {estimator, {8, 50}, trials, 7}; }

/// The largest |K^ - K| over a fine grid of pairs of the ball, its sphere too, by the public functions.
double brute_force(const FeatureMap& map, const Kernel& kernel, Index dim, double radius) {
  const Index rings = dim == 1 ? 200 : 6, turns = dim == 1 ? 2 : 96;
  Matrix<double> X(rings * turns, dim);
  for (Index i = 0; i < rings; ++i) {
    for (Index j = 0; j < turns; ++j) {
      const double length = radius * static_cast<double>(i + 1) / static_cast<double>(rings);
      const double angle = 2 * std::numbers::pi * static_cast<double>(j) / static_cast<double>(turns);
      X(i * turns + j, 0) = length * std::cos(angle);
      if (dim == 2) X(i * turns + j, 1) = length * std::sin(angle);
    }
  }
  return (gram<double>(map, X, X) - gram<double>(kernel, X, X)).cwiseAbs().maxCoeff();
}

void expect_brackets(const Estimator& estimator, Index dim) {
  SCOPED_TRACE(estimator.describe() + ", d = " + std::to_string(dim));
  const UniformPlan plan = plan_of(estimator);
  const double radius = 1.3, tolerance = 0.01;
  const UniformErrors errors = uniform_errors(plan, {dim, radius}, {Search::kCertified, tolerance, 1}, {0, 3});
  for (std::size_t place = 0; place < errors.found.size(); ++place) {
    const auto map = plan.estimator.draw(dim, plan.m[place / 3], plan.seed, place % 3);
    const double fine = brute_force(*map, plan.estimator.kernel(), dim, radius);
    EXPECT_LE(errors.found[place], errors.certified[place]);
    EXPECT_LE(errors.certified[place], (1 + tolerance) * errors.found[place] * (1 + 1e-14));
    EXPECT_GE(errors.certified[place], fine * (1 - 1e-12));
    // The grid misses the maximum by about (curvature / 2) (step / 2)^2, with steps of 0.007 and 0.09.
    EXPECT_LE(errors.found[place], fine * (dim == 1 ? 1.01 : 1.05));
  }
}

TEST(Uniform, CertifiedBracketsHoldAFineGridOfPairs) {
  for (const char* kernel : {"gaussian", "softmax"}) {
    for (const char* coupling : {"iid", "orthogonal"}) {
      for (const Index dim : {1, 2}) {
        for (const char* features : {"trigonometric", "positive", "hyperbolic"}) {
          expect_brackets(estimator_of(features, coupling, kernel), dim);
        }
      }
    }
  }
}

TEST(Uniform, CertificatesKnowScalesAndAmplitudes) {
  const auto features = make_features("trigonometric");
  const auto coupling = make_coupling("iid");
  const auto stretched = with_length_scales(make_kernel("gaussian"), {0.8, 1.7});
  expect_brackets(Estimator(stretched, features, coupling), 2);
  for (const Index dim : {1, 2}) {
    expect_brackets(Estimator(make_kernel("gaussian", {{"bandwidth", 1.4}}), features, coupling), dim);
    expect_brackets(Estimator(std::make_shared<ScaledKernel>(3, make_kernel("softmax")), features, coupling), dim);
    for (const char* exponential : {"positive", "hyperbolic"}) {
      const auto parts = make_features(exponential);
      expect_brackets(Estimator(make_kernel("gaussian", {{"bandwidth", 1.4}}), parts, coupling), dim);
      expect_brackets(Estimator(std::make_shared<ScaledKernel>(3, make_kernel("softmax")), parts, coupling), dim);
      // In one dimension cosh is exact.
      if (dim == 2) expect_brackets(Estimator(make_kernel("regularized_softmax"), parts, coupling), dim);
    }
  }
}

// E |w|^2 of radial laws, of independent coordinates, and of sums and mixtures of frequencies.
TEST(Uniform, CertificatesOfEveryStationaryKernelWithAFiniteCurvature) {
  const auto features = make_features("trigonometric");
  const auto coupling = make_coupling("iid");
  const auto cauchy = make_kernel("product_cauchy", {{"bandwidth", 1.5}});
  const auto periodic = make_kernel("periodic", {{"period", 4.0}, {"bandwidth", 1.2}});
  const std::vector<std::shared_ptr<const Kernel>> kernels{
      make_kernel("matern", {{"nu", 2.5}, {"bandwidth", 1.2}}),
      make_kernel("rational_quadratic", {{"alpha", 0.7}}),
      cauchy,
      periodic,
      std::make_shared<ProductKernel>(std::vector<std::shared_ptr<const Kernel>>{cauchy, periodic}),
      std::make_shared<SumKernel>(std::vector<std::shared_ptr<const Kernel>>{cauchy, make_kernel("gaussian")})};
  for (const auto& kernel : kernels) {
    for (const Index dim : {1, 2}) expect_brackets(Estimator(kernel, features, coupling), dim);
  }
  EXPECT_FALSE(has_certificate(Estimator(make_kernel("laplacian_l2"), features, coupling), 1));
  EXPECT_FALSE(has_certificate(Estimator(make_kernel("matern", {{"nu", 1.0}}), features, coupling), 1));
}

/// E w_j^2 against -d^2/du_j^2 E cos(w.u) = (2 / h^2) (1 - E cos(w.(h e_j))) at a small h.
TEST(Uniform, MeanSquaresAreTheCurvatureOfTheKernelAtZero) {
  const auto cauchy = make_kernel("product_cauchy", {{"bandwidth", 1.5}});
  const auto periodic = make_kernel("periodic", {{"period", 4.0}, {"bandwidth", 1.2}});
  for (const auto& kernel : std::vector<std::shared_ptr<const Kernel>>{
           make_kernel("gaussian"), make_kernel("matern", {{"nu", 2.5}}), make_kernel("rational_quadratic"), cauchy,
           periodic, std::make_shared<ProductKernel>(std::vector<std::shared_ptr<const Kernel>>{cauchy, periodic}),
           std::make_shared<SumKernel>(std::vector<std::shared_ptr<const Kernel>>{cauchy, periodic})}) {
    const auto law = kernel->frequency_law();
    const auto squares = law->mean_squares(2);
    ASSERT_TRUE(squares.has_value()) << kernel->describe();
    for (Index j = 0; j < 2; ++j) {
      constexpr double kStep = 1e-4;
      std::vector<double> u(2, 0.0);
      u[static_cast<std::size_t>(j)] = kStep;
      EXPECT_NEAR((*squares)(j), 2 / (kStep * kStep) * law->cosine_gap(u).value(), 1e-5 * (*squares)(j))
          << kernel->describe();
    }
  }
}

TEST(Uniform, AscentsStayBelowTheCertificateAndReachIt) {
  for (const char* kernel : {"gaussian", "softmax"}) {
    for (const Index dim : {1, 2}) {
      const UniformPlan plan = plan_of(estimator_of("trigonometric", "iid", kernel));
      const auto certified = uniform_errors(plan, {dim, 1.5}, {Search::kAutomatic, 0.001, 1}, {0, 3});
      const auto climbed = uniform_errors(plan, {dim, 1.5}, {Search::kAscents, 0.001, 256}, {0, 3});
      ASSERT_EQ(certified.starts, 0);
      ASSERT_EQ(climbed.starts, 256);
      for (std::size_t place = 0; place < climbed.found.size(); ++place) {
        EXPECT_LE(climbed.found[place], certified.certified[place] * (1 + 1e-12));
        EXPECT_GE(climbed.found[place], 0.998 * certified.found[place]) << kernel << dim << ' ' << place;
        EXPECT_TRUE(std::isinf(climbed.certified[place]));
        const auto* first = climbed.maxima.data() + 256 * place;
        EXPECT_EQ(*std::max_element(first, first + 256), climbed.found[place]);
      }
    }
  }
}

TEST(Uniform, AscentsClimbWithEveryFamily) {
  for (const char* features : {"positive", "hyperbolic", "trigonometric", "relu"}) {
    const Estimator estimator = estimator_of(features, "orthogonal");
    const auto map = estimator.draw(4, 32, 1, 0);
    const Stream stream(1, Purpose::kData, 0);
    const auto maxima = ascend(*map, estimator.kernel(), 1, 12, stream, kNever);
    // Best of 20,000 random pairs: in eight dimensions the ascents must be above.
    Matrix<double> X(20'000, 4), Y(20'000, 4);
    Stream data(2, Purpose::kData, 0);
    for (Matrix<double>* points : {&X, &Y}) {
      for (Index i = 0; i < points->rows(); ++i) {
        fill_sphere(data, {points->row(i).data(), 4});
        points->row(i) *= std::pow(data.uniform(), 0.25);
      }
    }
    const double random = (paired<double>(*map, X, Y) - paired<double>(estimator.kernel(), X, Y)).cwiseAbs().maxCoeff();
    EXPECT_GT(*std::max_element(maxima.begin(), maxima.end()), random) << features;
    const auto fewer = ascend(*map, estimator.kernel(), 1, 5, stream, kNever);
    for (std::size_t start = 0; start < 5; ++start) EXPECT_NEAR(fewer[start], maxima[start], 1e-9 * maxima[start]);
  }
}

TEST(Uniform, DataSetIsTheLargestOfAllPairs) {
  Matrix<double> X(9, 5), Y(7, 5);
  Stream stream(4, Purpose::kData, 0);
  fill_normal(stream, {X.data(), static_cast<std::size_t>(X.size())});
  fill_normal(stream, {Y.data(), static_cast<std::size_t>(Y.size())});
  const UniformPlan plan = plan_of(estimator_of("positive", "iid"));
  const UniformErrors errors = uniform_errors(plan, X, Y, {0, 3});
  for (std::size_t place = 0; place < errors.found.size(); ++place) {
    const auto map = plan.estimator.draw(5, plan.m[place / 3], plan.seed, place % 3);
    double largest = 0;
    for (Index i = 0; i < X.rows(); ++i) {
      for (Index j = 0; j < Y.rows(); ++j) {
        const double estimate = transform<double>(*map, X.row(i)).row(0).dot(transform<double>(*map, Y.row(j)).row(0));
        largest = std::max(largest, std::abs(estimate - std::exp(X.row(i).dot(Y.row(j)))));
      }
    }
    EXPECT_NEAR(errors.found[place], largest, 1e-12 * largest);
    EXPECT_EQ(errors.certified[place], errors.found[place]);
  }
}

TEST(Uniform, ThreadsAndShardsChangeNoBit) {
  for (const auto& [search, dim] : {std::pair{Search::kCertified, Index{2}}, std::pair{Search::kAscents, Index{5}}}) {
    const UniformPlan plan = plan_of(estimator_of("trigonometric", "orthogonal", "gaussian"), 5);
    const UniformSearch how{search, 0.05, 4};
    const UniformErrors whole = uniform_errors(plan, {dim, 1}, how, {0, 5}, {1, {}});
    const UniformErrors threaded = uniform_errors(plan, {dim, 1}, how, {0, 5}, {2, {}});
    const UniformErrors part = uniform_errors(plan, {dim, 1}, how, {2, 4}, {2, {}});
    EXPECT_EQ(whole.found, threaded.found);
    EXPECT_EQ(whole.certified, threaded.certified);
    EXPECT_EQ(whole.maxima, threaded.maxima);
    for (std::size_t k = 0; k < 2; ++k) {
      for (std::size_t trial = 2; trial < 4; ++trial) {
        EXPECT_EQ(whole.found[k * 5 + trial], part.found[k * 2 + trial - 2]);
        EXPECT_EQ(whole.certified[k * 5 + trial], part.certified[k * 2 + trial - 2]);
      }
    }
  }
}

TEST(Uniform, CertificatesExistWhereTheyAreProved) {
  EXPECT_TRUE(has_certificate(estimator_of("trigonometric", "iid", "gaussian"), 2));
  EXPECT_TRUE(has_certificate(estimator_of("trigonometric", "iid", "softmax", "constant"), 2));
  EXPECT_FALSE(has_certificate(estimator_of("trigonometric", "iid", "gaussian"), 3));
  EXPECT_TRUE(has_certificate(estimator_of("positive", "iid", "gaussian"), 1));
  EXPECT_FALSE(has_certificate(estimator_of("positive", "iid", "gaussian"), 3));
  EXPECT_FALSE(has_certificate(estimator_of("trigonometric", "iid", "regularized_softmax"), 1));
  EXPECT_FALSE(has_certificate(estimator_of("relu", "iid"), 1));
}

TEST(Uniform, BadInputIsNamed) {
  const auto refused = [](const UniformPlan& plan, const Ball& ball, const UniformSearch& search, const Shard& shard) {
    return message_of<std::invalid_argument>([&] { uniform_errors(plan, ball, search, shard); });
  };
  UniformPlan plan = plan_of(estimator_of("relu", "iid"));
  EXPECT_PRED2(contains, refused(plan, {1, 1}, {Search::kCertified, 0.1, 1}, {0, 3}), "there is no certificate");
  EXPECT_PRED2(contains, refused(plan, {0, 1}, {}, {0, 3}), "dim is 0");
  EXPECT_PRED2(contains, refused(plan, {1, 1}, {}, {2, 4}), "[2, 4) of 3 trials");
  EXPECT_PRED2(contains, refused(plan, {1, 1}, {Search::kAscents, 0.1, 0}, {0, 3}), "starts is 0");
  EXPECT_PRED2(contains, message_of<std::domain_error>([&] { uniform_errors(plan, {1, -1}, {}, {0, 3}); }),
               "radius is -1");
  EXPECT_THROW(uniform_errors(plan, {1, 1}, {}, {0, 3}, {1, [](Index, Index) { return false; }}), Interrupted);
  plan.m = {};
  EXPECT_PRED2(contains, refused(plan, {1, 1}, {}, {0, 3}), "the number of m is 0");
  WeightedFunction function = known_function(3, 1);
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { certified_maximum(function, 0.1, kNever); }),
               "dim is 3");
}

}  // namespace
}  // namespace bochner
