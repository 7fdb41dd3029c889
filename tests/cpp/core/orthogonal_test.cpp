#include "core/orthogonal.h"

#include <gtest/gtest.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "core/sampling.h"

namespace bochner {
namespace {

using Sampler = std::function<Matrix<double>(Stream&, Index rows, Index dim)>;
using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Stream test_stream(std::uint64_t index = 0) { return {7, Purpose::kFrequencies, index}; }

Matrix<double> gaussian_rows(Stream& stream, Index rows, Index dim) {
  Matrix<double> gaussian(rows, dim);
  fill_normal(stream, {gaussian.data(), static_cast<std::size_t>(gaussian.size())});
  return gaussian;
}

// What many libraries do: Householder's Q as it comes.
Matrix<double> unsigned_rows(Stream& stream, Index rows, Index dim) {
  const Eigen::MatrixXd columns = gaussian_rows(stream, rows, dim).transpose();
  const Eigen::HouseholderQR<Eigen::MatrixXd> qr(columns);
  const Eigen::MatrixXd q = qr.householderQ() * Eigen::MatrixXd::Identity(dim, rows);
  return q.transpose();
}

// The frame whose row 0 is given, that direction being uniform itself.
Matrix<double> tilted_rows(Stream& stream, Index rows, Index dim) {
  Vector<double> first(dim);
  fill_normal(stream, {first.data(), static_cast<std::size_t>(dim)});
  return haar_rows_with_first(stream, first, rows);
}

// Gram-Schmidt twice in long double; its R has a positive diagonal, and that QR decomposition is unique.
LongMatrix gram_schmidt(const Matrix<double>& vectors) {
  LongMatrix result = vectors.cast<long double>();
  for (Index i = 0; i < result.rows(); ++i) {
    for (int pass = 0; pass < 2; ++pass) {
      for (Index j = 0; j < i; ++j) result.row(i) -= result.row(i).dot(result.row(j)) * result.row(j);
    }
    result.row(i).normalize();
  }
  return result;
}

double orthonormality_error(const Matrix<double>& q) {
  return (q * q.transpose() - Matrix<double>::Identity(q.rows(), q.rows())).cwiseAbs().maxCoeff();
}

// The worst |z| of the moments 1, 2, 4 over all entries of `draws` frames against those of a uniform unit vector:
// E q^(2k) = (2k - 1)!! / (d (d + 2) ... (d + 2k - 2)).
double worst_marginal_z(const Sampler& sample, Index rows, Index dim, int draws) {
  Stream stream = test_stream(static_cast<std::uint64_t>(dim));
  Eigen::ArrayXXd first = Eigen::ArrayXXd::Zero(rows, dim), second = first, fourth = first;
  for (int i = 0; i < draws; ++i) {
    const Eigen::ArrayXXd q = sample(stream, rows, dim).array();
    first += q;
    second += q.square();
    fourth += q.square().square();
  }
  const auto d = static_cast<double>(dim);
  const double m2 = 1 / d, m4 = 3 * m2 / (d + 2), m8 = 35 * m4 / ((d + 4) * (d + 6));
  const auto worst = [&](const Eigen::ArrayXXd& sums, double mean, double variance) {
    return (sums - draws * mean).abs().maxCoeff() / std::sqrt(draws * variance);
  };
  return std::max({worst(first, 0, m2), worst(second, m2, m4 - m2 * m2), worst(fourth, m4, m8 - m4 * m4)});
}

// 231 z-scores at most; P(|z| > 5) = 6e-7 each.
constexpr double kWorstZ = 5;

TEST(Haar, RowsAreOrthonormal) {
  for (const auto& [rows, dim] : std::vector<std::pair<Index, Index>>{
           {1, 1}, {1, 5}, {2, 2}, {3, 8}, {8, 8}, {31, 32}, {33, 64}, {64, 64}, {5, 300}, {129, 130}}) {
    Stream stream = test_stream();
    const Matrix<double> q = haar_rows(stream, rows, dim);
    ASSERT_EQ(q.rows(), rows);
    ASSERT_EQ(q.cols(), dim);
    EXPECT_LT(orthonormality_error(q), 1e-14) << rows << " x " << dim;
  }
}

TEST(Haar, IsGramSchmidtOfTheNormals) {
  for (const auto& [rows, dim] :
       std::vector<std::pair<Index, Index>>{{1, 1}, {1, 3}, {2, 2}, {5, 8}, {16, 16}, {60, 70}}) {
    for (std::uint64_t index = 0; index < 5; ++index) {
      Stream stream = test_stream(index), normals = test_stream(index);
      const Matrix<double> q = haar_rows(stream, rows, dim);
      const LongMatrix expected = gram_schmidt(gaussian_rows(normals, rows, dim));
      // Rounding times the condition number of the Gaussian matrix, below 1e4 for these draws.
      EXPECT_LT((q.cast<long double>() - expected).cwiseAbs().maxCoeff(), 1e-12L) << rows << " x " << dim;
      EXPECT_EQ(stream.next(), normals.next());
    }
  }
}

TEST(Haar, FewerRowsAreAPrefix) {
  Stream few = test_stream(), many = test_stream();
  const Matrix<double> prefix = haar_rows(few, 3, 8);
  EXPECT_LT((haar_rows(many, 8, 8).topRows(3) - prefix).cwiseAbs().maxCoeff(), 1e-14);
}

TEST(Haar, BlocksAreFramesOneAfterTheOther) {
  for (const auto& [rows, dim] :
       std::vector<std::pair<Index, Index>>{{1, 1}, {4, 1}, {2, 3}, {7, 3}, {9, 3}, {64, 16}}) {
    Stream stream = test_stream(), frames = test_stream();
    const Matrix<double> blocks = haar_blocks(stream, rows, dim);
    for (Index start = 0; start < rows; start += dim) {
      const Index size = std::min(dim, rows - start);
      EXPECT_EQ(blocks.middleRows(start, size), haar_rows(frames, size, dim)) << rows << " x " << dim;
    }
    EXPECT_EQ(stream.next(), frames.next()) << rows << " x " << dim;
  }
}

TEST(Haar, EveryEntryHasTheMarginalOfTheSphere) {
  for (const Index dim : {2, 3, 8}) {
    EXPECT_LT(worst_marginal_z(haar_rows, dim, dim, 20000), kWorstZ) << dim;
    EXPECT_LT(worst_marginal_z(haar_rows, dim - 1, dim, 20000), kWorstZ) << dim;
  }
}

TEST(Haar, OneDimensionIsASign) {
  Stream stream = test_stream();
  constexpr int kDraws = 10000;
  double sum = 0;
  for (int i = 0; i < kDraws; ++i) {
    const double sign = haar_rows(stream, 1, 1)(0, 0);
    ASSERT_EQ(std::abs(sign), 1);
    sum += sign;
  }
  EXPECT_LT(std::abs(sum) / std::sqrt(kDraws), 4.5);
}

TEST(Haar, Pitfall1QrWithoutSignIsNotHaar) {
  EXPECT_LT(worst_marginal_z(haar_rows, 8, 8, 20000), kWorstZ);
  EXPECT_GT(worst_marginal_z(unsigned_rows, 8, 8, 20000), 20);
}

// Rows times independent chi_d norms are Gaussian: E exp(w . z) = exp(|z|^2 / 2), per row, for z = +-(1, ..., 1) / sqrt
// d.
TEST(Haar, Pitfall1PositiveFeaturesAreUnbiasedAlongTheDiagonal) {
  constexpr int kDraws = 20000;
  const double truth = std::exp(0.5), variance = std::exp(2.0) - std::exp(1.0);
  const auto worst_z = [&](const Sampler& sample, Index dim) {
    Stream stream = test_stream(static_cast<std::uint64_t>(dim));
    Eigen::ArrayXd plus = Eigen::ArrayXd::Zero(dim), minus = plus;
    for (int i = 0; i < kDraws; ++i) {
      Eigen::ArrayXd projection = sample(stream, dim, dim).rowwise().sum() / std::sqrt(static_cast<double>(dim));
      for (double& value : projection) value *= chi(stream, dim);
      plus += projection.exp();
      minus += (-projection).exp();
    }
    const auto worst = [&](const Eigen::ArrayXd& sums) {
      return (sums - kDraws * truth).abs().maxCoeff() / std::sqrt(kDraws * variance);
    };
    return std::max(worst(plus), worst(minus));
  };
  for (const Index dim : {2, 3, 8}) {
    EXPECT_LT(worst_z(haar_rows, dim), kWorstZ) << dim;
    EXPECT_GT(worst_z(unsigned_rows, dim), 10) << dim;
  }
}

// With rows < dim the frame is orthonormal along the input coordinates; along the frequencies it cannot be.
TEST(Haar, Pitfall6FramesAreRowsNotColumns) {
  Stream stream = test_stream();
  const Matrix<double> q = haar_rows(stream, 3, 8);
  for (Index row = 0; row < 3; ++row) EXPECT_NEAR(q.row(row).norm(), 1, 1e-15);
  for (Index column = 0; column < 8; ++column) EXPECT_LT(q.col(column).norm(), 1);
}

// A norm drawn from the same stream after the frame is independent of it: no correlation of its square (variance 2 d)
// with the squared entries.
TEST(Haar, Pitfall9NormsAreIndependentOfTheDirections) {
  constexpr int kDraws = 20000;
  constexpr Index kDim = 4;
  Stream stream = test_stream();
  Eigen::ArrayXXd sums = Eigen::ArrayXXd::Zero(kDim, kDim);
  for (int i = 0; i < kDraws; ++i) {
    const Eigen::ArrayXXd squares = haar_rows(stream, kDim, kDim).array().square();
    for (Index row = 0; row < kDim; ++row) {
      const double norm = chi(stream, kDim);
      sums.row(row) += (norm * norm - kDim) * (squares.row(row) - 1.0 / kDim);
    }
  }
  const double variance = 2.0 * kDim * (3.0 / (kDim * (kDim + 2)) - 1.0 / (kDim * kDim));
  EXPECT_LT(sums.abs().maxCoeff() / std::sqrt(kDraws * variance), kWorstZ);
}

TEST(HaarWithFirst, RowZeroIsTheDirection) {
  for (const double scale : {1.0, 1e-300, 1e300, 1e-12}) {
    Vector<double> first(4);
    first << 3, -1, 0, 2;
    Stream stream = test_stream();
    const Matrix<double> q = haar_rows_with_first(stream, scale * first, 4);
    EXPECT_LT((q.row(0).transpose() - first / std::sqrt(14)).cwiseAbs().maxCoeff(), 1e-15) << scale;
    EXPECT_LT(orthonormality_error(q), 1e-14) << scale;
  }
}

TEST(HaarWithFirst, IsGramSchmidtOfTheDirectionAndTheNormals) {
  Stream stream = test_stream(), normals = test_stream();
  Matrix<double> vectors(5, 8);
  vectors.row(0) << 1, 2, 3, 4, -5, 6, 7, 8;
  vectors.bottomRows(4) = gaussian_rows(normals, 4, 8);
  const Matrix<double> q = haar_rows_with_first(stream, vectors.row(0).transpose(), 5);
  EXPECT_LT((q.cast<long double>() - gram_schmidt(vectors)).cwiseAbs().maxCoeff(), 1e-13L);
  EXPECT_EQ(stream.next(), normals.next());
}

TEST(HaarWithFirst, UniformDirectionGivesHaar) {
  for (const Index dim : {2, 3, 8}) EXPECT_LT(worst_marginal_z(tilted_rows, dim, dim, 20000), kWorstZ) << dim;
}

// Given the direction, every other row is uniform on the sphere of dimension d - 1 orthogonal to it.
TEST(HaarWithFirst, OtherRowsAreHaarInTheComplement) {
  constexpr int kDraws = 20000;
  Vector<double> first(4), across(4);
  first << 1, 1, 1, 1;
  across << 0.5, 0.5, -0.5, -0.5;
  Stream stream = test_stream();
  Eigen::Array3d sums = Eigen::Array3d::Zero(), squares = sums;
  for (int i = 0; i < kDraws; ++i) {
    const Eigen::Array3d projection = (haar_rows_with_first(stream, first, 4).bottomRows(3) * across).array();
    sums += projection;
    squares += projection.square();
  }
  const double m2 = 1.0 / 3, m4 = 3 * m2 / 5;
  EXPECT_LT(sums.abs().maxCoeff() / std::sqrt(kDraws * m2), kWorstZ);
  EXPECT_LT((squares - kDraws * m2).abs().maxCoeff() / std::sqrt(kDraws * (m4 - m2 * m2)), kWorstZ);
}

template <class Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Haar, BadArgumentsAreErrors) {
  Stream stream = test_stream();
  const Vector<double> zero = Vector<double>::Zero(3);
  Vector<double> nan = zero;
  nan(1) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_EQ(message_of<std::invalid_argument>([&] { haar_rows(stream, 0, 3); }),
            "haar_rows: rows is 0; expected at least 1");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { haar_rows(stream, 4, 3); }),
            "haar_rows: rows is 4; expected at most dim = 3");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { haar_blocks(stream, 0, 3); }),
            "haar_blocks: rows is 0; expected at least 1");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { haar_blocks(stream, 3, 0); }),
            "haar_blocks: dim is 0; expected at least 1");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { haar_rows_with_first(stream, zero, 4); }),
            "haar_rows_with_first: rows is 4; expected at most dim = 3");
  EXPECT_EQ(message_of<std::domain_error>([&] { haar_rows_with_first(stream, zero, 2); }),
            "haar_rows_with_first: first is zero; expected a direction");
  EXPECT_EQ(message_of<std::domain_error>([&] { haar_rows_with_first(stream, nan, 2); }),
            "haar_rows_with_first: first[1] is nan; expected finite values");
}

}  // namespace
}  // namespace bochner
