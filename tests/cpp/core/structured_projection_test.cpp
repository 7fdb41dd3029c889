#include "core/structured_projection.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <functional>
#include <limits>
#include <memory>
#include <numeric>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/sampling.h"

namespace bochner {
namespace {

template <class Scalar>
Matrix<Scalar> random(Index rows, Index cols, std::uint64_t index) {
  Stream stream(3, Purpose::kData, index);
  Matrix<Scalar> values(rows, cols);
  for (auto& value : values.reshaped()) value = static_cast<Scalar>(stream.uniform() - 0.5);
  return values;
}

Matrix<double> sylvester(Index size) {
  return Matrix<double>::NullaryExpr(size, size, [](Index i, Index j) {
    return std::popcount(static_cast<std::uint64_t>(i & j)) % 2 == 0 ? 1.0 : -1.0;
  });
}

Vector<double> signs(Stream& stream, Index size) {
  Vector<double> values(size);
  for (Index first = 0; first < size; first += 64) {
    const std::uint64_t word = stream.next();
    for (Index j = first; j < std::min(size, first + 64); ++j) values(j) = (word >> (j - first) & 1) != 0 ? -1 : 1;
  }
  return values;
}

Index padded(Index dim) { return static_cast<Index>(std::bit_ceil(static_cast<std::uint64_t>(dim))); }

Vector<double> some_norms(Index m) { return Vector<double>::LinSpaced(m, 0.5, 2.0); }

/// The rows of independent stacks, each scaled to its norm, as written in the header.
Matrix<double> rows_of_stacks(const std::function<Matrix<double>()>& stack, Index dim, const Vector<double>& norms) {
  Matrix<double> W(norms.size(), dim);
  for (Index first = 0; first < W.rows(); first += padded(dim)) {
    const Matrix<double> left = stack().leftCols(dim);
    for (Index i = first; i < std::min(W.rows(), first + padded(dim)); ++i) {
      const auto row = left.row(i - first);
      W.row(i) = row.norm() > 1e-9 ? Matrix<double>(norms(i) * row / row.norm()) : Matrix<double>::Zero(1, dim);
    }
  }
  return W;
}

Matrix<double> naive_hadamard(Stream& stream, Index dim, Index blocks, const Vector<double>& norms) {
  const Index size = padded(dim);
  const auto stack = [&] {
    Matrix<double> product = Matrix<double>::Identity(size, size);
    for (Index t = 0; t < blocks; ++t) product = product * sylvester(size) * signs(stream, size).asDiagonal();
    return product;
  };
  return rows_of_stacks(stack, dim, norms);
}

Matrix<double> naive_fastfood(Stream& stream, Index dim, const Vector<double>& norms) {
  const Index size = padded(dim);
  const auto stack = [&] {
    const Vector<double> B = signs(stream, size);
    Vector<double> G(size);
    fill_normal(stream, {G.data(), static_cast<std::size_t>(size)});
    std::vector<Index> sources(static_cast<std::size_t>(size));
    std::iota(sources.begin(), sources.end(), Index{0});
    for (std::size_t j = sources.size(); j > 1; --j) std::swap(sources[j - 1], sources[stream.below(j)]);
    Matrix<double> permutation = Matrix<double>::Zero(size, size);
    for (Index j = 0; j < size; ++j) permutation(j, sources[static_cast<std::size_t>(j)]) = 1;
    return Matrix<double>(sylvester(size) * G.asDiagonal() * permutation * sylvester(size) * B.asDiagonal());
  };
  return rows_of_stacks(stack, dim, norms);
}

/// A structured projection and what it should be.
struct Case {
  std::shared_ptr<const Projection> projection;
  Matrix<double> W;
  std::string name;
};

std::vector<Case> cases() {
  std::vector<Case> found;
  for (const Index dim : {1, 2, 3, 4, 5, 8, 16, 17, 64, 100}) {
    for (const Index m : {Index{1}, dim, padded(dim), padded(dim) + 1, 3 * padded(dim) + 2}) {
      const Stream name(9, Purpose::kFrequencies, static_cast<std::uint64_t>(100 * dim + m));
      const std::string size = " " + std::to_string(m) + " x " + std::to_string(dim);
      for (const Index blocks : {1, 2, 3}) {
        Stream ours = name, naive = name;
        auto projection = hadamard_projection(ours, dim, blocks, some_norms(m));
        Matrix<double> W = naive_hadamard(naive, dim, blocks, some_norms(m));
        EXPECT_EQ(ours.next(), naive.next());
        found.push_back({std::move(projection), std::move(W), "hadamard " + std::to_string(blocks) + size});
      }
      Stream ours = name, naive = name;
      auto projection = fastfood_projection(ours, dim, some_norms(m));
      found.push_back({std::move(projection), naive_fastfood(naive, dim, some_norms(m)), "fastfood" + size});
    }
  }
  return found;
}

template <class Scalar>
class StructuredProjectionOf : public testing::Test {};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(StructuredProjectionOf, Scalars);

/// At most 3 Hadamard matrices of at most 2^7 columns: 3 * 7 stages of additions and 4 products. The intermediate
/// vectors are as long as the result of a whole stack, sqrt(P) times a row, and those of Fastfood by the largest normal
/// number longer; 40 covers it.
template <class Scalar>
double bound(const Matrix<double>& in, double norm, Index size) {
  return 40 * double(std::numeric_limits<Scalar>::epsilon()) * in.rowwise().norm().maxCoeff() * norm *
         std::sqrt(double(size));
}

TYPED_TEST(StructuredProjectionOf, ApplyIsTheNaiveProduct) {
  using Scalar = TypeParam;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(c.projection->rows(), c.W.rows());
    EXPECT_EQ(c.projection->dim(), c.W.cols());
    EXPECT_LE((c.projection->matrix() - c.W).cwiseAbs().maxCoeff(), 1e-12);
    const Matrix<Scalar> X = random<Scalar>(5, c.W.cols(), 1);
    const auto& wide = X.template cast<double>();
    Matrix<Scalar> U(5, c.W.rows());
    c.projection->apply(X, U);
    EXPECT_LE((U.template cast<double>() - wide * c.W.transpose()).cwiseAbs().maxCoeff(),
              bound<Scalar>(wide, 2, c.W.cols()));
  }
}

TYPED_TEST(StructuredProjectionOf, ApplyTransposeIsTheNaiveAdjoint) {
  using Scalar = TypeParam;
  for (const Case& c : cases()) {
    SCOPED_TRACE(c.name);
    const Matrix<Scalar> U = random<Scalar>(5, c.W.rows(), 1);
    const auto& wide = U.template cast<double>();
    Matrix<Scalar> X(5, c.W.cols());
    c.projection->apply_transpose(U, X);
    EXPECT_LE((X.template cast<double>() - wide * c.W).cwiseAbs().maxCoeff(), bound<Scalar>(wide, 2, c.W.rows()));
  }
}

// A row of the result depends on its point only, however many come with it: blocks of points are not seen.
TYPED_TEST(StructuredProjectionOf, RowsDoNotDependOnOthers) {
  using Scalar = TypeParam;
  for (const Index dim : {3, 64, 100}) {
    const Matrix<Scalar> X = random<Scalar>(300, dim, 2);
    Stream stream(9, Purpose::kFrequencies, 0);
    for (const auto& projection : {hadamard_projection(stream, dim, 3, some_norms(2 * padded(dim) + 1)),
                                   fastfood_projection(stream, dim, some_norms(2 * padded(dim) + 1))}) {
      Matrix<Scalar> U(300, projection->rows()), alone(1, projection->rows());
      projection->apply(X, U);
      Matrix<Scalar> back(300, dim), back_alone(1, dim);
      projection->apply_transpose(U, back);
      for (const Index i : {0, 1, 127, 128, 299}) {
        projection->apply(X.row(i), alone);
        EXPECT_EQ(alone, U.row(i));
        projection->apply_transpose(U.row(i), back_alone);
        EXPECT_EQ(back_alone, back.row(i));
      }
    }
  }
}

TEST(StructuredProjection, RowsHaveTheirNormsAndStacksOfHadamardAreOrthogonal) {
  Stream stream(9, Purpose::kFrequencies, 0);
  for (const Index blocks : {1, 2, 3}) {
    const Matrix<double> W = hadamard_projection(stream, 32, blocks, Vector<double>::Constant(64, 3.0))->matrix();
    const Matrix<double> expected = 9 * Matrix<double>::Identity(32, 32);
    EXPECT_LE((W.topRows(32) * W.topRows(32).transpose() - expected).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_LE((W.bottomRows(32) * W.bottomRows(32).transpose() - expected).cwiseAbs().maxCoeff(), 1e-13);
    EXPECT_GT((W.topRows(32) - W.bottomRows(32)).cwiseAbs().maxCoeff(), 0.5);
  }
  for (const Index dim : {20, 32}) {
    const Vector<double> norms = some_norms(100);
    EXPECT_LE((fastfood_projection(stream, dim, norms)->matrix().rowwise().norm() - norms).cwiseAbs().maxCoeff(),
              1e-12);
  }
}

// Fastfood's directions are exactly uniform: of the first entry s of the last row, E s^2 = 1/d and E s^4 = 3/(d (d +
// 2)), for padded dimensions too. The entry of a Hadamard product with k = 1 is +-1/sqrt(d), always: it fails.
TEST(StructuredProjection, DirectionsOfFastfoodAreUniform) {
  for (const Index dim : {4, 6}) {
    const double d = double(dim);
    constexpr int kDraws = 20000;
    double sum2 = 0, sum4 = 0, sum8 = 0;
    for (int t = 0; t < kDraws; ++t) {
      Stream stream(5, Purpose::kFrequencies, static_cast<std::uint64_t>(t));
      const double s2 = std::pow(
          fastfood_projection(stream, dim, Vector<double>::Ones(padded(dim)))->matrix()(padded(dim) - 1, 0), 2);
      sum2 += s2;
      sum4 += s2 * s2;
      sum8 += s2 * s2 * s2 * s2;
    }
    const double fourth = 3 / (d * (d + 2));
    const double z2 = (sum2 / kDraws - 1 / d) / std::sqrt((fourth - 1 / (d * d)) / kDraws);
    const double z4 = (sum4 / kDraws - fourth) / std::sqrt((sum8 / kDraws - fourth * fourth) / kDraws);
    EXPECT_LT(std::abs(z2), 4) << dim;
    EXPECT_LT(std::abs(z4), 4) << dim;
  }
}

TEST(StructuredProjection, RefusesSizesThatDoNotFit) {
  Stream stream(9, Purpose::kFrequencies, 0);
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  const Vector<double> norms = some_norms(4);
  EXPECT_EQ(message([&] { hadamard_projection(stream, 4, 0, norms); }),
            "hadamard_projection: blocks is 0; expected 1, 2 or 3");
  EXPECT_EQ(message([&] { hadamard_projection(stream, 4, 4, norms); }),
            "hadamard_projection: blocks is 4; expected 1, 2 or 3");
  EXPECT_EQ(message([&] { hadamard_projection(stream, 0, 1, norms); }),
            "hadamard_projection: dim is 0; expected at least 1");
  EXPECT_EQ(message([&] { fastfood_projection(stream, (1 << 20) + 1, norms); }),
            "fastfood_projection: dim is 1048577; expected at most 1048576");
  EXPECT_EQ(message([&] { fastfood_projection(stream, 4, Vector<double>()); }),
            "fastfood_projection: norms.size is 0; expected at least 1");
  EXPECT_THROW(fastfood_projection(stream, 4, Vector<double>::Constant(4, std::numeric_limits<double>::infinity())),
               std::domain_error);
  const auto projection = hadamard_projection(stream, 3, 3, norms);
  Matrix<float> U(2, 4), narrow(2, 3);
  EXPECT_EQ(message([&] { projection->apply(Matrix<float>::Zero(2, 4), U); }), "apply: X has 4 columns; expected 3");
  EXPECT_EQ(message([&] { projection->apply(Matrix<float>::Zero(2, 3), narrow); }),
            "apply: U has shape (2, 3) and the product has shape (2, 4); expected equal shapes");
  EXPECT_EQ(message([&] { projection->apply_transpose(narrow, narrow); }),
            "apply_transpose: U has 3 columns; expected 4");
}

}  // namespace
}  // namespace bochner
