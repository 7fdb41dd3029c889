// Exponential features with weights of their frequencies, and their laws.

#include "core/moments.h"
#include "estimators/estimator.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/rows_and_messages.h"

#include <gtest/gtest.h>
#include <boost/math/quadrature/gauss.hpp>

#include <algorithm>
#include <cmath>
#include <memory>
#include <numbers>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

Matrix<double> normal_points(Index n, Index dim, double scale, std::uint64_t seed) {
  Matrix<double> X(n, dim);
  Stream stream(seed, Purpose::kData, 0);
  for (Index k = 0; k < X.size(); ++k) {
    X.data()[k] = scale * (stream.uniform() + stream.uniform() + stream.uniform() - 1.5) * 2;
  }
  return X;
}

Estimator make(const std::string& kernel, const Parameters& parameters, std::shared_ptr<const FeatureFamily> features,
               const std::string& coupling) {
  return Estimator(make_kernel(kernel, parameters), std::move(features), make_coupling(coupling));
}

Estimator gerf(double A, const std::string& coupling, const std::string& kernel = "softmax") {
  return make(kernel, kernel == "gaussian" ? Parameters{{"bandwidth", 1.5}} : Parameters{},
              make_features("gerf", {{"A", A}}), coupling);
}

/// Nodes and weights of the integral over the intervals between these ends.
std::vector<std::pair<double, double>> nodes(const std::vector<double>& ends) {
  using Gauss = boost::math::quadrature::gauss<double, 40>;
  std::vector<std::pair<double, double>> all;
  for (std::size_t i = 1; i < ends.size(); ++i) {
    const double half = (ends[i] - ends[i - 1]) / 2, middle = (ends[i] + ends[i - 1]) / 2;
    for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
      all.emplace_back(middle + half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
      all.emplace_back(middle - half * Gauss::abscissa()[k], half * Gauss::weights()[k]);
    }
  }
  return all;
}

/// X(w_l) for every row of W: the products of the features of x and y.
Vector<double> products(const Estimator& estimator, const Matrix<double>& W, const Matrix<double>& x,
                        const Matrix<double>& y) {
  const auto map = estimator.map_of(W);
  const Matrix<double> of_x = transform<double>(*map, x, Side::kQuery);
  const Matrix<double> of_y = transform<double>(*map, y, Side::kKey);
  return static_cast<double>(W.rows()) * of_x.cwiseProduct(of_y).transpose();
}

/// E X(w) and E X(w)^2 over the plane.
std::pair<double, double> plane_moments(const Estimator& estimator, const Matrix<double>& x, const Matrix<double>& y) {
  const auto line = nodes({-14, -4, 0, 4, 14});
  const auto size = static_cast<Index>(line.size());
  Matrix<double> W(size * size, 2);
  Vector<double> density(size * size);
  for (Index i = 0; i < size; ++i) {
    for (Index j = 0; j < size; ++j) {
      const auto& [u, weight_u] = line[static_cast<std::size_t>(i)];
      const auto& [v, weight_v] = line[static_cast<std::size_t>(j)];
      W.row(i * size + j) << u, v;
      density(i * size + j) = weight_u * weight_v * std::exp(-(u * u + v * v) / 2) / (2 * std::numbers::pi);
    }
  }
  const Vector<double> X = products(estimator, W, x, y);
  return {density.dot(X), density.dot(X.cwiseAbs2())};
}

/// E X(w1) X(w2) of two rows of the plane at a right angle with independent norms.
double right_angle_moment(const Estimator& estimator, const Matrix<double>& x, const Matrix<double>& y) {
  const auto norms = nodes({0, 3, 6, 14});
  constexpr Index kAngles = 64;
  double sum = 0;
  for (Index k = 0; k < kAngles; ++k) {
    const double angle = 2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(kAngles);
    Matrix<double> first(static_cast<Index>(norms.size()), 2), second = first;
    Vector<double> density(first.rows());
    for (Index i = 0; i < first.rows(); ++i) {
      const auto& [r, weight] = norms[static_cast<std::size_t>(i)];
      first.row(i) << r * std::cos(angle), r * std::sin(angle);
      second.row(i) << -r * std::sin(angle), r * std::cos(angle);
      density(i) = weight * r * std::exp(-r * r / 2);
    }
    sum += density.dot(products(estimator, first, x, y)) * density.dot(products(estimator, second, x, y));
  }
  return sum / static_cast<double>(kAngles);
}

Matrix<double> point(std::initializer_list<double> values) {
  Matrix<double> x(1, static_cast<Index>(values.size()));
  std::copy(values.begin(), values.end(), x.data());
  return x;
}

