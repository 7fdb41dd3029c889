#include "core/moments.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <vector>

#include "core/sampling.h"

namespace bochner {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

struct TwoPass {
  long double mean = 0, m2 = 0, m3 = 0, m4 = 0;
};

TwoPass two_pass(std::span<const double> values) {
  TwoPass result;
  for (const double value : values) result.mean += value;
  result.mean /= static_cast<long double>(values.size());
  for (const double value : values) {
    const long double delta = value - result.mean;
    result.m2 += delta * delta;
    result.m3 += delta * delta * delta;
    result.m4 += delta * delta * delta * delta;
  }
  return result;
}

Moments moments_of(std::span<const double> values) {
  Moments moments;
  for (const double value : values) moments.add(value);
  return moments;
}

// Skewed and heavy-tailed, as estimates of positive features are.
std::vector<double> lognormals(std::size_t count) {
  Stream stream(3, Purpose::kData, count);
  std::vector<double> values(count);
  fill_normal(stream, values);
  for (double& value : values) value = std::exp(value);
  return values;
}

void expect_near(const Moments& actual, const Moments& expected, double tolerance) {
  EXPECT_EQ(actual.count(), expected.count());
  EXPECT_NEAR(actual.mean(), expected.mean(), tolerance * std::abs(expected.mean()));
  EXPECT_NEAR(actual.m2(), expected.m2(), tolerance * expected.m2());
  EXPECT_NEAR(actual.m3(), expected.m3(), tolerance * std::abs(expected.m3()));
  EXPECT_NEAR(actual.m4(), expected.m4(), tolerance * expected.m4());
}

TEST(Moments, AgreeWithTwoPasses) {
  for (const std::size_t count : {1U, 2U, 3U, 10U, 1000U, 100000U}) {
    const std::vector<double> values = lognormals(count);
    const TwoPass expected = two_pass(values);
    const Moments moments = moments_of(values);
    EXPECT_EQ(moments.count(), static_cast<Index>(count));
    // Rounding errors of n updates add up like a random walk: sqrt(1e5) * 1e-16 is 4e-14.
    constexpr double kTolerance = 1e-12;
    EXPECT_NEAR(moments.mean(), static_cast<double>(expected.mean), kTolerance);
    EXPECT_NEAR(moments.m2(), static_cast<double>(expected.m2), kTolerance * static_cast<double>(expected.m2));
    EXPECT_NEAR(moments.m3(), static_cast<double>(expected.m3),
                kTolerance * static_cast<double>(std::abs(expected.m3)));
    EXPECT_NEAR(moments.m4(), static_cast<double>(expected.m4), kTolerance * static_cast<double>(expected.m4));
  }
}

// 1, 2, 3, 4, 10: deviations -3, -2, -1, 0, 6 from the mean 4; sums of powers 50, 180, 1394.
TEST(Moments, StatisticsOfASmallSample) {
  const std::vector<double> values = {1, 2, 3, 4, 10};
  const Moments moments = moments_of(values);
  EXPECT_DOUBLE_EQ(moments.mean(), 4);
  EXPECT_DOUBLE_EQ(moments.variance(), 12.5);
  EXPECT_DOUBLE_EQ(moments.standard_error(), std::sqrt(2.5));
  EXPECT_DOUBLE_EQ(moments.skewness(), std::sqrt(5) * 180 / std::pow(50, 1.5));
  EXPECT_DOUBLE_EQ(moments.kurtosis(), 5 * 1394.0 / 2500);
}

TEST(Moments, MergeIsTheJoinedSample) {
  const std::vector<double> values = lognormals(1000);
  const std::span<const double> all(values);
  const Moments expected = moments_of(all);
  for (const std::size_t cut : {1U, 2U, 17U, 500U, 999U}) {
    Moments merged = moments_of(all.first(cut));
    merged.merge(moments_of(all.subspan(cut)));
    expect_near(merged, expected, 1e-13);
  }
}

TEST(Moments, MergeIsAssociativeAndCommutative) {
  const std::vector<double> values = lognormals(600);
  const std::span<const double> all(values);
  const Moments a = moments_of(all.first(10)), b = moments_of(all.subspan(10, 200)), c = moments_of(all.subspan(210));
  Moments left = a, right = b, reversed = c;
  left.merge(b);
  left.merge(c);
  right.merge(c);
  Moments associated = a;
  associated.merge(right);
  reversed.merge(b);
  reversed.merge(a);
  expect_near(left, associated, 1e-14);
  expect_near(left, reversed, 1e-14);
}

TEST(Moments, TheEmptySampleIsNeutral) {
  for (std::size_t count = 1; count < 60; ++count) {
    const Moments moments = moments_of(lognormals(count));
    Moments left, right = moments;
    left.merge(moments);
    right.merge(Moments());
    EXPECT_EQ(left.state(), moments.state());
    EXPECT_EQ(right.state(), moments.state());
  }
  Moments nothing;
  nothing.merge(Moments());
  EXPECT_EQ(nothing.count(), 0);
}

// Data k / 1024 + 1e9 is exact in double. The running mean is rounded to 2^-24 = 6e-8, each deviation by as much, which
// is 2e-7 of the standard deviation 0.29; sums of squares would have lost everything (1e18 * 1e-16 = 100).
TEST(Moments, ALargeOffsetCostsOnlyTheRoundingOfTheMean) {
  std::vector<double> values, shifted;
  for (int i = 0; i < 10000; ++i) {
    values.push_back((i * 389 % 1024) / 1024.0);
    shifted.push_back(1e9 + values.back());
  }
  const TwoPass expected = two_pass(values);
  const Moments added = moments_of(shifted);
  Moments merged = moments_of(std::span<const double>(shifted).first(3000));
  merged.merge(moments_of(std::span<const double>(shifted).subspan(3000)));
  for (const Moments& moments : {added, merged}) {
    EXPECT_NEAR(moments.mean() - 1e9, static_cast<double>(expected.mean), 1e-6);
    EXPECT_NEAR(moments.m2() / static_cast<double>(expected.m2), 1, 1e-6);
    EXPECT_NEAR(moments.m4() / static_cast<double>(expected.m4), 1, 1e-6);
  }
}

TEST(Moments, WhatIsUndefinedIsNaN) {
  const Moments empty;
  for (const double value :
       {empty.mean(), empty.variance(), empty.standard_error(), empty.skewness(), empty.kurtosis()}) {
    EXPECT_TRUE(std::isnan(value));
  }
  const Moments one = moments_of(std::vector<double>{3});
  EXPECT_EQ(one.mean(), 3);
  EXPECT_TRUE(std::isnan(one.variance()));
  EXPECT_TRUE(std::isnan(one.standard_error()));
  const Moments constant = moments_of(std::vector<double>(10, 0.1));
  EXPECT_EQ(constant.variance(), 0);
  EXPECT_TRUE(std::isnan(constant.skewness()));
  EXPECT_TRUE(std::isnan(constant.kurtosis()));
}

TEST(Moments, ANaNIsNotHidden) {
  const Moments moments = moments_of(std::vector<double>{1, kNaN, 2});
  EXPECT_TRUE(std::isnan(moments.mean()));
  EXPECT_TRUE(std::isnan(moments.variance()));
}

TEST(Moments, StateIsEverything) {
  const std::vector<double> values = lognormals(50);
  Moments original = moments_of(values);
  Moments restored = Moments::from_state(original.state());
  EXPECT_EQ(restored.state(), original.state());
  original.add(5);
  restored.add(5);
  EXPECT_EQ(restored.state(), original.state());
}

TEST(Moments, BadStatesAreErrors) {
  for (const double count : {-1.0, 0.5, kNaN, std::numeric_limits<double>::infinity(), 1e18}) {
    EXPECT_THROW(Moments::from_state({count, 0, 0, 0, 0}), std::domain_error) << count;
  }
  EXPECT_THROW(Moments::from_state({2, 0, -1, 0, 1}), std::domain_error);
  try {
    Moments::from_state({2, 0, 1, 0, -1});
    FAIL() << "expected an exception";
  } catch (const std::domain_error& error) {
    EXPECT_STREQ(error.what(),
                 "from_state: state has n = 2.000000, M2 = 1.000000, M4 = -1.000000; expected a whole number n and M2, "
                 "M4 >= 0");
  }
}

}  // namespace
}  // namespace bochner
