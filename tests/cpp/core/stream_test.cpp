#include "core/stream.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <set>
#include <stdexcept>
#include <vector>

namespace bochner {
namespace {

constexpr std::uint64_t kOnes = ~std::uint64_t{0};

// The file kat_vectors of Random123, lines "philox4x64 10".
TEST(Philox, KnownAnswers) {
  EXPECT_EQ(philox4x64({0, 0, 0, 0}, {0, 0}),
            (PhiloxCounter{0x16554d9eca36314c, 0xdb20fe9d672d0fdc, 0xd7e772cee186176b, 0x7e68b68aec7ba23b}));
  EXPECT_EQ(philox4x64({kOnes, kOnes, kOnes, kOnes}, {kOnes, kOnes}),
            (PhiloxCounter{0x87b092c3013fe90b, 0x438c3c67be8d0224, 0x9cc7d7c69cd777b6, 0xa09caebf594f0ba0}));
  EXPECT_EQ(philox4x64({0x243f6a8885a308d3, 0x13198a2e03707344, 0xa4093822299f31d0, 0x082efa98ec4e6c89},
                       {0x452821e638d01377, 0xbe5466cf34e90c6c}),
            (PhiloxCounter{0xa528f45403e61d95, 0x38c72dbd566e9788, 0xa5a1610e72fd18b5, 0x57bd43b5e52b7fe6}));
}

// Made with NumPy, which counts before it generates:
// numpy.random.Philox(key=42 + (3 << 64), counter=(7 << 64) + (2 << 128) - 1).random_raw(6), and Generator.random().
TEST(Stream, AgreesWithNumPy) {
  Stream words(42, Purpose::kData, 7, 2);
  constexpr std::array<std::uint64_t, 6> kWords = {0x55bfa62692fc9f9d, 0xa56f059a888fc78b, 0x7d509b00d91ad2e3,
                                                   0xfc2220925fcc1264, 0xc0bdd18e782c0881, 0x3d1fab4bee19fca3};
  for (const std::uint64_t expected : kWords) EXPECT_EQ(words.next(), expected);
  Stream uniforms(42, Purpose::kData, 7, 2);
  for (const double expected : {0x1.56fe989a4bf26p-2, 0x1.4ade0b35111f8p-1, 0x1.f5426c03646b4p-2}) {
    EXPECT_EQ(uniforms.uniform(), expected);
  }
}

TEST(Stream, WordsAreTheBlocksOfItsNameInOrder) {
  Stream stream(5, Purpose::kTilt, 11, 13);
  for (std::uint64_t position = 0; position < 3; ++position) {
    for (const std::uint64_t word : philox4x64({position, 11, 13, 0}, {5, 2})) EXPECT_EQ(stream.next(), word);
  }
}

TEST(Stream, FilledUniformsAreThoseOneByOne) {
  for (const int before : {0, 1, 2, 3, 4, 5}) {
    for (const std::size_t length : {0U, 1U, 2U, 3U, 4U, 5U, 31U, 32U, 33U, 63U, 64U, 65U, 300U}) {
      Stream stream(5, Purpose::kData, 11, 13);
      for (int i = 0; i < before; ++i) stream.next();
      Stream one_by_one = stream;
      std::vector<double> filled(length), expected(length);
      stream.fill_uniform(filled);
      for (double& value : expected) value = one_by_one.uniform();
      EXPECT_EQ(filled, expected) << before << ", " << length;
      EXPECT_EQ(stream.next(), one_by_one.next()) << before << ", " << length;
    }
  }
}

TEST(Stream, LaneIsTheSiblingAtItsBeginning) {
  Stream stream(5, Purpose::kBootstrap, 11);
  stream.next();
  Stream lane = stream.lane(3);
  Stream expected(5, Purpose::kBootstrap, 11, 3);
  for (int i = 0; i < 9; ++i) EXPECT_EQ(lane.next(), expected.next());
}

TEST(Stream, EveryPartOfTheNameMatters) {
  const std::set<std::uint64_t> words = {
      Stream(1, Purpose::kData, 2, 3).next(), Stream(9, Purpose::kData, 2, 3).next(),
      Stream(1, Purpose::kTilt, 2, 3).next(), Stream(1, Purpose::kData, 9, 3).next(),
      Stream(1, Purpose::kData, 2, 9).next(), Stream(1, Purpose::kData, 3, 2).next()};
  EXPECT_EQ(words.size(), 6U);
}

TEST(Stream, CopiesGoOnAlone) {
  Stream stream(1, Purpose::kData, 0);
  stream.next();
  Stream copy = stream;
  const std::uint64_t word = stream.next();
  stream.next();
  EXPECT_EQ(copy.next(), word);
}

TEST(Stream, UniformHasTheMomentsOfItsLaw) {
  constexpr int kDraws = 200000;
  Stream stream(1, Purpose::kData, 0);
  double first = 0, second = 0, successive = 0, previous = 0.5;
  for (int i = 0; i < kDraws; ++i) {
    const double value = stream.uniform();
    ASSERT_GE(value, 0);
    ASSERT_LT(value, 1);
    first += value - 0.5;
    second += value * value - 1.0 / 3;
    successive += (value - 0.5) * (previous - 0.5);
    previous = value;
  }
  // Variances of one term: 1/12, 1/5 - 1/9 = 4/45, (1/12)^2.
  EXPECT_LT(std::abs(first) / std::sqrt(kDraws / 12.0), 4.5);
  EXPECT_LT(std::abs(second) / std::sqrt(kDraws * 4.0 / 45), 4.5);
  EXPECT_LT(std::abs(successive) / std::sqrt(kDraws / 144.0), 4.5);
}

TEST(Stream, BelowTakesTheHighWordOfTheProduct) {
  Stream stream(1, Purpose::kData, 0);
  Stream words = stream;
  for (const std::uint64_t n : {1ULL, 2ULL, 6ULL, 1000ULL, 1ULL << 32, 1ULL << 63}) {
    const auto expected = static_cast<std::uint64_t>((detail::Uint128{words.next()} * n) >> 64);
    EXPECT_EQ(stream.below(n), expected) << n;
  }
}

// With n = 3 * 2^62 the high word of 4 q + r times n is 3 q + (0, 0, 1, 2)[r]: without rejection half of the results
// are multiples of 3.
TEST(Stream, BelowIsUnbiased) {
  constexpr int kDraws = 30000;
  constexpr std::uint64_t kRange = std::uint64_t{3} << 62;
  Stream stream(1, Purpose::kData, 0);
  std::array<int, 3> counts{};
  for (int i = 0; i < kDraws; ++i) {
    const std::uint64_t value = stream.below(kRange);
    ASSERT_LT(value, kRange);
    ++counts[value % 3];
  }
  for (const int count : counts) EXPECT_LT(std::abs(count - kDraws / 3.0) / std::sqrt(kDraws * 2.0 / 9), 4.5);
}

TEST(Stream, BelowZeroIsAnError) {
  Stream stream(1, Purpose::kData, 0);
  try {
    stream.below(0);
    FAIL() << "expected an exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "below: n is 0; expected at least 1");
  }
}

}  // namespace
}  // namespace bochner