TEST(DenseExponential, WithoutWeightIsPositive) {
  const Matrix<double> x = point({0.4, -0.3, 0.7}), y = point({0.2, 0.5, -0.1});
  for (const auto& coupling : registered_couplings()) {
    for (const Index m : {1, 2, 3, 7}) {
      const Estimator plain = gerf(0, coupling.name);
      const Estimator positive(make_kernel("softmax"), make_features("positive"), make_coupling(coupling.name));
      const auto map = plain.draw(3, m, 5, 1), other = positive.draw(3, m, 5, 1);
      EXPECT_TRUE(transform<double>(*map, x).isApprox(transform<double>(*other, x), 1e-14)) << coupling.name;
      EXPECT_NEAR(paired<double>(*map, x, y)(0) / paired<double>(*other, x, y)(0), 1, 1e-14);
      ASSERT_EQ(plain.has_law(), positive.has_law()) << coupling.name;
      if (!plain.has_law()) continue;
      for (const double scale : {1.0, 1e-4, 8.0}) {
        const Matrix<double> u = scale * x, v = scale * y;
        const Law law = plain.law(row_of(u, 0), row_of(v, 0), m),
                  expected = positive.law(row_of(u, 0), row_of(v, 0), m);
        EXPECT_NEAR(law.mean / expected.mean, 1, 1e-14);
        EXPECT_NEAR(law.variance / expected.variance, 1, 1e-9) << coupling.name << ", m = " << m << ", " << scale;
        EXPECT_EQ(law.bias, 0);
        // At small arguments the kurtosis is a difference of what cancels, and left out.
        const double kurtosis = *expected.iid_kurtosis;
        EXPECT_NEAR(law.iid_kurtosis.value_or(kurtosis) / kurtosis, 1, 1e-9);
      }
    }
  }
}

TEST(DenseExponential, LawIsTheIntegralOfTheFeatures) {
  const Matrix<double> x = point({0.5, -0.3}), y = point({0.4, 0.6});
  for (const char* kernel : {"softmax", "gaussian"}) {
    for (const double A : {-0.6, -0.1, 0.0, 0.05}) {
      const Estimator iid = gerf(A, "iid", kernel);
      const auto [mean, second] = plane_moments(iid, x, y);
      const Law law = iid.law(row_of(x, 0), row_of(y, 0), 1);
      EXPECT_NEAR(mean / law.mean, 1, 1e-11) << kernel << ", A = " << A;
      EXPECT_NEAR((second - mean * mean) / law.variance, 1, 1e-9) << kernel << ", A = " << A;

      const Estimator orthogonal = gerf(A, "orthogonal", kernel);
      const double covariance = right_angle_moment(orthogonal, x, y) - mean * mean;
      const Law both = orthogonal.law(row_of(x, 0), row_of(y, 0), 2);
      EXPECT_NEAR((law.variance + covariance) / 2 / both.variance, 1, 1e-9) << kernel << ", A = " << A;
      EXPECT_LT(covariance, 0);
    }
  }
}

TEST(DenseExponential, FittedFamiliesHaveTheIntegralOfTheFeatures) {
  const Matrix<double> x = point({0.5, -0.3}), y = point({0.4, 0.6});
  const Matrix<double> X = normal_points(9, 2, 0.9, 3), Y = normal_points(7, 2, 0.4, 4).array() + 0.2;
  for (const char* kernel : {"softmax", "gaussian"}) {
    for (const char* name : {"saderf", "aderf", "sderf"}) {
      const auto of = make_kernel(kernel);
      const auto features = make_features(name)->fit(*of, X, Y);
      ASSERT_TRUE(features);
      const Estimator iid(of, features, make_coupling("iid")), orthogonal(of, features, make_coupling("orthogonal"));
      const auto [mean, second] = plane_moments(iid, x, y);
      const Law law = iid.law(row_of(x, 0), row_of(y, 0), 1);
      EXPECT_NEAR(mean / law.mean, 1, 1e-10) << kernel << ", " << name;
      EXPECT_NEAR((second - mean * mean) / law.variance, 1, 1e-8) << kernel << ", " << name;
      EXPECT_EQ(orthogonal.has_law(), std::string(name) != "sderf");
      const double covariance = right_angle_moment(orthogonal, x, y) - mean * mean;
      if (!orthogonal.has_law()) continue;
      const Law both = orthogonal.law(row_of(x, 0), row_of(y, 0), 2);
      EXPECT_NEAR((law.variance + covariance) / 2 / both.variance, 1, 1e-8) << kernel << ", " << name;
    }
  }
}

