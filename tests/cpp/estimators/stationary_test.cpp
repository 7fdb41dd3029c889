#include "core/moments.h"
#include "estimators/estimator.h"
#include "estimators/frequency_laws/cauchy_coordinates.h"
#include "estimators/frequency_laws/laplace_coordinates.h"
#include "estimators/frequency_laws/periodic_coordinates.h"
#include "estimators/kernels/ard.h"
#include "estimators/kernels/composition.h"
#include "estimators/registry.h"
#include "tests/cpp/estimators/rows_and_messages.h"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

constexpr std::uint64_t kSeed = 33;

using Laws = std::vector<std::shared_ptr<const FrequencyLaw>>;

std::shared_ptr<const Kernel> kernel(const std::string& name, const Parameters& parameters = {}) {
  return make_kernel(name, parameters);
}

/// Every law of stationary kernels, with parameters on both sides of where they change.
Laws laws() {
  const auto sum = std::make_shared<SumKernel>(std::vector{
      kernel("matern"), std::shared_ptr<const Kernel>(std::make_shared<ScaledKernel>(2.5, kernel("cauchy")))});
  const auto product = std::make_shared<ProductKernel>(std::vector{kernel("gaussian"), kernel("laplacian_l2")});
  const auto mixed = std::make_shared<SumKernel>(std::vector<std::shared_ptr<const Kernel>>{
      kernel("laplacian_l1"), std::make_shared<ProductKernel>(std::vector{kernel("periodic"), kernel("gaussian")})});
  return {make_radial_law("chi"),
          make_radial_law("constant"),
          make_radial_law("student", {{"nu", 0.4}}),
          make_radial_law("student", {{"nu", 2.5}}),
          make_radial_law("gamma_mixture", {{"alpha", 0.3}}),
          make_radial_law("gamma_mixture", {{"alpha", 4}}),
          make_radial_law("stable_mixture", {{"gamma", 0.5}}),
          make_radial_law("stable_mixture", {{"gamma", 1.7}}),
          make_radial_law("stable_mixture", {{"gamma", 2}}),
          std::make_shared<CauchyCoordinatesLaw>(),
          std::make_shared<LaplaceCoordinatesLaw>(),
          std::make_shared<PeriodicCoordinatesLaw>(std::vector{0.8}),
          std::make_shared<PeriodicCoordinatesLaw>(std::vector{0.1, 0.5, 2.0}),
          sum->frequency_law(),
          product->frequency_law(),
          mixed->frequency_law()};
}

/// E cos(w.u) and Var cos(w.u) as the law says, where the constant radius knows no gap.
std::pair<double, double> moments(const FrequencyLaw& law, const Vector<double>& u) {
  const std::span<const double> point(u.data(), static_cast<std::size_t>(u.size()));
  const auto gap = law.cosine_gap(point);
  const double mean = gap ? 1 - *gap : law.isotropic()->mean(Shape::kCos, u.size(), u.squaredNorm()).value();
  return {mean, law.cosine_variance(point).value()};
}

/// z-scores of the mean and of the mean square of cos(w.u) over n frequencies; both are bounded, so they mean
/// something.
void expect_samples(const FrequencyLaw& law, const Matrix<double>& W) {
  for (const double length : {0.2, 1.0, 3.0}) {
    const Vector<double> u = length * Vector<double>::LinSpaced(3, 0.2, 0.8);
    const auto [mean, variance] = moments(law, u);
    const Vector<double> values = (W * u).array().cos();
    const auto n = static_cast<double>(W.rows());
    EXPECT_LT(std::fabs(values.mean() - mean), 4.5 * std::sqrt(variance / n)) << law.describe() << length;
    const Vector<double> squares = (values.array() - mean).square();
    const double spread = std::sqrt((squares.array() - squares.mean()).square().mean() / n);
    EXPECT_LT(std::fabs(squares.mean() - variance), 4.5 * spread) << law.describe() << length;
  }
}

constexpr Index kFrequencies = 40000;

TEST(FrequencyLaw, SamplesHaveTheMomentsItStates) {
  for (const auto& law : laws()) {
    Matrix<double> W(kFrequencies, 3);
    law->fill_independent(Stream(kSeed, Purpose::kFrequencies, 0), W);
    expect_samples(*law, W);
  }
}

