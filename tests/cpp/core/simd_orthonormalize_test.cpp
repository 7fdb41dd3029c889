#include "core/simd/orthonormalize.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "core/sampling.h"
#include "core/simd/targets.h"

namespace bochner::simd {
namespace {

constexpr double kEpsilon = std::numeric_limits<double>::epsilon();

using LongMatrix = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

Matrix<double> gaussian(Index rows, Index dim) {
  Stream stream(7, Purpose::kData, static_cast<std::uint64_t>(100 * rows + dim));
  Matrix<double> result(rows, dim);
  fill_normal(stream, {result.data(), static_cast<std::size_t>(result.size())});
  return result;
}

double orthonormality_error(const Matrix<double>& q) {
  const LongMatrix wide = q.cast<long double>();
  return static_cast<double>(
      (wide * wide.transpose() - LongMatrix::Identity(q.rows(), q.rows())).cwiseAbs().maxCoeff());
}

// Q is orthonormal, and the vectors are L Q with L lower triangular and its diagonal positive.
void expect_gram_schmidt(const Matrix<double>& vectors, const Matrix<double>& q) {
  const auto dim = static_cast<double>(q.cols());
  EXPECT_LE(orthonormality_error(q), kOrthonormalityError * std::sqrt(dim));
  const LongMatrix L = vectors.cast<long double>() * q.cast<long double>().transpose();
  for (Index i = 0; i < L.rows(); ++i) {
    // Backward stability: some roundings of the vector, measured 2.2.
    const double bound = 4 * kEpsilon * vectors.row(i).norm();
    EXPECT_GE(L(i, i), -bound) << i;
    for (Index j = i + 1; j < L.cols(); ++j) EXPECT_LE(std::abs(static_cast<double>(L(i, j))), bound) << i << ", " << j;
  }
}

template <class Body>
void on_every_target(const Body& body) {
  for (const std::string& name : supported_targets()) {
    SCOPED_TRACE(name);
    const TargetOverride target(name);
    body();
  }
}

TEST(Orthonormalize, EveryBlockIsGramSchmidt) {
  on_every_target([] {
    for (const auto& [rows, dim] : std::vector<std::pair<Index, Index>>{{1, 1},
                                                                        {3, 1},
                                                                        {1, 5},
                                                                        {2, 2},
                                                                        {5, 3},
                                                                        {8, 8},
                                                                        {9, 8},
                                                                        {7, 9},
                                                                        {16, 16},
                                                                        {64, 16},
                                                                        {150, 16},
                                                                        {31, 33},
                                                                        {70, 32},
                                                                        {64, 64},
                                                                        {5, 300},
                                                                        {129, 130}}) {
      SCOPED_TRACE(std::to_string(rows) + " x " + std::to_string(dim));
      const Matrix<double> vectors = gaussian(rows, dim);
      Matrix<double> q = vectors;
      orthonormalize_blocks(q);
      for (Index start = 0; start < rows; start += dim) {
        const Index size = std::min(dim, rows - start);
        const Matrix<double> block = q.middleRows(start, size);
        expect_gram_schmidt(vectors.middleRows(start, size), block);
        Matrix<double> alone = vectors.middleRows(start, size);
        orthonormalize_blocks(alone);
        EXPECT_EQ(alone, block);
      }
    }
  });
}

TEST(Orthonormalize, AlmostDependentAndZeroRowsBecomeOrthonormal) {
  on_every_target([] {
    Matrix<double> vectors = gaussian(10, 12);
    vectors.row(3) = vectors.row(1) + 1e-14 * vectors.row(3);
    vectors.row(5).setZero();
    vectors.row(7) = vectors.row(2);
    vectors.row(8) *= 1e100;
    vectors.row(9) *= 1e-100;
    Matrix<double> q = vectors;
    orthonormalize_blocks(q);
    expect_gram_schmidt(vectors, q);
    Matrix<double> zero = Matrix<double>::Zero(3, 3);
    orthonormalize_blocks(zero);
    EXPECT_LE(orthonormality_error(zero), kOrthonormalityError);
  });
}

TEST(Orthonormalize, StridedRowsLeaveTheirSurroundings) {
  on_every_target([] {
    const Matrix<double> vectors = gaussian(9, 5);
    Matrix<double> alone = vectors, frame = Matrix<double>::Constant(11, 8, 7);
    orthonormalize_blocks(alone);
    frame.block(1, 2, 9, 5) = vectors;
    orthonormalize_blocks(frame.block(1, 2, 9, 5));
    EXPECT_EQ(frame.block(1, 2, 9, 5), alone);
    frame.block(1, 2, 9, 5).setConstant(7);
    EXPECT_TRUE((frame.array() == 7).all());
    Matrix<double> empty(0, 3);
    EXPECT_NO_THROW(orthonormalize_blocks(empty));
  });
}

}  // namespace
}  // namespace bochner::simd
