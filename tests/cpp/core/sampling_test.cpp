#include "core/sampling.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <numbers>
#include <stdexcept>
#include <vector>

#include "core/moments.h"

namespace bochner {
namespace {

Stream test_stream(std::uint64_t index = 0) { return {7, Purpose::kData, index}; }

std::vector<double> normals(Stream stream, std::size_t count) {
  std::vector<double> values(count);
  fill_normal(stream, values);
  return values;
}

// The distance of a sample mean from its expectation in standard errors of the known variance of one term.
double z_score(const Moments& sample, double expected, double variance) {
  return (sample.mean() - expected) / std::sqrt(variance / static_cast<double>(sample.count()));
}

TEST(Normal, IsBoxMullerOfTheStream) {
  constexpr std::size_t kPairs = 50000;
  const std::vector<double> values = normals(test_stream(), 2 * kPairs);
  Stream uniforms = test_stream();
  for (std::size_t k = 0; k < kPairs; ++k) {
    const long double radius = std::sqrt(-2 * std::log(1 - static_cast<long double>(uniforms.uniform())));
    const long double angle = 2 * std::numbers::pi_v<long double> * static_cast<long double>(uniforms.uniform());
    // A few roundings of 1.1e-16, relative to the radius: of logarithm, root, angle, series and product.
    const auto tolerance = static_cast<double>(5e-16L * radius);
    ASSERT_NEAR(values[2 * k], static_cast<double>(radius * std::cos(angle)), tolerance) << k;
    ASSERT_NEAR(values[2 * k + 1], static_cast<double>(radius * std::sin(angle)), tolerance) << k;
  }
}

TEST(Normal, ElementDependsOnlyOnStreamAndPosition) {
  const std::vector<double> all = normals(test_stream(), 300);
  for (const std::size_t count : {1U, 2U, 3U, 127U, 128U, 129U, 130U, 255U, 256U, 257U}) {
    Stream stream = test_stream(), words = test_stream();
    std::vector<double> values(count);
    fill_normal(stream, values);
    EXPECT_EQ(values, std::vector<double>(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(count)));
    for (std::size_t i = 0; i < count + count % 2; ++i) words.next();
    EXPECT_EQ(stream.next(), words.next()) << count;
  }
}

TEST(Normal, SingleIsTheFirstOfItsPair) {
  Stream stream = test_stream();
  const std::vector<double> all = normals(stream, 6);
  for (const std::size_t i : {0U, 2U, 4U}) EXPECT_EQ(normal(stream), all[i]);
}

TEST(Normal, EmptySpanUsesNothing) {
  Stream stream = test_stream(), untouched = test_stream();
  fill_normal(stream, {});
  EXPECT_EQ(stream.next(), untouched.next());
}

TEST(Normal, HasTheMomentsOfItsLaw) {
  const std::vector<double> values = normals(test_stream(), 400000);
  std::array<Moments, 4> powers;
  Moments product, product_of_squares;
  for (std::size_t i = 0; i < values.size(); ++i) {
    double power = 1;
    for (Moments& moments : powers) moments.add(power *= values[i]);
    if (i % 2 == 0) continue;
    const double within_pair = values[i - 1] * values[i];
    product.add(within_pair);
    product_of_squares.add(within_pair * within_pair);
  }
  // Var x^k = (2k - 1)!! - (E x^k)^2.
  EXPECT_LT(std::abs(z_score(powers[0], 0, 1)), 4.5);
  EXPECT_LT(std::abs(z_score(powers[1], 1, 2)), 4.5);
  EXPECT_LT(std::abs(z_score(powers[2], 0, 15)), 4.5);
  EXPECT_LT(std::abs(z_score(powers[3], 3, 96)), 4.5);
  EXPECT_LT(std::abs(z_score(product, 0, 1)), 4.5);
  EXPECT_LT(std::abs(z_score(product_of_squares, 1, 8)), 4.5);
}

// The sum of logarithms, one by one, in long double; 4096 would underflow as a single product.
TEST(Chi, IsTheFormulaOnTheStream) {
  for (const Index dim : {1, 2, 3, 15, 31, 32, 33, 34, 35, 64, 65, 4096}) {
    Stream stream = test_stream(), uniforms = test_stream();
    long double square = 0;
    for (Index i = 0; i < dim / 2; ++i) square -= 2 * std::log(1 - static_cast<long double>(uniforms.uniform()));
    if (dim % 2 == 1) square += std::pow(static_cast<long double>(normal(uniforms)), 2);
    EXPECT_NEAR(chi(stream, dim) / static_cast<double>(std::sqrt(square)), 1, 1e-15) << dim;
    EXPECT_EQ(stream.next(), uniforms.next()) << dim;
  }
}

TEST(Chi, ManyAreThoseOneByOne) {
  for (const Index dim : {1, 2, 3, 16, 33, 4096}) {
    for (const std::size_t count : {0U, 1U, 31U, 32U, 33U, 600U}) {
      Stream stream = test_stream(), one_by_one = test_stream();
      std::vector<double> norms(count), expected(count);
      fill_chi(stream, dim, norms);
      for (double& norm : expected) norm = chi(one_by_one, dim);
      EXPECT_EQ(norms, expected) << dim << ", " << count;
      EXPECT_EQ(stream.next(), one_by_one.next()) << dim << ", " << count;
    }
  }
}

TEST(Chi, HasTheMomentsOfItsLaw) {
  for (const Index dim : {1, 2, 3, 7, 16, 33, 64}) {
    Moments first, second;
    Stream stream = test_stream(static_cast<std::uint64_t>(dim));
    for (int i = 0; i < 50000; ++i) {
      const double value = chi(stream, dim);
      first.add(value);
      second.add(value * value);
    }
    const auto d = static_cast<double>(dim);
    const double mean = std::sqrt(2) * std::exp(std::lgamma((d + 1) / 2) - std::lgamma(d / 2));
    EXPECT_LT(std::abs(z_score(first, mean, d - mean * mean)), 4.5) << dim;
    EXPECT_LT(std::abs(z_score(second, d, 2 * d)), 4.5) << dim;
  }
}

TEST(Chi, DimensionZeroIsAnError) {
  Stream stream = test_stream();
  try {
    chi(stream, 0);
    FAIL() << "expected an exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "chi: dim is 0; expected at least 1");
  }
}

TEST(Sphere, IsUniform) {
  for (const std::size_t dim : {1U, 2U, 3U, 8U}) {
    std::vector<Moments> first(dim), second(dim), fourth(dim);
    Stream stream = test_stream(dim);
    std::vector<double> direction(dim);
    for (int i = 0; i < 20000; ++i) {
      fill_sphere(stream, direction);
      double square = 0;
      for (std::size_t j = 0; j < dim; ++j) {
        const double power = direction[j] * direction[j];
        square += power;
        first[j].add(direction[j]);
        second[j].add(power);
        fourth[j].add(power * power);
      }
      ASSERT_NEAR(square, 1, 1e-15 * static_cast<double>(dim));
    }
    const auto d = static_cast<double>(dim);
    const double m2 = 1 / d, m4 = 3 * m2 / (d + 2), m8 = 35 * m4 / ((d + 4) * (d + 6));
    for (std::size_t j = 0; j < dim; ++j) {
      EXPECT_LT(std::abs(z_score(first[j], 0, m2)), 4.5);
      if (dim == 1) continue;  // all squares are 1
      EXPECT_LT(std::abs(z_score(second[j], m2, m4 - m2 * m2)), 4.5);
      EXPECT_LT(std::abs(z_score(fourth[j], m4, m8 - m4 * m4)), 4.5);
    }
  }
}

TEST(Sphere, IsTheNormalVectorDividedByItsNorm) {
  Stream stream = test_stream();
  const std::vector<double> gaussian = normals(stream, 3);
  std::vector<double> direction(3);
  fill_sphere(stream, direction);
  const double norm = std::hypot(gaussian[0], gaussian[1], gaussian[2]);
  for (std::size_t j = 0; j < 3; ++j) EXPECT_NEAR(direction[j], gaussian[j] / norm, 1e-15);
}

TEST(Sphere, EmptySpanIsAnError) {
  Stream stream = test_stream();
  try {
    fill_sphere(stream, {});
    FAIL() << "expected an exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "fill_sphere: direction.size() is 0; expected at least 1");
  }
}

}  // namespace
}  // namespace bochner
