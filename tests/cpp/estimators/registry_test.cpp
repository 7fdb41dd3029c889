#include "estimators/registry.h"
#include "tests/cpp/estimators/rows_and_messages.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

namespace bochner {
namespace {

TEST(Registry, NamesAndParametersRebuildAComponent) {
  const auto check = [](const auto& registered, const auto& make) {
    for (const auto& entry : registered) {
      const auto part = make(entry.name, {});
      EXPECT_EQ(part->name(), entry.name);
      EXPECT_EQ(part->parameters(), entry.defaults);
      EXPECT_TRUE(make(part->name(), part->parameters())->same_as(*part));
      EXPECT_FALSE(entry.summary.empty());
    }
  };
  check(registered_kernels(), make_kernel);
  check(registered_features(), make_features);
  check(registered_couplings(), make_coupling);
  check(registered_radial_laws(), make_radial_law);
  EXPECT_FALSE(make_kernel("gaussian", {{"bandwidth", 2}})->same_as(*make_kernel("gaussian")));
  EXPECT_EQ(make_kernel("gaussian", {{"bandwidth", 2}})->describe(), "gaussian(bandwidth=2)");
}

TEST(Registry, UnknownNamesGetNearMatches) {
  const std::string unknown = message([] { make_coupling("orthogonl"); });
  EXPECT_EQ(unknown.find("unknown coupling 'orthogonl'; did you mean 'orthogonal'? known: iid, orthogonal"), 0U);
  EXPECT_EQ(message([] { make_kernel("gaussian", {{"bandwith", 2}}); }),
            "unknown parameter of gaussian 'bandwith'; did you mean 'bandwidth'? known: bandwidth");
  EXPECT_EQ(message([] { make_kernel("gaussian", {{"bandwidth", -1}}); }),
            "gaussian: bandwidth is -1; expected a finite positive number");
}

TEST(Kernel, ValuesAreTheirClosedForms) {
  Matrix<double> X(2, 3), Y(2, 3);
  X << 0.1, -0.4, 0.7, 1, 0, -1;
  Y << 0.3, 0.2, -0.5, 0.5, 0.5, 0.5;
  for (const auto& entry : registered_kernels()) {
    const auto kernel = make_kernel(entry.name);
    if (kernel->input_range().low > -1) {
      X = X.cwiseAbs();
      Y = Y.cwiseAbs();
    }
    const Matrix<double> K = gram<double>(*kernel, X, Y);
    const Vector<double> diagonal = paired<double>(*kernel, X, Y);
    for (Index i = 0; i < 2; ++i) {
      for (Index j = 0; j < 2; ++j) {
        double expected = 0;
        if (entry.name == "softmax") expected = std::exp(X.row(i).dot(Y.row(j)));
        if (entry.name == "gaussian") expected = std::exp(-(X.row(i) - Y.row(j)).squaredNorm() / 2);
        if (entry.name == "regularized_softmax") {
          // d = 3: the mean of exp(sqrt(3) |z| c) over a uniform cosine is sinh(t)/t.
          const double t = std::sqrt(3.0) * (X.row(i) + Y.row(j)).norm();
          expected = std::exp(-(X.row(i).squaredNorm() + Y.row(j).squaredNorm()) / 2) * std::sinh(t) / t;
        }
        const Vector<double> u = X.row(i) - Y.row(j);
        const double r = u.norm(), t = std::sqrt(3.0) * r;
        if (entry.name == "laplacian_l1") expected = std::exp(-u.cwiseAbs().sum());
        if (entry.name == "laplacian_l2" || entry.name == "powered_exponential") expected = std::exp(-r);
        if (entry.name == "matern") expected = (1 + t) * std::exp(-t);
        if (entry.name == "rational_quadratic") expected = 1 / (1 + r * r / 2);
        if (entry.name == "cauchy") expected = 1 / (1 + r * r);
        if (entry.name == "product_cauchy") expected = 1 / (1 + u.array().square()).prod();
        if (entry.name == "periodic") {
          expected = std::exp(-2 * (std::numbers::pi * u.array()).sin().square().sum());
        }
        const double norms = X.row(i).norm() * Y.row(j).norm(), angle = std::acos(X.row(i).dot(Y.row(j)) / norms);
        if (entry.name == "polynomial") expected = std::pow(X.row(i).dot(Y.row(j)) + 1, 2);
        if (entry.name == "angular") expected = 1 - 2 * angle / std::numbers::pi;
        if (entry.name == "arc_cosine") {
          expected = norms * (std::sin(angle) + (std::numbers::pi - angle) * std::cos(angle)) / std::numbers::pi;
        }
        if (entry.name == "skewed_chi_squared") expected = 1;
        for (Index k = 0; k < 3; ++k) {
          const double x = X(i, k), y = Y(j, k);
          if (entry.name == "chi_squared") expected += 2 * x * y / (x + y);
          if (entry.name == "intersection") expected += std::min(x, y);
          if (entry.name == "jensen_shannon" && x > 0) {
            expected += (x * std::log2((x + y) / x) + y * std::log2((x + y) / y)) / 2;
          }
          if (entry.name == "skewed_chi_squared") expected *= 2 * std::sqrt((x + 1) * (y + 1)) / (x + y + 2);
        }
        EXPECT_NEAR(K(i, j), expected, 1e-14) << entry.name;
      }
      EXPECT_EQ(diagonal(i), K(i, i));
    }
    EXPECT_LT((gram<float>(*kernel, X.cast<float>(), Y.cast<float>()).cast<double>() - K).cwiseAbs().maxCoeff(), 1e-6);
  }
  const Matrix<double> large = Matrix<double>::Constant(1, 4, 500);
  EXPECT_EQ(gram<double>(*make_kernel("softmax"), large, large)(0, 0), std::numeric_limits<double>::infinity());
  EXPECT_EQ(gram<double>(*make_kernel("gaussian"), large, large)(0, 0), 1);
}

}  // namespace
}  // namespace bochner
