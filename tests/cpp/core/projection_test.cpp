#include "core/projection.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "core/stream.h"

namespace bochner {
namespace {

template <class Scalar>
Matrix<Scalar> random(Index rows, Index cols, std::uint64_t index) {
  Stream stream(3, Purpose::kData, index);
  Matrix<Scalar> values(rows, cols);
  for (auto& value : values.reshaped()) value = static_cast<Scalar>(stream.uniform() - 0.5);
  return values;
}

template <class Scalar>
class DenseProjectionOf : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(DenseProjectionOf, Scalars);

TYPED_TEST(DenseProjectionOf, ApplyIsXTimesWTransposed) {
  using Scalar = TypeParam;
  for (const Index rows : {1, 8, 33}) {
    for (const Index dim : {1, 3, 16}) {
      const Matrix<double> W = random<double>(rows, dim, 0);
      const DenseProjection projection(W);
      EXPECT_EQ(projection.rows(), rows);
      EXPECT_EQ(projection.dim(), dim);
      EXPECT_EQ(projection.matrix(), W);
      const Matrix<Scalar> X = random<Scalar>(31, dim, 1);
      Matrix<Scalar> U(31, rows);
      projection.apply(X, U);
      const Matrix<double> exact = X.template cast<double>() * W.transpose();
      // (d + 1) eps for W's rounding and the sum; the double reference errs by as much as the double product.
      const double relative = double(dim + 1) * double(std::numeric_limits<Scalar>::epsilon()) * 2;
      const Matrix<double> bound = relative * (X.template cast<double>().cwiseAbs() * W.cwiseAbs().transpose());
      EXPECT_TRUE(((U.template cast<double>() - exact).cwiseAbs().array() <= bound.array()).all());
    }
  }
}

TYPED_TEST(DenseProjectionOf, ApplyTransposeIsUTimesW) {
  using Scalar = TypeParam;
  for (const Index rows : {1, 8, 33}) {
    for (const Index dim : {1, 3, 16}) {
      const Matrix<double> W = random<double>(rows, dim, 0);
      const Matrix<Scalar> U = random<Scalar>(31, rows, 1);
      Matrix<Scalar> X(31, dim);
      DenseProjection(W).apply_transpose(U, X);
      const Matrix<double> exact = U.template cast<double>() * W;
      // As in ApplyIsXTimesWTransposed, the sum being over rows.
      const double relative = double(rows + 1) * double(std::numeric_limits<Scalar>::epsilon()) * 2;
      const Matrix<double> bound = relative * (U.template cast<double>().cwiseAbs() * W.cwiseAbs());
      EXPECT_TRUE(((X.template cast<double>() - exact).cwiseAbs().array() <= bound.array()).all());
    }
  }
}

TYPED_TEST(DenseProjectionOf, MayBeFirstUsedFromManyThreads) {
  using Scalar = TypeParam;
  const Matrix<Scalar> X = random<Scalar>(13, 5, 1);
  const Matrix<double> W = random<double>(40, 5, 0);
  Matrix<Scalar> alone(13, 40);
  DenseProjection(W).apply(X, alone);
  for (int repetition = 0; repetition < 20; ++repetition) {
    const DenseProjection projection(W);
    std::vector<Matrix<Scalar>> results(4, Matrix<Scalar>(13, 40));
    {
      std::vector<std::jthread> threads;
      for (Matrix<Scalar>& U : results) threads.emplace_back([&] { projection.apply(X, U); });
    }
    for (const Matrix<Scalar>& U : results) EXPECT_EQ(U, alone);
  }
}

TYPED_TEST(DenseProjectionOf, RefusesShapesThatDoNotFit) {
  using Scalar = TypeParam;
  const DenseProjection projection(random<double>(4, 3, 0));
  Matrix<Scalar> U(2, 4), narrow(2, 3);
  EXPECT_THROW(projection.apply(Matrix<Scalar>::Zero(2, 2), U), std::invalid_argument);
  EXPECT_THROW(projection.apply(Matrix<Scalar>::Zero(2, 3), narrow), std::invalid_argument);
}

TEST(DenseProjection, RefusesEmptyMatricesAndValuesThatAreNotFinite) {
  EXPECT_THROW(DenseProjection(Matrix<double>(0, 3)), std::invalid_argument);
  EXPECT_THROW(DenseProjection(Matrix<double>(3, 0)), std::invalid_argument);
  Matrix<double> W = Matrix<double>::Ones(2, 3);
  W(1, 2) = std::numeric_limits<double>::quiet_NaN();
  try {
    const DenseProjection projection(W);
    FAIL();
  } catch (const std::domain_error& error) {
    EXPECT_EQ(std::string(error.what()).rfind("DenseProjection: W[1, 2] is nan", 0), 0u) << error.what();
  }
}

}  // namespace
}  // namespace bochner
