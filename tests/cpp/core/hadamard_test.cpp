#include "core/simd/hadamard.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

#include "core/simd/targets.h"
#include "core/stream.h"

namespace bochner::simd {
namespace {

/// Runs every test once for each instruction set of this machine and each scalar type.
template <class Scalar>
class Hadamard : public testing::Test {
 protected:
  template <class Body>
  void on_every_target(Body body) {
    ASSERT_FALSE(supported_targets().empty());
    for (const std::string& name : supported_targets()) {
      SCOPED_TRACE(name);
      const TargetOverride target(name);
      body();
    }
  }

  Matrix<Scalar> random(Index rows, Index cols) {
    Matrix<Scalar> values(rows, cols);
    for (Scalar& value : values.reshaped()) value = static_cast<Scalar>(stream_.uniform() - 0.5);
    return values;
  }

  static constexpr double kEpsilon = double(std::numeric_limits<Scalar>::epsilon());

  Stream stream_{21, Purpose::kData, 0};
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Hadamard, Scalars);

/// H_ij = (-1)^(number of common bits of i and j).
double entry(Index i, Index j) { return std::popcount(static_cast<std::uint64_t>(i & j)) % 2 == 0 ? 1 : -1; }

Matrix<double> sylvester(Index size) {
  return Matrix<double>::NullaryExpr(size, size, [](Index i, Index j) { return entry(i, j); });
}

/// Every stage errs by at most eps times the sum of all magnitudes, and so do their sums in the reference.
template <class Scalar>
double bound(const Matrix<Scalar>& X) {
  const double stages = std::log2(double(X.cols())) + 1;
  return stages * double(std::numeric_limits<Scalar>::epsilon()) * double(X.cwiseAbs().rowwise().sum().maxCoeff());
}

TYPED_TEST(Hadamard, IsTheSylvesterMatrix) {
  using Scalar = TypeParam;
  for (Index size = 1; size <= 4096; size *= 2) {
    SCOPED_TRACE(size);
    const Matrix<Scalar> X = this->random(size <= 256 ? 11 : 1, size);
    const Matrix<double> exact = X.template cast<double>() * sylvester(size);
    this->on_every_target([&] {
      Matrix<Scalar> got = X;
      hadamard<Scalar>(got);
      EXPECT_LE((got.template cast<double>() - exact).cwiseAbs().maxCoeff(), bound(X));
    });
  }
}

// Small integers are transformed without rounding, so that long rows need no matrix: a unit vector becomes a row of H,
// and twice the transform of any integers is d times them.
TYPED_TEST(Hadamard, OfLongRowsIsExactForIntegers) {
  using Scalar = TypeParam;
  for (Index size = 1; size <= kLongestHadamard; size *= 2) {
    SCOPED_TRACE(size);
    const Index one = static_cast<Index>(this->stream_.below(static_cast<std::uint64_t>(size)));
    Matrix<Scalar> integers(1, size);
    for (Scalar& value : integers.reshaped()) value = this->stream_.below(2) == 0 ? Scalar{1} : Scalar{-2};
    this->on_every_target([&] {
      Matrix<Scalar> unit = Matrix<Scalar>::Zero(1, size);
      unit(0, one) = 1;
      hadamard<Scalar>(unit);
      Index wrong = 0;
      for (Index j = 0; j < size; ++j) wrong += double(unit(0, j)) != entry(one, j);
      EXPECT_EQ(wrong, 0);
      // |H x| < 2^11, of numbers with 24 bits, keeps every partial sum of the second transform exact for 2^11 numbers.
      if (size > 2048) return;
      Matrix<Scalar> twice = integers;
      hadamard<Scalar>(twice);
      hadamard<Scalar>(twice);
      EXPECT_EQ(twice, Matrix<Scalar>(integers * static_cast<Scalar>(size)));
    });
  }
}

TYPED_TEST(Hadamard, IsAnInvolutionAndKeepsAnglesUpToTheSize) {
  using Scalar = TypeParam;
  for (Index size = 1; size <= kLongestHadamard; size *= 2) {
    SCOPED_TRACE(size);
    const Matrix<Scalar> X = this->random(2, size);
    const Matrix<double> gram = X.template cast<double>() * X.template cast<double>().transpose();
    // Rounding errors of a stage are at most eps / 2 of the norm, and random: |error| <= log2(d) eps |x|.
    const double relative = (std::log2(double(size)) + 1) * this->kEpsilon;
    this->on_every_target([&] {
      Matrix<Scalar> Z = X;
      hadamard<Scalar>(Z);
      const Matrix<double> wide = Z.template cast<double>();
      const Matrix<double> images = wide * wide.transpose() / double(size);
      EXPECT_LE((images - gram).cwiseAbs().maxCoeff(), 2 * relative * gram.diagonal().maxCoeff());
      hadamard<Scalar>(Z);
      const Matrix<double> back = Z.template cast<double>() / double(size) - X.template cast<double>();
      EXPECT_LE(back.norm(), 2 * relative * X.template cast<double>().norm());
    });
  }
}

TYPED_TEST(Hadamard, ChainAlternatesDiagonalsAndTransforms) {
  using Scalar = TypeParam;
  for (const Index size : {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096}) {
    for (const Index transforms : {1, 2, 3}) {
      SCOPED_TRACE(std::to_string(size) + " entries, " + std::to_string(transforms) + " transforms");
      // Several groups of the rows that are transformed together, and a rest.
      const Matrix<Scalar> X = this->random(11, size);
      const Matrix<Scalar> diagonals = this->random(transforms + 1, size);
      this->on_every_target([&] {
        // The same steps one by one have the same roundings.
        Matrix<Scalar> expected = X * diagonals.row(0).asDiagonal();
        for (Index t = 1; t <= transforms; ++t) {
          hadamard<Scalar>(expected);
          expected *= diagonals.row(t).asDiagonal();
        }
        Matrix<Scalar> got(11, size);
        hadamard_chain<Scalar>(X, diagonals, got);
        EXPECT_EQ(got, expected);
        Matrix<Scalar> in_place = X;
        hadamard_chain<Scalar>(in_place, diagonals, in_place);
        EXPECT_EQ(in_place, expected);
      });
    }
  }
}

TYPED_TEST(Hadamard, LeavesWhatSurroundsStridedRows) {
  using Scalar = TypeParam;
  for (const Index size : {1, 4, 32, 512}) {
    const Matrix<Scalar> X = this->random(3, size);
    const Matrix<Scalar> diagonals = this->random(2, size);
    this->on_every_target([&] {
      Matrix<Scalar> expected = X, chained(3, size);
      hadamard<Scalar>(expected);
      hadamard_chain<Scalar>(X, diagonals, chained);
      Matrix<Scalar> frame = Matrix<Scalar>::Constant(5, size + 2, 7);
      frame.block(1, 1, 3, size) = X;
      hadamard<Scalar>(frame.block(1, 1, 3, size));
      EXPECT_EQ(frame.block(1, 1, 3, size), expected);
      hadamard_chain<Scalar>(X, diagonals, frame.block(1, 1, 3, size));
      EXPECT_EQ(frame.block(1, 1, 3, size), chained);
      frame.block(1, 1, 3, size).setConstant(7);
      EXPECT_TRUE((frame.array() == 7).all());
    });
  }
}

TYPED_TEST(Hadamard, RefusesOtherSizes) {
  using Scalar = TypeParam;
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  for (const Index size : {0, 3, 6, 12, 1023, 1025}) {
    Matrix<Scalar> X = Matrix<Scalar>::Zero(1, size);
    EXPECT_EQ(message([&] { hadamard<Scalar>(X); }),
              "hadamard: X has " + std::to_string(size) + " columns; expected a power of two of at most 1048576");
  }
  Matrix<Scalar> longer = Matrix<Scalar>::Zero(1, 2 * kLongestHadamard);
  EXPECT_NE(message([&] { hadamard<Scalar>(longer); }).find("hadamard: X has 2097152 columns"), std::string::npos);

  const Matrix<Scalar> X = Matrix<Scalar>::Zero(2, 4);
  Matrix<Scalar> out(2, 4), short_out(1, 4);
  const Matrix<Scalar> two = Matrix<Scalar>::Ones(2, 4);
  EXPECT_EQ(message([&] { hadamard_chain<Scalar>(X, two.topRows(1), out); }),
            "hadamard_chain: diagonals.rows is 1; expected at least 2");
  EXPECT_EQ(message([&] { hadamard_chain<Scalar>(X, two.leftCols(3), out); }),
            "hadamard_chain: diagonals has 3 columns; expected 4");
  EXPECT_EQ(message([&] { hadamard_chain<Scalar>(X, two, short_out); }),
            "hadamard_chain: out has shape (1, 4) and X has shape (2, 4); expected equal shapes");
  EXPECT_EQ(message([&] { hadamard_chain<Scalar>(X.leftCols(3), two.leftCols(3), out.leftCols(3)); }),
            "hadamard_chain: X has 3 columns; expected a power of two of at most 1048576");
  Matrix<Scalar> empty(0, 4);
  EXPECT_NO_THROW(hadamard<Scalar>(empty));
}

}  // namespace
}  // namespace bochner::simd
