#include "estimators/laws/attention.h"

#include <gtest/gtest.h>
#include <boost/math/quadrature/gauss.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <numbers>
#include <utility>
#include <vector>

#include "core/special.h"
#include "estimators/laws/pair_covariance.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/attention_reference.h"
#include "tests/cpp/estimators/fitting.h"

namespace bochner {
namespace {

using namespace attention_reference;

const std::vector<Shape> kShapes = {Shape::kExp, Shape::kCosh, Shape::kCos};

/// E f(w1.x) f(w2.y) of orthogonal w1, w2 with independent norms, by quadrature [Bochner, 11]: given the direction u of
/// w1, that of w2 is uniform on the sphere orthogonal to u, whence a Bessel function. Without any spherical harmonic.
class PairQuadrature {
 public:
  PairQuadrature(Index dim, bool constant_norm, Shape shape)
      : dim_(static_cast<double>(dim)), sign_(shape == Shape::kCos ? -1 : 1) {
    if (constant_norm) {
      norms_ = {{std::sqrt(dim_), 1}};
      return;
    }
    double total = 0;
    for_nodes(0, 12, [&](double r, double weight) {
      norms_.emplace_back(r, weight * std::pow(r, dim_ - 1) * std::exp(-r * r / 2));
      total += norms_.back().second;
    });
    for (auto& [norm, weight] : norms_) weight /= total;
  }

  /// For |x| = a, |y| = b and the cosine between them.
  double pair(double a, double b, double cosine) const {
    if (dim_ == 2) return over_circle(1, a, b, cosine);
    double sum = 0;
    // The part rho of u in the plane of x and y: sqrt(1 - rho^2) = t has the density (d - 2) t^(d - 3).
    for_nodes(0, 1, [&](double t, double weight) {
      sum += weight * (dim_ - 2) * std::pow(t, dim_ - 3) * over_circle(std::sqrt(1 - t * t), a, b, cosine);
    });
    return sum;
  }

 private:
  using Gauss = boost::math::quadrature::gauss<double, 30>;