/// Measured against the law at x and y: |z| < 4.5, where a 1 % error of the mean and a 3 % error of the MSE have more.
void expect_law(const Estimator& estimator, Index m, const Matrix<double>& x, const Matrix<double>& y, int trials) {
  SCOPED_TRACE(estimator.describe());
  const Law law = estimator.law(row_of(x, 0), row_of(y, 0), m);
  Moments error, square;
  for (int t = 0; t < trials; ++t) {
    const auto map = estimator.draw(x.cols(), m, 11, static_cast<std::uint64_t>(t));
    const double difference = paired<double>(*map, x, y)(0) - law.mean;
    error.add(difference);
    square.add(difference * difference);
  }
  constexpr double kLimit = 4.5;
  EXPECT_LT(std::fabs(error.mean()) / error.standard_error(), kLimit);
  EXPECT_LT(std::fabs(square.mean() - law.mse) / square.standard_error(), kLimit)
      << square.mean() << " measured, law " << law.mse;
  EXPECT_LT(kLimit * error.standard_error(), 0.01 * law.mean);
  EXPECT_LT(kLimit * square.standard_error(), 0.03 * law.mse);
}

TEST(DenseExponential, TrialsHaveTheLaw) {
  const Matrix<double> x = point({0.3, -0.2, 0.1, 0.2}), y = point({0.1, 0.1, -0.2, 0.3});
  for (const char* coupling : {"iid", "orthogonal", "simplex", "antithetic"}) {
    expect_law(gerf(-0.15, coupling), 12, x, y, 60'000);
  }
  expect_law(gerf(0.02, "iid", "gaussian"), 24, x, y, 80'000);
}

TEST(DenseExponential, InfiniteVarianceIsInfinity) {
  const Matrix<double> x = point({0.3, 0.1});
  for (const char* coupling : {"iid", "orthogonal", "antithetic"}) {
    const Law law = gerf(0.125, coupling).law(row_of(x, 0), row_of(x, 0), 3);
    EXPECT_TRUE(std::isinf(law.variance) && std::isinf(law.mse)) << coupling;
    EXPECT_NEAR(law.mean, std::exp(0.1), 1e-15);
  }
  const Law law = gerf(0.07, "iid").law(row_of(x, 0), row_of(x, 0), 3);
  EXPECT_TRUE(std::isfinite(law.variance) && std::isinf(*law.iid_kurtosis));
  // Far from 0 there is no number but the logarithm, and the best A still has one.
  const Matrix<double> far = Matrix<double>::Constant(1, 16, 3.0), opposite = -0.99 * far;
  EXPECT_TRUE(std::isinf(gerf(0, "iid").law(row_of(far, 0), row_of(far, 0), 4).mse));
  EXPECT_TRUE(std::isfinite(gerf(-1, "iid").law(row_of(far, 0), row_of(opposite, 0), 4).mse));
}

TEST(DenseExponential, NoLawWhereTheWeightIsCoupled) {
  const Matrix<double> x = point({0.3, 0.1});
  EXPECT_TRUE(gerf(0, "norm_coupled").has_law());
  EXPECT_FALSE(gerf(-0.1, "norm_coupled").has_law());
  EXPECT_THROW(gerf(-0.1, "norm_coupled").law(row_of(x, 0), row_of(x, 0), 3), NoLawError);
}

TEST(DenseExponential, RefusesWhatWouldBeBiased) {
  for (const double A : {0.25, 1.0, std::nan("")}) {
    EXPECT_NE(message([&] { gerf(A, "iid"); }).find("A is "), std::string::npos) << A;
  }
  EXPECT_NE(message([] { gerf(0, "iid", "regularized_softmax"); }).find("Gaussian frequencies"), std::string::npos);
  EXPECT_NE(message([] {
              Estimator(make_kernel("softmax"), make_features("gerf"), make_coupling("iid"),
                        make_radial_law("constant"));
            }).find("expected the kernel's own, 'chi'"),
            std::string::npos);
}

/// The mean over pairs of the logarithm of the relative second moment.
double mean_log_second_moment(const Estimator& estimator, const Matrix<double>& X, const Matrix<double>& Y) {
  double sum = 0;
  for (Index i = 0; i < X.rows(); ++i) {
    for (Index j = 0; j < Y.rows(); ++j) {
      const Law law = estimator.law(row_of(X, i), row_of(Y, j), 1);
      sum += std::log1p(law.variance / (law.mean * law.mean));
    }
  }
  return sum / static_cast<double>(X.rows() * Y.rows());
}

TEST(DenseExponential, FittedAIsTheBest) {
  const Matrix<double> X = normal_points(7, 3, 0.8, 1), Y = normal_points(5, 3, 0.5, 2).array() + 0.3;
  for (const char* kernel : {"softmax", "gaussian"}) {
    const Estimator start = gerf(0, "iid", kernel);
    const auto fitted = start.features().fit(start.kernel(), X, Y);
    ASSERT_TRUE(fitted);
    const double A = fitted->parameters().at("A");
    const double least = mean_log_second_moment(gerf(A, "iid", kernel), X, Y);
    for (const double change : {-0.03, -0.003, 0.003, 0.03}) {
      EXPECT_GT(mean_log_second_moment(gerf(A + change, "iid", kernel), X, Y), least) << change;
    }
    EXPECT_LT(least, mean_log_second_moment(start, X, Y));
  }
  // Of one pair it is the least variance, with any frequencies that are independent or orthogonal.
  const Matrix<double> x = X.topRows(1), y = Y.topRows(1);
  const double A = make_features("gerf")->fit(*make_kernel("softmax"), x, y)->parameters().at("A");
  for (const char* coupling : {"iid", "orthogonal"}) {
    const auto variance = [&](double a) { return gerf(a, coupling).law(row_of(x, 0), row_of(y, 0), 3).variance; };
    for (const double change : {-0.01, -0.001, 0.001, 0.01}) EXPECT_GT(variance(A + change), variance(A)) << coupling;
  }
  EXPECT_EQ(make_features("gerf")->fit(*make_kernel("softmax"), x, -x)->parameters().at("A"), 0);
}

/// The families are closed minima: no small change of their parameters lowers the mean.
TEST(DenseExponential, FittedTransformsAreTheBest) {
  const Matrix<double> X = normal_points(8, 3, 0.8, 5), Y = normal_points(6, 3, 0.5, 6).array() + 0.3;
  const auto kernel = make_kernel("softmax");
  const auto iid = make_coupling("iid");
  for (const char* name : {"saderf", "aderf", "sderf"}) {
    const auto fitted = make_features(name)->fit(*kernel, X, Y);
    const Fitted best = fitted->fitted_parameters();
    const double least = mean_log_second_moment(Estimator(kernel, fitted, iid), X, Y);
    const auto expect_more = [&](const Fitted& changed, const std::string& what) {
      const Estimator other(kernel, fitted->with_fitted(changed), iid);
      EXPECT_GT(mean_log_second_moment(other, X, Y), least) << name << ", " << what;
    };
    for (Index j = 0; j < best.at("A").cols(); ++j) {
      for (const double change : {-0.01, 0.01}) {
        Fitted changed = best;
        changed.at("A")(0, j) += change;
        expect_more(changed, "A");
      }
    }
    const bool rotates = std::string(name) == "sderf";
    for (Index k = 0; k < best.at("T").size(); ++k) {
      for (const double change : {-0.03, 0.03}) {
        Fitted changed = best;
        Matrix<double>& T = changed.at("T");
        if (!rotates) {
          T.data()[k] += change;
          // A factor of T in front, orthogonal, changes nothing where one a serves all.
          expect_more(changed, "T");
          continue;
        }
        const Index i = k / 3, j = k % 3;
        if (i >= j) continue;
        const Matrix<double> rows = T;
        T.row(i) = std::cos(change) * rows.row(i) + std::sin(change) * rows.row(j);
        T.row(j) = std::cos(change) * rows.row(j) - std::sin(change) * rows.row(i);
        expect_more(changed, "rotation");
      }
    }
  }
}

TEST(DenseExponential, NotFittedSaysSo) {
  const Estimator estimator(make_kernel("softmax"), make_features("sderf"), make_coupling("iid"));
  EXPECT_FALSE(estimator.has_law());
  EXPECT_EQ(message([&] { estimator.draw(2, 3, 0, 0); }),
            "draw: features 'sderf' are not fitted; expected those of estimator.fit(X, Y)");
}

TEST(DenseExponential, CombinationsThatLoseSaySo) {
  EXPECT_TRUE(gerf(0, "norm_coupled").cautions().empty());
  EXPECT_EQ(gerf(-0.1, "norm_coupled").cautions().size(), 1U);
  EXPECT_TRUE(gerf(-0.1, "orthogonal").cautions().empty());
  const Estimator losing(make_kernel("softmax"), make_features("hyperbolic"), make_coupling("simplex"));
  ASSERT_EQ(losing.cautions().size(), 1U);
  EXPECT_NE(losing.cautions().front().find("'hyperbolic' with the coupling 'simplex'"), std::string::npos);
}

}  // namespace
}  // namespace bochner