TEST(FrequencyLaw, FrequenciesOfUniformNumbersHaveTheSameLaw) {
  Stream stream(kSeed, Purpose::kFrequencies, 1);
  for (const auto& law : laws()) {
    Matrix<double> W(kFrequencies, 3);
    ASSERT_GT(law->uniforms(3), 0) << law->describe();
    std::vector<double> uniforms(static_cast<std::size_t>(law->uniforms(3)));
    for (Index i = 0; i < W.rows(); ++i) {
      for (double& uniform : uniforms) uniform = open_uniform(stream);
      law->from_uniforms(uniforms, {W.row(i).data(), 3});
    }
    expect_samples(*law, W);
  }
}

TEST(FrequencyLaw, DrawnNormsAreThoseOfTheFrequencies) {
  for (const auto& law : laws()) {
    if (!law->isotropic()) continue;
    Matrix<double> W(kFrequencies, 3);
    Stream norms(kSeed, Purpose::kFrequencies, 2);
    std::vector<double> norm(kFrequencies), fewer(10);
    law->isotropic()->draw_norms(norms, 3, norm);
    Stream again(kSeed, Purpose::kFrequencies, 2);
    law->isotropic()->draw_norms(again, 3, fewer);
    EXPECT_TRUE(std::equal(fewer.begin(), fewer.end(), norm.begin())) << law->describe();
    make_radial_law("constant")->fill_independent(Stream(kSeed, Purpose::kFrequencies, 3), W);
    for (Index i = 0; i < W.rows(); ++i) W.row(i) *= norm[static_cast<std::size_t>(i)] / std::sqrt(3.0);
    expect_samples(*law, W);
  }
}

TEST(FrequencyLaw, FirstRowsOfALargerDrawAreTheSame) {
  for (const auto& law : laws()) {
    Matrix<double> large(9, 3), small(4, 3);
    law->fill_independent(Stream(kSeed, Purpose::kFrequencies, 0), large);
    law->fill_independent(Stream(kSeed, Purpose::kFrequencies, 0), small);
    EXPECT_EQ(large.topRows(4), small) << law->describe();
  }
}

/// Var cos = (1 + k(2u)) / 2 - k(u)^2 where nothing cancels.
TEST(FrequencyLaw, VarianceIsThatOfItsKernel) {
  for (const auto& law : laws()) {
    for (const double length : {0.7, 2.0, 6.0}) {
      const Vector<double> u = length * Vector<double>::LinSpaced(3, 0.3, 0.9);
      const auto [mean, variance] = moments(*law, u);
      EXPECT_NEAR(variance, (1 + moments(*law, 2 * u).first) / 2 - mean * mean, 1e-14) << law->describe();
    }
  }
}

/// At small u, with E w_1^2 and E w_1^4 of one coordinate: gap u^2 E w^2 / 2, variance u^4 (E w^4 - (E w^2)^2) / 4.
TEST(FrequencyLaw, KeepsRelativeAccuracyAtSmallArguments) {
  const Vector<double> u{{1e-5, 0, 0}};
  const std::span<const double> point(u.data(), 3);
  const auto expect = [&](const FrequencyLaw& law, double second, double fourth) {
    EXPECT_NEAR(law.cosine_gap(point).value() / (1e-10 * second / 2), 1, 1e-8) << law.describe();
    EXPECT_NEAR(law.cosine_variance(point).value() / (1e-20 * (fourth - second * second) / 4), 1, 1e-8)
        << law.describe();
  };
  expect(LaplaceCoordinatesLaw(), 2, 24);
  const double z = 1 / 0.64;  // Skellam: variance z, fourth moment 3 z^2 + z
  expect(PeriodicCoordinatesLaw({0.8}), z, 3 * z * z + z);
  expect(*make_radial_law("student", {{"nu", 5}}), 1.25, 3 * 25.0 / 12);  // E tau^2 = nu^2 / ((nu-1)(nu-2))
  expect(*make_radial_law("gamma_mixture", {{"alpha", 2}}), 1, 3 * 1.5);  // E tau^2 = 1 + 1 / alpha
  const auto sum =
      std::make_shared<SumKernel>(std::vector{kernel("gaussian"), kernel("gaussian", {{"bandwidth", 0.5}})});
  expect(*sum->frequency_law(), 2.5, 3 * 8.5);
  const auto product = std::make_shared<ProductKernel>(std::vector{kernel("gaussian"), kernel("product_cauchy")});
  expect(*product->frequency_law(), 3, 3 + 6 * 2 + 24);
}