  template <class Body>
  static void for_nodes(double low, double high, const Body& body) {
    const double half = (high - low) / 2, middle = (high + low) / 2;
    for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
      body(middle + half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
      body(middle - half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
    }
  }

  double over_circle(double rho, double a, double b, double cosine) const {
    constexpr int kAngles = 36;
    const double angle_between = std::acos(cosine);
    double sum = 0;
    for (int k = 0; k < kAngles; ++k) {
      const double angle = 2 * std::numbers::pi * (k + 0.3) / kAngles;
      const double first = a * rho * std::cos(angle);
      const double along = b * rho * std::cos(angle - angle_between);
      sum += along_frequency(first) * across(std::max(0.0, b * b - along * along));
    }
    return sum / kAngles;
  }

  /// E f(r x); the odd part of exp has no part in the integral.
  double along_frequency(double x) const {
    double sum = 0;
    for (const auto& [r, weight] : norms_) sum += weight * (sign_ < 0 ? std::cos(r * x) : std::cosh(r * x));
    return sum;
  }

  double across(double square) const {
    double sum = 0;
    for (const auto& [r, weight] : norms_) sum += weight * hyp0f1((dim_ - 1) / 2, sign_ * r * r * square / 4);
    return sum;
  }

  double dim_;
  double sign_;
  std::vector<std::pair<double, double>> norms_;
};

/// E f(|w| |u| t) P_l(t) over the norm and the cosine t = cos(a), of density sin(a)^(d-2), with P_l by its recurrence.
TEST(RadialLaw, HarmonicsAreTheirIntegrals) {
  using Gauss = boost::math::quadrature::gauss<double, 60>;
  const auto for_nodes = [](double low, double high, const auto& body) {
    const double half = (high - low) / 2, middle = (high + low) / 2;
    for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
      body(middle + half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
      body(middle - half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
    }
  };
  for (const auto& registered : registered_radial_laws()) {
    const auto radial = make_radial_law(registered.name);
    if (!radial->has_moments(Shape::kExp)) continue;  // heavy tails: stationary_test.cpp
    for (const Index d : {2, 3, 7}) {
      const auto dim = static_cast<double>(d);
      for (const Index degree : {0, 1, 2, 3, 4, 6}) {
        std::array<double, 3> sum{};
        double total = 0;
        const auto add_norm = [&](double r, double density) {
          for_nodes(0, std::numbers::pi, [&](double angle, double weight) {
            const double t = std::cos(angle);
            double polynomial = 1, before = 0;
            for (Index l = 0; l < degree; ++l) {
              const auto order = static_cast<double>(l);
              const double ahead = l == 0 ? 1 : (2 * order + dim - 2) / (order + dim - 2);
              before = std::exchange(polynomial, ahead * t * polynomial - (ahead - 1) * before);
            }
            const double mass = density * weight * std::pow(std::sin(angle), dim - 2);
            total += mass;
            const double x = 1.4 * r * t;
            sum[0] += mass * polynomial * std::exp(x);
            sum[1] += mass * polynomial * std::cosh(x);
            sum[2] += mass * polynomial * std::cos(x);
          });
        };
        if (registered.name == "constant") {
          add_norm(std::sqrt(dim), 1);
        } else {
          for_nodes(0, 12, [&](double r, double weight) {
            add_norm(r, weight * std::pow(r, dim - 1) * std::exp(-r * r / 2));
          });
        }
        for (std::size_t k = 0; k < kShapes.size(); ++k) {
          EXPECT_NEAR(radial->harmonic(kShapes[k], d, degree, 1.96)->value(), sum[k] / total, 1e-10)
              << registered.name << " d=" << d << " degree " << degree << " shape " << k;
        }
      }
    }
  }
}

/// Cov(f(w1.x), f(w2.y)) by the series, two points of these squared norms at this angle.
double series(const RadialLaw& radial, Shape shape, Index dim, double q, double other, double cosine, double rows) {
  const Vector<double> squares = (Vector<double>(2) << q, other).finished();
  Vector<double> scales(2);
  for (Index i = 0; i < 2; ++i)
    scales(i) = (shape == Shape::kCos ? 0 : static_cast<double>(radial.mean(shape, dim, 4 * squares(i)).log) / 2);
  Matrix<double> out(1, 1);
  PairCovariance(radial, shape, dim, squares, scales, rows).fill(0, 1, Matrix<double>::Constant(1, 1, cosine), out);
  return out(0, 0) * std::exp(scales.sum());
}

TEST(PairCovariance, OfOnePointIsTheClosedForm) {
  for (const auto& registered : registered_radial_laws()) {
    const auto radial = make_radial_law(registered.name);
    if (!radial->has_moments(Shape::kExp)) continue;  // heavy tails: stationary_test.cpp
    for (const Shape shape : kShapes) {
      for (const Index dim : {2, 3, 8, 33, 128}) {
        for (const double q : {1e-6, 0.01, 0.5, 2.0, 9.0, 30.0}) {
          const double exact = radial->covariance(shape, dim, q, 0)->value();
          // Terms are relative to E f^2, which is what the law adds them to.
          const double size =
              shape == Shape::kCos ? 1 : static_cast<double>(std::exp(radial->mean(shape, dim, 4 * q).log));
          const double got = series(*radial, shape, dim, q, q, 1, 0);
          EXPECT_NEAR(got, exact, 1e-13 * std::fabs(exact) + 1e-15 * size)
              << registered.name << " d=" << dim << " q=" << q << " shape " << static_cast<int>(shape);
        }
      }
    }
  }
}

TEST(PairCovariance, OfTwoPointsIsTheIntegral) {
  for (const auto& registered : registered_radial_laws()) {
    const auto radial = make_radial_law(registered.name);
    if (!radial->has_moments(Shape::kExp)) continue;  // heavy tails: stationary_test.cpp
    for (const Shape shape : {Shape::kExp, Shape::kCos}) {
      for (const Index dim : {2, 3, 5, 16}) {
        const PairQuadrature integral(dim, registered.name == "constant", shape);
        for (const auto& [a, b] : {std::pair{0.3, 0.5}, {1.0, 0.7}, {1.6, 1.6}}) {
          for (const double cosine : {-0.9, 0.2, 1.0}) {
            const double product = (radial->mean(shape, dim, a * a).value()) * radial->mean(shape, dim, b * b).value();
            const double exact = integral.pair(a, b, cosine) - product;
            if (shape == Shape::kExp) {
              // Orthogonal frequencies do not see the odd part of exp.
              EXPECT_NEAR(series(*radial, Shape::kCosh, dim, a * a, b * b, cosine, 0), exact, 2e-11 * product);
            }
            EXPECT_NEAR(series(*radial, shape, dim, a * a, b * b, cosine, 0), exact, 2e-11 * std::max(1.0, product))
                << registered.name << " d=" << dim << " a=" << a << " b=" << b << " cos=" << cosine;
          }
        }
      }
    }
  }
}

/// At cosine 1 the directions are the same: f(r1 s.x) f(r2 s.y), on the sphere of radius sqrt(d) one and the same
/// frequency, whose second moments are known. It sees odd degrees too.
TEST(PairCovariance, OfEqualDirectionsIsTheSecondMoment) {
  const auto radial = make_radial_law("constant");
  for (const Index dim : {2, 3, 10}) {
    for (const double cosine : {-1.0, -0.4, 0.0, 0.8, 1.0}) {
      const double q = 0.8, other = 1.7;
      const double dot = std::sqrt(q * other) * cosine;
      const auto mean = [&](Shape shape, double square) { return radial->mean(shape, dim, square).value(); };
      for (const Shape shape : kShapes) {
        const double plus = mean(shape, q + other + 2 * dot);
        const double second = shape == Shape::kExp ? plus : (plus + mean(shape, q + other - 2 * dot)) / 2;
        const double exact = second - mean(shape, q) * mean(shape, other);
        EXPECT_NEAR(series(*radial, shape, dim, q, other, cosine, 1), exact, 1e-13 * second + 1e-14);
      }
    }
  }
}

TEST(PairCovariance, SeriesThatBeginsBelowRoundingIsSummed) {
  // Cosines of a phase of up to 226: the first parts are of order 1e-42, those of degrees around 200 make the sum.
  const auto radial = make_radial_law("constant");
  const double exact = (1 + radial->mean(Shape::kCos, 128, 1600).value()) / 2;
  EXPECT_NEAR(series(*radial, Shape::kCos, 128, 400, 400, 1, 1), exact, 1e-11);
}

TEST(PairCovariance, OfTheSimplexSeesOddDegrees) {
  // Two frequencies of a circle at 120 degrees: w1.x and w2.x with angles t and t + 2 pi / 3.
  const auto radial = make_radial_law("constant");
  const double length = 1.3;
  double exact = 0;
  constexpr int kAngles = 200;
  for (int k = 0; k < kAngles; ++k) {
    const double t = 2 * std::numbers::pi * k / kAngles;
    const double norm = std::sqrt(2.0) * length;
    exact += std::exp(norm * (std::cos(t) + std::cos(t + 2 * std::numbers::pi / 3))) / kAngles;
  }
  exact -= std::pow(radial->mean(Shape::kExp, 2, length * length).value(), 2);
  EXPECT_NEAR(series(*radial, Shape::kExp, 2, length * length, length * length, 1, -0.5), exact, 1e-12);
}

Estimator estimator(const std::string& features, const std::string& coupling, const std::string& kernel = "softmax",
                    const std::string& radial = "") {
  const Parameters parameters = kernel == "gaussian" ? Parameters{{"bandwidth", 1.5}} : Parameters{};
  return Estimator(make_kernel(kernel, parameters), make_features(features), make_coupling(coupling),
                   radial.empty() ? nullptr : make_radial_law(radial));
}

HeadArray<const double> head(const Rows& rows) { return {rows.data(), 1, 1, rows.rows(), rows.cols()}; }

struct Result {
  AttentionLaw law;
  Rows limit;
};

Result law_of(const Estimator& of, const Rows& Q, const Rows& K, const Rows& V, const std::vector<Index>& m,
              const AttentionOptions& options = {}, int threads = 1) {
  Rows out(Q.rows(), V.cols());
  const AttentionBatch<double> batch{head(Q), head(K), head(V), {out.data(), 1, 1, out.rows(), out.cols()}};
  AttentionLaw law = attention_law(of, batch, m, options, {threads, {}});
  return {std::move(law), out};
}

struct Moments {
  double mse = 0;
  double denominator = 0;
  Vector<double> bias;
};

/// The formulas of [Bochner, 11] with independent softmax frequencies, as they stand there; plain sums over all pairs.
Moments independent_moments(const std::string& features, const Vector<double>& q, const Rows& K, const Rows& V,
                            double m) {
  const Vector<double> kernel = (K * q).array().exp();
  const double total = kernel.sum();
  const Vector<double> exact = V.transpose() * kernel / total;
  Moments moments{0, 0, Vector<double>::Zero(V.cols())};
  for (Index j = 0; j < K.rows(); ++j) {
    for (Index l = 0; l < K.rows(); ++l) {
      const double square = std::pow(kernel(j) * kernel(l), 2);
      const double exponent = q.squaredNorm() + K.row(j).dot(K.row(l));
      double covariance = square * std::exp(exponent);
      if (features == "hyperbolic") covariance = (covariance + std::exp(-exponent)) / 2;
      if (features == "trigonometric") covariance = (square * std::exp(-exponent) + std::exp(exponent)) / 2;
      const Vector<double> u = V.row(j).transpose() - exact;
      moments.mse += covariance * u.dot(V.row(l).transpose() - exact);
      moments.bias -= covariance * u;
      moments.denominator += covariance - kernel(j) * kernel(l);
    }
  }
  const double factor = 1 / (m * total * total);
  return {factor * moments.mse / static_cast<double>(V.cols()), factor * moments.denominator, factor * moments.bias};
}

TEST(AttentionLaw, IndependentFrequenciesFollowTheFormulas) {
  const Index m = 96;
  // Tiles are 64 keys wide.
  for (const Index keys : {1, 2, 63, 64, 65, 130}) {
    const Rows Q = normal_rows(3, 7, 1), K = normal_rows(keys, 7, 2), V = normal_rows(keys, 4, 3);
    const double root = std::pow(7.0, -0.25);
    for (const std::string features : {"positive", "trigonometric", "hyperbolic"}) {
      const Result result = law_of(estimator(features, "iid"), Q, K, V, {m});
      for (Index i = 0; i < Q.rows(); ++i) {
        const Vector<double> q = root * Q.row(i).transpose();
        const Moments expected = independent_moments(features, q, root * K, V, static_cast<double>(m));
        EXPECT_NEAR(result.law.mse(0, i), expected.mse, 1e-11 * expected.mse + 1e-28) << features << keys;
        EXPECT_NEAR(result.law.denominator(0, i), expected.denominator, 1e-11 * expected.denominator) << features;
        for (Index c = 0; c < V.cols(); ++c) {
          EXPECT_NEAR(result.law.bias(0, 4 * i + c), expected.bias(c), 1e-11 * expected.bias.norm() + 1e-13);
        }
      }
      const Rows exact = exact_attention<double>(Q, K, V);
      EXPECT_LT((result.limit - exact).norm(), 1e-13 * exact.norm());
      const double farthest = (V.rowwise() - exact.row(2)).rowwise().squaredNorm().maxCoeff() / 4;
      EXPECT_NEAR(result.law.farthest(2), farthest, 1e-12 * farthest);
    }
  }
}

/// Orthogonal blocks of 3, 3 and 2 rows in three dimensions: 6 + 6 + 2 ordered pairs.
TEST(AttentionLaw, OrthogonalFrequenciesAddTheirPairs) {
  constexpr double kPairs = 14, kRows = 8;
  const Rows K = normal_rows(5, 3, 2), V = normal_rows(5, 2, 3);
  const Vector<double> q = normal_rows(1, 3, 1).transpose();
  AttentionOptions options;
  options.scale = 1;
  for (const std::string features : {"positive", "trigonometric", "hyperbolic"}) {
    const bool minus = features == "trigonometric";
    const PairQuadrature integral(3, false, minus ? Shape::kCos : Shape::kExp);
    const Vector<double> kernel = (K * q).array().exp();
    const double total = kernel.sum();
    const Vector<double> exact = V.transpose() * kernel / total;
    double added = 0;
    for (Index j = 0; j < 5; ++j) {
      for (Index l = 0; l < 5; ++l) {
        const Vector<double> x = q + (minus ? -1 : 1) * K.row(j).transpose();
        const Vector<double> y = q + (minus ? -1 : 1) * K.row(l).transpose();
        const double norms = q.squaredNorm() + (K.row(j).squaredNorm() + K.row(l).squaredNorm()) / 2;
        const double pair = std::exp(minus ? norms : -norms) *
                            integral.pair(x.norm(), y.norm(), std::clamp(x.dot(y) / (x.norm() * y.norm()), -1.0, 1.0));
        const Vector<double> u = V.row(j).transpose() - exact;
        added += (pair - kernel(j) * kernel(l)) * u.dot(V.row(l).transpose() - exact);
      }
    }
    added *= kPairs / (kRows * kRows * total * total) / 2;
    const double independent = law_of(estimator(features, "iid"), q.transpose(), K, V, {8}, options).law.mse(0, 0);
    const double orthogonal =
        law_of(estimator(features, "orthogonal"), q.transpose(), K, V, {8}, options).law.mse(0, 0);
    EXPECT_NEAR(orthogonal - independent, added, 1e-9 * independent) << features;
    EXPECT_LT(orthogonal, independent) << features;
  }
}

/// One value that differs: out - exact is that of a single quotient, and two equal keys count as one.
TEST(AttentionLaw, RepeatedKeysChangeNothing) {
  const Rows Q = normal_rows(2, 5, 1), K = normal_rows(9, 5, 2), V = normal_rows(9, 3, 3);
  Rows K2(18, 5), V2(18, 3);
  K2 << K, K;
  V2 << V, V;
  for (const auto& registered : registered_features()) {
    if (!fitting_one_frequency("softmax", registered.name, "orthogonal")) continue;
    const Estimator of = estimator(registered.name, "orthogonal");
    const Result once = law_of(of, Q, K, V, {12}), twice = law_of(of, Q, K2, V2, {12});
    for (Index i = 0; i < 2; ++i) {
      EXPECT_NEAR(twice.law.mse(0, i), once.law.mse(0, i), 1e-12 * once.law.mse(0, i));
      EXPECT_NEAR(twice.law.denominator(0, i), once.law.denominator(0, i), 1e-12 * once.law.denominator(0, i));
    }
  }
}

/// A regularized kernel, a Gaussian one, and frequencies of a foreign norm converge to something that is not softmax
/// attention; the law says so.
TEST(AttentionLaw, BiasOfOtherFrequenciesStays) {
  const Rows Q = normal_rows(4, 6, 1), K = normal_rows(20, 6, 2), V = normal_rows(20, 3, 3);
  const double root = std::pow(6.0, -0.25);
  const Rows exact = exact_attention<double>(Q, K, V);
  for (const std::string name : {"regularized_softmax", "gaussian"}) {
    const Estimator of = estimator("positive", "orthogonal", name);
    const Rows gram = bochner::gram<double>(of.kernel(), root * Q, root * K);
    const Rows expected = gram.rowwise().sum().cwiseInverse().asDiagonal() * gram * V;
    const Result result = law_of(of, Q, K, V, {1'000'000'000});
    EXPECT_LT((result.limit - expected).norm(), 1e-12 * expected.norm()) << name;
    for (Index i = 0; i < 4; ++i) {
      const double offset = (expected.row(i) - exact.row(i)).squaredNorm() / 3;
      EXPECT_GT(offset, 1e-6);
      EXPECT_NEAR(result.law.mse(0, i), offset, 1e-5 * offset) << name;
    }
  }
}

TEST(AttentionLaw, MasksCausalityAndThreads) {
  const Rows Q = normal_rows(33, 4, 1), K = normal_rows(70, 4, 2), V = normal_rows(70, 3, 3);
  Mask mask(70, 1);
  for (std::size_t j = 0; j < 70; j += 3) mask[j] = 0;
  const Estimator of = estimator("hyperbolic", "orthogonal");
  const AttentionOptions options{true, span_of(mask), 0.6, EmptyRow::kError};
  const std::vector<Index> m = {5, 64};
  const Result result = law_of(of, Q, K, V, m, options), again = law_of(of, Q, K, V, m, options, 2);
  EXPECT_TRUE(same_bits(result.law.mse, again.law.mse));
  EXPECT_TRUE(same_bits(result.law.bias, again.law.bias));
  for (const Index i : {0, 7, 32}) {
    std::vector<Index> seen;
    for (Index j = 0; j <= i + 70 - 33; ++j) {
      if (mask[static_cast<std::size_t>(j)] != 0) seen.push_back(j);
    }
    const Rows keys = K(seen, Eigen::all), values = V(seen, Eigen::all);
    AttentionOptions plain;
    plain.scale = 0.6;
    for (std::size_t k = 0; k < m.size(); ++k) {
      const Result alone = law_of(of, Q.row(i), keys, values, {m[k]}, plain);
      const auto row = static_cast<Index>(k);
      EXPECT_NEAR(result.law.mse(row, i), alone.law.mse(0, 0), 1e-13 * alone.law.mse(0, 0));
      EXPECT_NEAR(result.law.bias(row, 3 * i), alone.law.bias(0, 0), 1e-13 * alone.law.bias.norm());
    }
  }
}

TEST(AttentionLaw, QueryThatSeesNothingHasNoError) {
  const Rows Q = normal_rows(5, 4, 1), K = normal_rows(2, 4, 2), V = normal_rows(2, 3, 3);
  AttentionOptions options;
  options.causal = true;
  const Estimator of = estimator("positive", "iid");
  EXPECT_THROW(law_of(of, Q, K, V, {4}, options), std::invalid_argument);
  options.empty = EmptyRow::kZero;
  const Result result = law_of(of, Q, K, V, {4}, options);
  EXPECT_EQ(result.law.mse.leftCols(3).norm(), 0);
  EXPECT_EQ(result.law.denominator.leftCols(3).norm(), 0);
  EXPECT_EQ(result.law.mse(0, 3), 0) << "a single key has all the weight";
  EXPECT_GT(result.law.mse(0, 4), 0);
}

/// Whether the frequencies depend on one another in a way of which no law of attention is known.
bool has_related_norms(const Estimator& of) {
  const auto groups = of.coupling().dependent_pairs(16, 8);
  return !groups || std::any_of(groups->begin(), groups->end(), [](const PairGroup& group) {
    return group.pairs > 0 && group.norms != NormRelation::kIndependent;
  });
}

TEST(AttentionLaw, NoneWhereNormsDependOnOneAnother) {
  const Rows Q = normal_rows(3, 8, 1), K = normal_rows(4, 8, 2), V = normal_rows(4, 3, 3);
  for (const char* coupling : {"norm_coupled", "antithetic"}) {
    EXPECT_THROW(law_of(estimator("positive", coupling), Q, K, V, {16}), NoLawError) << coupling;
  }
}

/// Products of weights and covariances span hundreds of powers of ten; the law is their sum all the same.
TEST(AttentionLaw, LargeNormsAreInfiniteOrRightButNeverNan) {
  for (const double factor : {3.0, 10.0, 100.0}) {
    const Rows Q = factor * normal_rows(3, 8, 1), K = factor * normal_rows(40, 8, 2), V = normal_rows(40, 3, 3);
    for (const auto& features : registered_features()) {
      for (const auto& coupling : registered_couplings()) {
        for (const auto& radial : registered_radial_laws()) {
          // Heavy tails have no law of exponentials, and that of cosines takes quadratures: stationary_test.cpp.
          if (!make_radial_law(radial.name)->has_moments(Shape::kExp)) continue;
          if (!fitting_one_frequency("softmax", features.name, coupling.name, radial.name)) continue;
          const Estimator of = estimator(features.name, coupling.name, "softmax", radial.name);
          if (has_related_norms(of)) continue;
          const auto law = law_of(of, Q, K, V, {16}).law;
          EXPECT_FALSE(law.mse.hasNaN()) << features.name << coupling.name << radial.name << factor;
          EXPECT_FALSE(law.denominator.hasNaN()) << features.name << coupling.name << radial.name << factor;
          EXPECT_FALSE(law.bias.hasNaN()) << features.name << coupling.name << radial.name << factor;
        }
      }
    }
  }
  // Far beyond a double in its parts - K_j is e^800 here -, an ordinary number in the end: a shift of all keys by the
  // same vector changes softmax, and with it positive features, by a common factor at a query orthogonal to it.
  Rows Q = normal_rows(1, 8, 1), K = normal_rows(40, 8, 2);
  const Rows V = normal_rows(40, 3, 3);
  Q.leftCols(1).setConstant(20);
  K.leftCols(1).setConstant(40);
  AttentionOptions options;
  options.scale = 1;
  const double got = law_of(estimator("trigonometric", "iid"), Q, K, V, {16}, options).law.mse(0, 0);
  EXPECT_TRUE(std::isfinite(got));
  // cosh(t) with t = t0 + 400, and cosh is e^t / 2 there.
  Q.leftCols(1).setConstant(0);
  K.leftCols(1).setConstant(20);
  const double shifted = law_of(estimator("trigonometric", "iid"), Q, K, V, {16}, options).law.mse(0, 0);
  EXPECT_NEAR(got, shifted, 1e-10 * shifted);
}

TEST(AttentionLaw, NeverNegativeWhereOrthogonalityTakesAll) {
  // One radius and a whole block: sum_i cosh(w_i.z) to second order in z is constant, so that the leading terms cancel.
  const Rows Q = 1e-4 * normal_rows(2, 4, 1), K = 1e-4 * normal_rows(10, 4, 2), V = normal_rows(10, 3, 3);
  const auto law = law_of(estimator("hyperbolic", "orthogonal", "softmax", "constant"), Q, K, V, {4}).law;
  const auto independent = law_of(estimator("hyperbolic", "iid", "softmax", "constant"), Q, K, V, {4}).law;
  for (Index i = 0; i < 2; ++i) {
    EXPECT_GE(law.mse(0, i), 0);
    EXPECT_LT(law.mse(0, i), 1e-6 * independent.mse(0, i) + 1e-24);
  }
}

class UnknownLaw final : public RadialLaw {
 public:
  std::string name() const override { return "unknown"; }
  void draw_norms(Stream&, Index, std::span<double> norms) const override { std::fill(norms.begin(), norms.end(), 1); }
  SignedLog mean(Shape, Index, double) const override { return {1, 0}; }
  SignedLog variance(Shape, Index, double) const override { return {1, 0}; }
  std::optional<SignedLog> covariance(Shape, Index, double, double) const override { return std::nullopt; }
};

TEST(AttentionLaw, BadInputIsNamed) {
  const Rows Q = normal_rows(2, 4, 1), K = normal_rows(3, 4, 2), V = normal_rows(3, 2, 3);
  const Estimator of = estimator("positive", "orthogonal");
  const auto message = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::exception& error) {
      return error.what();
    }
    return "";
  };
  EXPECT_EQ(message([&] { law_of(of, Q, K, V, {}); }), "attention_law: the number of m is 0; expected at least 1");
  EXPECT_EQ(message([&] { law_of(of, Q, K, V, {4, 0}); }), "attention_law: m is 0; expected at least 1");
  EXPECT_EQ(message([&] { law_of(of, Q, K.leftCols(3), V, {4}); }), "attention_law: K has 3 columns; expected 4");
  const Estimator unknown(make_kernel("softmax"), make_features("positive"), make_coupling("orthogonal"),
                          std::make_shared<UnknownLaw>());
  EXPECT_THROW(law_of(unknown, Q, K, V, {4}), NoLawError);
}

}  // namespace
}  // namespace bochner