TEST(FrequencyLaw, HeavyTailsHaveNoLawOfExponentials) {
  for (const char* radial : {"student", "gamma_mixture", "stable_mixture"}) {
    for (const char* features : {"positive", "hyperbolic"}) {
      const Estimator estimator(kernel("softmax"), make_features(features), make_coupling("orthogonal"),
                                make_radial_law(radial));
      EXPECT_FALSE(estimator.has_law());
      const std::vector<double> x{0.5, 0.2};
      EXPECT_THROW(static_cast<void>(estimator.law(x, x, 3)), NoLawError);
      EXPECT_FALSE(estimator.draw(2, 5, 0, 0)->frequencies().hasNaN());
    }
    const auto law = make_radial_law(radial);
    EXPECT_EQ(law->mean(Shape::kExp, 3, 1).value(), std::numeric_limits<double>::infinity());
    EXPECT_EQ(law->variance(Shape::kCosh, 3, 1).value(), std::numeric_limits<double>::infinity());
    EXPECT_EQ(law->mean(Shape::kExp, 3, 0).value(), 1);
  }
}

TEST(Kernel, CompositionsAreTheirDefinitions) {
  const std::vector<double> x{0.3, -0.4, 0.5}, y{0.1, 0.7, -0.2}, lengths{0.5, 2, 3};
  const auto a = kernel("matern", {{"nu", 2.5}}), b = kernel("laplacian_l1"), softmax = kernel("softmax");
  const auto value = [&](const Kernel& of) { return of.value(x, y).value(); };
  EXPECT_NEAR(value(SumKernel({a, b})), value(*a) + value(*b), 1e-15);
  EXPECT_NEAR(value(ProductKernel({a, b})), value(*a) * value(*b), 1e-15);
  EXPECT_NEAR(value(ScaledKernel(2.5, softmax)), 2.5 * value(*softmax), 1e-14);
  std::vector<double> scaled_x, scaled_y;
  for (std::size_t j = 0; j < 3; ++j) {
    scaled_x.push_back(x[j] / lengths[j]);
    scaled_y.push_back(y[j] / lengths[j]);
  }
  for (const auto& of :
       {a, b, kernel("gaussian"), std::shared_ptr<const Kernel>(std::make_shared<SumKernel>(std::vector{a, b}))}) {
    EXPECT_NEAR(value(*with_length_scales(of, lengths)), of->value(scaled_x, scaled_y).value(), 1e-15);
  }
  double periodic = 0;
  for (std::size_t j = 0; j < 3; ++j) periodic -= 2 * std::pow(std::sin(M_PI * (x[j] - y[j])) / lengths[j], 2);
  EXPECT_NEAR(value(*with_length_scales(kernel("periodic"), lengths)), std::exp(periodic), 1e-15);
}

TEST(Kernel, WhatCannotBeComposedSaysWhy) {
  const auto softmax = kernel("softmax"), gaussian = kernel("gaussian");
  EXPECT_NE(message([&] { SumKernel({gaussian, softmax}); }).find("'softmax' is not stationary"), std::string::npos);
  EXPECT_NE(message([&] { ProductKernel({softmax, gaussian}); }).find("functions of x - y"), std::string::npos);
  EXPECT_NE(message([&] { with_length_scales(softmax, {1, 2}); }).find("not stationary"), std::string::npos);
  EXPECT_EQ(message([&] { with_length_scales(gaussian, {1, -2}); }),
            "gaussian: bandwidth[1] is -2; expected a finite positive number");
  EXPECT_EQ(message([&] { ScaledKernel(0, softmax); }), "scaled: amplitude is 0; expected a finite positive number");
  EXPECT_EQ(message([] { make_kernel("matern", {{"nu", 0}}); }), "matern: nu is 0; expected a finite positive number");
  EXPECT_EQ(message([] { make_kernel("powered_exponential", {{"gamma", 2.5}}); }),
            "powered_exponential: gamma is 2.5; expected at most 2");
  EXPECT_EQ(message([] { make_kernel("periodic", {{"period", -1}}); }),
            "periodic: period is -1; expected a finite positive number");
  EXPECT_EQ(
      message([&] { Estimator(kernel("laplacian_l1"), make_features("trigonometric"), make_coupling("orthogonal")); }),
      "Estimator: the coupling 'orthogonal': the frequency law 'cauchy_coordinates' has no uniform direction; "
      "expected an isotropic one");
  const auto ard = with_length_scales(gaussian, {1, 2, 3});
  const Estimator estimator(ard, make_features("positive"), make_coupling("orthogonal"));
  const std::vector<double> two{1, 2};
  EXPECT_THROW(static_cast<void>(estimator.draw(2, 4, 0, 0)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(estimator.law(two, two, 4)), std::invalid_argument);
  EXPECT_THROW(static_cast<void>(ard->value(two, two)), std::invalid_argument);
}

}  // namespace
}  // namespace bochner
