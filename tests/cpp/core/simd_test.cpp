#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <numeric>
#include <string>
#include <vector>

#include "core/simd/functions.h"
#include "core/simd/product.h"
#include "core/simd/targets.h"
#include "core/stream.h"

namespace bochner::simd {
namespace {

// The lengths straddle the register widths (1 to 16 elements) and unrolled steps of every instruction set.
const std::vector<std::size_t> kLengths = {0, 1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 32, 33, 255, 256, 257};

template <class Scalar>
constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();
template <class Scalar>
constexpr Scalar kNan = std::numeric_limits<Scalar>::quiet_NaN();

/// Runs every test once for each instruction set of this machine and each scalar type.
template <class Scalar>
class Simd : public testing::Test {
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

  std::vector<Scalar> uniform(std::size_t count, double low, double high) {
    std::vector<Scalar> values(count);
    for (Scalar& value : values) value = static_cast<Scalar>(low + (high - low) * stream_.uniform());
    return values;
  }

  Stream stream_{20, Purpose::kData, 0};
};
using Scalars = testing::Types<float, double>;
TYPED_TEST_SUITE(Simd, Scalars);

/// Distance in units in the last place of the exact result (of the smallest subnormal, below the normal range).
template <class Scalar>
double ulps(Scalar got, long double exact) {
  const auto rounded = static_cast<Scalar>(exact);
  if (got == rounded) return 0;
  const Scalar magnitude = std::abs(rounded);
  const Scalar spacing = magnitude == 0 ? std::numeric_limits<Scalar>::denorm_min()
                                        : std::nextafter(magnitude, kInfinity<Scalar>) - magnitude;
  return static_cast<double>(std::abs(static_cast<long double>(got) - exact) / static_cast<long double>(spacing));
}

TYPED_TEST(Simd, TargetsAreNamedAndAnUnknownOneIsRefused) {
  const std::vector<std::string> targets = supported_targets();
  EXPECT_EQ(std::count(targets.begin(), targets.end(), "Unknown"), 0);
  {
    const TargetOverride target(targets.back());
    EXPECT_EQ(supported_targets(), std::vector<std::string>{targets.back()});
  }
  EXPECT_EQ(supported_targets(), targets);
  try {
    const TargetOverride target("MMX");
    FAIL();
  } catch (const std::invalid_argument& error) {
    EXPECT_NE(std::string(error.what()).find("TargetOverride: name is \"MMX\""), std::string::npos);
  }
}

TYPED_TEST(Simd, ExpKeepsItsContract) {
  using Scalar = TypeParam;
  // From where the result is 0 to where it is infinite, the dense middle, and around 0.
  const double end = std::log(static_cast<double>(std::numeric_limits<Scalar>::max())) * 1.2;
  std::vector<Scalar> arguments = this->uniform(200'000, -end, end);
  for (const double scale : {20.0, 1.0, 1e-4}) {
    const std::vector<Scalar> more = this->uniform(50'000, -scale, scale);
    arguments.insert(arguments.end(), more.begin(), more.end());
  }
  this->on_every_target([&] {
    std::vector<Scalar> values = arguments;
    exp<Scalar>(values);
    double worst = 0;
    for (std::size_t i = 0; i < values.size(); ++i) {
      worst = std::max(worst, ulps(values[i], std::exp(static_cast<long double>(arguments[i]))));
    }
    this->RecordProperty("worst_ulp_" + supported_targets().front(), std::to_string(worst));
    EXPECT_LE(worst, kExpContract<Scalar>.max_ulp);
  });
}

TYPED_TEST(Simd, ExpOfSpecialValues) {
  using Scalar = TypeParam;
  constexpr Scalar kLargest = std::numeric_limits<Scalar>::max();
  this->on_every_target([&] {
    std::vector<Scalar> values = {-kInfinity<Scalar>, -kLargest, Scalar(-1e4), kInfinity<Scalar>, kLargest,
                                  Scalar(1e4),        1,         kNan<Scalar>, -kNan<Scalar>,     -Scalar(0)};
    exp<Scalar>(values);
    for (const std::size_t i : {0U, 1U, 2U}) EXPECT_EQ(values[i], 0) << i;
    for (const std::size_t i : {3U, 4U, 5U}) EXPECT_EQ(values[i], kInfinity<Scalar>) << i;
    EXPECT_LE(ulps(values[6], std::numbers::e_v<long double>), kExpContract<Scalar>.max_ulp);
    EXPECT_TRUE(std::isnan(values[7]) && std::isnan(values[8]));
    EXPECT_EQ(values[9], 1);
  });
}

TYPED_TEST(Simd, AnElementDependsOnNothingButItself) {
  using Scalar = TypeParam;
  std::vector<Scalar> arguments = this->uniform(600, -30, 30);
  for (std::size_t i = 0; i < arguments.size(); i += 37) arguments[i] = static_cast<Scalar>(1e5 + double(i));
  this->on_every_target([&] {
    std::vector<Scalar> exps(600), sines(600), cosines(600);
    for (std::size_t i = 0; i < 600; ++i) {
      exps[i] = arguments[i];
      exp<Scalar>(std::span(exps).subspan(i, 1));
      sin_cos<Scalar>(std::span(arguments).subspan(i, 1), std::span(sines).subspan(i, 1),
                      std::span(cosines).subspan(i, 1));
    }
    for (const std::size_t start : {0U, 1U, 5U}) {
      for (const std::size_t length : kLengths) {
        const std::span<const Scalar> input = std::span(arguments).subspan(start, length);
        // One element behind the end must stay as it is.
        std::vector<Scalar> values(length + 1, 7), sin(length + 1, 7), cos(length + 1, 7);
        std::copy(input.begin(), input.end(), values.begin());
        exp<Scalar>(std::span(values).first(length));
        sin_cos<Scalar>(input, std::span(sin).first(length), std::span(cos).first(length));
        EXPECT_TRUE(std::equal(values.begin(), values.end() - 1, exps.begin() + std::ptrdiff_t(start)));
        EXPECT_TRUE(std::equal(sin.begin(), sin.end() - 1, sines.begin() + std::ptrdiff_t(start)));
        EXPECT_TRUE(std::equal(cos.begin(), cos.end() - 1, cosines.begin() + std::ptrdiff_t(start)));
        EXPECT_TRUE(values.back() == 7 && sin.back() == 7 && cos.back() == 7);
      }
    }
  });
}

TYPED_TEST(Simd, SinCosKeepsItsContract) {
  using Scalar = TypeParam;
  std::vector<Scalar> angles;
  for (const double scale : {kSinCosContract<Scalar>.highest, 100.0, 3.2, 1e-5}) {
    const std::vector<Scalar> more = this->uniform(100'000, -scale, scale);
    angles.insert(angles.end(), more.begin(), more.end());
  }
  // Next to the zeros of sine and cosine, where a relative error shows the range reduction.
  for (int quarter = 1; quarter < 24'000; quarter += 7) {
    angles.push_back(static_cast<Scalar>(quarter * std::numbers::pi / 2));
  }
  this->on_every_target([&] {
    std::vector<Scalar> sin(angles.size()), cos(angles.size());
    sin_cos<Scalar>(angles, sin, cos);
    double worst = 0;
    for (std::size_t i = 0; i < angles.size(); ++i) {
      const auto angle = static_cast<long double>(angles[i]);
      worst = std::max({worst, ulps(sin[i], std::sin(angle)), ulps(cos[i], std::cos(angle))});
    }
    this->RecordProperty("worst_ulp_" + supported_targets().front(), std::to_string(worst));
    EXPECT_LE(worst, kSinCosContract<Scalar>.max_ulp);
  });
}

TYPED_TEST(Simd, SinCosIsRightOutsideTheLibrarysRange) {
  using Scalar = TypeParam;
  const auto highest = static_cast<Scalar>(kSinCosContract<Scalar>.highest);
  const std::vector<Scalar> angles = {std::nextafter(highest, Scalar(1e9)),
                                      Scalar(-1e5),
                                      Scalar(1e7),
                                      Scalar(1e20),
                                      std::numeric_limits<Scalar>::max(),
                                      1};
  const std::vector<Scalar> bad = {kInfinity<Scalar>, -kInfinity<Scalar>, kNan<Scalar>};
  this->on_every_target([&] {
    std::vector<Scalar> sin(angles.size()), cos = angles;
    sin_cos<Scalar>(cos, sin, cos);
    for (std::size_t i = 0; i + 1 < angles.size(); ++i) {
      EXPECT_EQ(sin[i], std::sin(angles[i])) << angles[i];
      EXPECT_EQ(cos[i], std::cos(angles[i])) << angles[i];
    }
    EXPECT_NEAR(sin.back(), std::sin(1.0), 3e-7);
    std::vector<Scalar> sin_bad = bad, cos_bad(bad.size());
    sin_cos<Scalar>(sin_bad, sin_bad, cos_bad);
    for (std::size_t i = 0; i < bad.size(); ++i) EXPECT_TRUE(std::isnan(sin_bad[i]) && std::isnan(cos_bad[i])) << i;
  });
}

TYPED_TEST(Simd, SumExpRowsAreTheSums) {
  using Scalar = TypeParam;
  Matrix<Scalar> whole(3, 260);
  for (Scalar& value : whole.reshaped()) value = static_cast<Scalar>(40 * this->stream_.uniform() - 20);
  const Vector<Scalar> row{{-17, 0, 3}};
  this->on_every_target([&] {
    for (const std::size_t length : kLengths) {
      const auto X = whole.middleCols(2, static_cast<Index>(length));
      Vector<Scalar> sums = Vector<Scalar>::Constant(3, kNan<Scalar>);
      sum_exp_rows<Scalar>(X, row, sums);
      for (Index i = 0; i < 3; ++i) {
        long double sum = 0;
        // The rounding of X_il + row_i belongs to the contract, so the reference rounds as well.
        for (const Scalar x : X.row(i)) sum += std::exp(static_cast<long double>(x + row(i)));
        // Positive terms: length - 1 roundings of the sum and the contract of each term.
        const double bound =
            (double(length) + kExpContract<Scalar>.max_ulp) * double(std::numeric_limits<Scalar>::epsilon());
        EXPECT_NEAR(sums(i), double(sum), bound * double(sum)) << length;
      }
    }
  });
}

TYPED_TEST(Simd, MaxSumIsTheMaximum) {
  using Scalar = TypeParam;
  const std::vector<Scalar> a = this->uniform(257, -20, -10), b = this->uniform(257, -20, -10);
  this->on_every_target([&] {
    for (const std::size_t length : kLengths) {
      Scalar pairs = -kInfinity<Scalar>, singles = -kInfinity<Scalar>;
      for (std::size_t l = 0; l < length; ++l) {
        pairs = std::max(pairs, a[l] + b[l]);
        singles = std::max(singles, a[l]);
      }
      const std::span<const Scalar> first = std::span(a).first(length), second = std::span(b).first(length);
      EXPECT_EQ(max_sum<Scalar>(first, second), pairs) << length;
      EXPECT_EQ(max_sum<Scalar>(first, {}), singles) << length;
    }
  });
}

TYPED_TEST(Simd, ReductionsOfSpecialValues) {
  using Scalar = TypeParam;
  const Scalar inf = kInfinity<Scalar>;
  const auto sum_exp = [](const std::vector<Scalar>& a) {
    Vector<Scalar> sum(1);
    sum_exp_rows<Scalar>(Eigen::Map<const Matrix<Scalar>>(a.data(), 1, Index(a.size())), Vector<Scalar>::Zero(1), sum);
    return sum(0);
  };
  this->on_every_target([&] {
    for (const std::size_t place : {0U, 3U, 16U, 18U}) {
      std::vector<Scalar> a(19, 0);
      const std::vector<Scalar> b(19, 1);
      a[place] = kNan<Scalar>;
      EXPECT_TRUE(std::isnan(max_sum<Scalar>(a, b)));
      EXPECT_TRUE(std::isnan(sum_exp(a)));
      a[place] = -inf;
      EXPECT_EQ(max_sum<Scalar>(a, b), 1);
      EXPECT_EQ(sum_exp(a), 18);
      a[place] = inf;
      EXPECT_EQ(max_sum<Scalar>(a, b), inf);
      EXPECT_EQ(sum_exp(a), inf);
    }
    const std::vector<Scalar> nothing(3, -inf);
    EXPECT_EQ(max_sum<Scalar>(nothing, {}), -inf);
    EXPECT_EQ(sum_exp(nothing), 0);
  });
}

TYPED_TEST(Simd, LengthsThatDifferAreRefused) {
  using Scalar = TypeParam;
  std::vector<Scalar> two(2), three(3);
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  const Matrix<Scalar> X = Matrix<Scalar>::Zero(2, 3);
  Vector<Scalar> of_two(2), of_three(3);
  EXPECT_EQ(message([&] { sum_exp_rows<Scalar>(X, of_three, of_two); }),
            "sum_exp_rows: row has 3 elements; expected 2");
  EXPECT_EQ(message([&] { sum_exp_rows<Scalar>(X, of_two, of_three); }),
            "sum_exp_rows: out has 3 elements; expected 2");
  EXPECT_EQ(message([&] { max_sum<Scalar>(three, two); }), "max_sum: b has 2 elements; expected 3");
  EXPECT_EQ(message([&] { sin_cos<Scalar>(three, two, three); }), "sin_cos: sin has 2 elements; expected 3");
  EXPECT_EQ(message([&] { sin_cos<Scalar>(three, three, two); }), "sin_cos: cos has 2 elements; expected 3");
  std::vector<double> odd(3);
  EXPECT_EQ(message([&] { box_muller(odd); }), "box_muller: uniforms has 3 elements; expected an even number");
}

using SimdDouble = Simd<double>;

TEST_F(SimdDouble, BoxMullerKeepsItsContractAndItsPlaces) {
  std::vector<double> uniforms = uniform(200'000, 0, 1);
  // The ends of the range, and where the logarithm is small; whole quarters of a turn and their neighbours.
  uniforms[0] = kBoxMullerContract.lowest;
  uniforms[2] = kBoxMullerContract.highest;
  uniforms[4] = 0x1p-53;
  uniforms[6] = 0x1p-30;
  for (std::size_t eighth = 0; eighth < 8; ++eighth) {
    uniforms[9 + 6 * eighth] = double(eighth) / 8;
    uniforms[11 + 6 * eighth] = double(eighth) / 8 + 0x1p-53;
    uniforms[13 + 6 * eighth] = (double(eighth) + 1) / 8 - 0x1p-53;
  }
  on_every_target([&] {
    std::vector<double> normals = uniforms;
    box_muller(normals);
    double worst = 0;
    for (std::size_t i = 0; i < normals.size(); i += 2) {
      const long double radius = std::sqrt(-2 * std::log(1 - static_cast<long double>(uniforms[i])));
      // The rounding of 2 pi u2 belongs to the function, as in the scalar one; it is the large part of the error
      // next to the zeros of sine and cosine, hence units of the radius.
      const long double angle = 2 * std::numbers::pi_v<long double> * uniforms[i + 1];
      const double unit = std::max(double(radius), 1e-300) * std::numeric_limits<double>::epsilon();
      worst = std::max({worst, double(std::abs(normals[i] - radius * std::cos(angle))) / unit,
                        double(std::abs(normals[i + 1] - radius * std::sin(angle))) / unit});
    }
    RecordProperty("worst_ulp_" + supported_targets().front(), std::to_string(worst));
    EXPECT_LE(worst, kBoxMullerContract.max_ulp);
    for (std::size_t pairs = 0; pairs <= 17; ++pairs) {
      std::vector<double> few(uniforms.begin(), uniforms.begin() + std::ptrdiff_t(2 * pairs));
      box_muller(few);
      EXPECT_TRUE(std::equal(few.begin(), few.end(), normals.begin())) << pairs;
    }
  });
}

/// U = X W^T by the definition, and the bound d eps sum_k |X_ik W_lk| of every entry.
template <class Scalar>
void expect_product(const Matrix<Scalar>& X, const Matrix<double>& W, const Matrix<Scalar>& U) {
  using Wide = Eigen::Matrix<long double, Eigen::Dynamic, Eigen::Dynamic>;
  const Wide x = X.template cast<long double>(), w = W.template cast<Scalar>().template cast<long double>();
  const Wide exact = x * w.transpose();
  const Wide bound = (x.cwiseAbs() * w.cwiseAbs().transpose()) *
                     static_cast<long double>(double(X.cols()) * double(std::numeric_limits<Scalar>::epsilon()));
  const auto wide = U.template cast<long double>();
  EXPECT_TRUE(((wide - exact).cwiseAbs().array() <= bound.array()).all());
}

/// Random entries in (-1/2, 1/2).
template <class Rows>
Rows random_entries(Rows matrix, Stream& stream) {
  for (auto& value : matrix.reshaped()) value = static_cast<typename Rows::Scalar>(stream.uniform() - 0.5);
  return matrix;
}

TYPED_TEST(Simd, ProductIsTheProduct) {
  using Scalar = TypeParam;
  const std::vector<Index> sizes = {1, 3, 7, 8, 9, 31, 32, 33, 255, 256, 257};
  std::vector<std::array<Index, 3>> shapes;  // n, d, m
  for (const Index size : sizes) {
    for (const Index other : {1, 3, 8, 33})
      shapes.insert(shapes.end(), {{size, other, 9}, {other, size, 33}, {7, other, size}});
  }
  for (const Index n : {2, 4, 5, 6, 59, 60, 61, 66, 121}) shapes.push_back({n, 5, 64});
  for (const auto& [n, d, m] : shapes) {
    SCOPED_TRACE(std::to_string(n) + " x " + std::to_string(d) + " x " + std::to_string(m));
    const auto X = random_entries(Matrix<Scalar>(n, d), this->stream_);
    const auto W = random_entries(Matrix<double>(m, d), this->stream_);
    const auto panels = Panels<Scalar>::transpose_of(W);
    this->on_every_target([&] {
      Matrix<Scalar> U = Matrix<Scalar>::Constant(n, m, kNan<Scalar>);
      product<Scalar>(X, panels, U);
      expect_product<Scalar>(X, W, U);
    });
  }
}

TYPED_TEST(Simd, ProductOfBlocksIsTheBlockOfTheProduct) {
  using Scalar = TypeParam;
  const auto X = random_entries(Matrix<Scalar>(70, 20), this->stream_);
  const auto W = random_entries(Matrix<double>(75, 17), this->stream_);
  this->on_every_target([&] {
    Matrix<Scalar> whole(70, 75);
    product<Scalar>(X.middleCols(2, 17), Panels<Scalar>::transpose_of(W), whole);
    for (const Index rows : {1, 2, 5, 6, 7, 13}) {
      for (const Index columns : {1, 7, 16, 33, 48, 64}) {
        // Strided input and output; what surrounds the output must stay as it is.
        Matrix<Scalar> frame = Matrix<Scalar>::Constant(rows + 2, columns + 2, 7);
        product<Scalar>(X.block(3, 2, rows, 17), Panels<Scalar>::transpose_of(W.middleRows(11, columns)),
                        frame.block(1, 1, rows, columns));
        EXPECT_EQ(frame.block(1, 1, rows, columns), whole.block(3, 11, rows, columns)) << rows << " x " << columns;
        frame.block(1, 1, rows, columns).setConstant(7);
        EXPECT_TRUE((frame.array() == 7).all());
      }
    }
  });
}

// The forms that attention uses: A^T B on top of what is there, the rows of B padded or in panels.
TYPED_TEST(Simd, MultiplyTakesTransposesAndAccumulates) {
  using Scalar = TypeParam;
  for (const auto& [k, n, m] : {std::array<Index, 3>{1, 1, 1}, {64, 65, 256}, {33, 7, 70}, {64, 17, 16}, {5, 6, 130}}) {
    SCOPED_TRACE(std::to_string(k) + " x " + std::to_string(n) + " x " + std::to_string(m));
    PaddedRows<Scalar> A(k, n), B(k, m), C(n, m), transpose(m, k);
    A.top(k) = random_entries(Matrix<Scalar>(k, n), this->stream_);
    B.top(k) = random_entries(Matrix<Scalar>(k, m), this->stream_);
    transpose.top(m) = B.top(k).transpose();
    Panels<Scalar> panels(k, m);
    // In two steps, so that neither end is that of a panel.
    panels.set_transpose(transpose.row(0), transpose.stride(), 0, m / 3);
    panels.set_transpose(transpose.row(0), transpose.stride(), m / 3, m);
    const auto start = random_entries(Matrix<Scalar>(n, m), this->stream_);
    this->on_every_target([&] {
      Matrix<Scalar> from_rows = start, from_panels = start, in_parts = start;
      multiply<Scalar>(n, m, k, A.left_transpose(), B.right(), from_rows, true);
      multiply<Scalar>(n, m, k, A.left_transpose(), panels.right(), from_panels, true);
      EXPECT_EQ(from_rows, from_panels);
      const Eigen::MatrixXd exact = start.template cast<double>() +
                                    A.top(k).template cast<double>().transpose() * B.top(k).template cast<double>();
      // |start| and k products of at most 1/4.
      const double bound = double(k + 1) * (0.5 + 0.25 * double(k)) * double(std::numeric_limits<Scalar>::epsilon());
      EXPECT_LE((from_rows.template cast<double>() - exact).cwiseAbs().maxCoeff(), bound);
      // A sum cut in two has the same bits.
      const Index half = k / 2;
      multiply<Scalar>(n, m, half, A.left_transpose(), B.right(), in_parts, true);
      const LeftFactor<Scalar> rest{A.row(half), 1, A.stride()};
      multiply<Scalar>(n, m, k - half, rest, {B.row(half), B.stride(), kPanelColumns<Scalar>}, in_parts, true);
      EXPECT_EQ(in_parts, from_rows);
    });
  }
}

TYPED_TEST(Simd, RowFunctionsAreThoseOfTheirElements) {
  using Scalar = TypeParam;
  for (const Index m : {1, 3, 8, 17, 64, 257}) {
    PaddedRows<Scalar> X(5, m), out(5, m), below(5, m);
    X.top(5) = random_entries(Matrix<Scalar>(5, m), this->stream_) * Scalar{8};
    const Vector<Scalar> row = random_entries(Vector<Scalar>(5), this->stream_);
    const Vector<Scalar> column = random_entries(Vector<Scalar>(m), this->stream_) * Scalar{30};
    this->on_every_target([&] {
      Vector<Scalar> largest(5), largest_sum(5), dots(5);
      max_rows<Scalar>(X.top(5), row, column, largest);
      exp_below_largest<Scalar>(X.top(5), column, below.top(5), largest_sum);
      exp_rows<Scalar>(X.top(5), row, column, out.top(5));
      dot_rows<Scalar>(X.top(5), column, dots);
      for (Index i = 0; i < 5; ++i) {
        EXPECT_EQ(largest(i), ((X.top(5).row(i).array() + row(i)) + column.transpose().array()).maxCoeff());
        EXPECT_EQ(largest_sum(i), (X.top(5).row(i) + column.transpose()).maxCoeff());
        EXPECT_EQ(below.top(5).row(i).maxCoeff(), 1);
        const auto products =
            X.top(5).row(i).template cast<double>().cwiseProduct(column.transpose().template cast<double>());
        const double bound = double(m) * double(std::numeric_limits<Scalar>::epsilon()) * products.cwiseAbs().sum();
        EXPECT_NEAR(double(dots(i)), products.sum(), bound);
        for (Index l = 0; l < m; ++l) {
          const Scalar sum = (X.row(i)[l] + row(i)) + column(l);
          EXPECT_LE(ulps(out.row(i)[l], std::exp(static_cast<long double>(sum))), kExpContract<Scalar>.max_ulp);
          const Scalar difference = (X.row(i)[l] + column(l)) - largest_sum(i);
          EXPECT_LE(ulps(below.row(i)[l], std::exp(static_cast<long double>(difference))),
                    kExpContract<Scalar>.max_ulp);
        }
      }
      X.top(5)(3, m - 1) = kNan<Scalar>;
      max_rows<Scalar>(X.top(5), row, column, largest);
      EXPECT_TRUE(std::isnan(largest(3)) && !std::isnan(largest(4)));
      exp_below_largest<Scalar>(X.top(5), column, below.top(5), largest_sum);
      EXPECT_TRUE(std::isnan(largest_sum(3)) && !std::isnan(largest_sum(4)));
      X.top(5)(3, m - 1) = 0;
    });
  }
}

TYPED_TEST(Simd, AllFiniteSeesEveryEntryAndNothingElse) {
  using Scalar = TypeParam;
  constexpr Scalar kHuge = std::numeric_limits<Scalar>::max();
  constexpr Scalar kInfinity = std::numeric_limits<Scalar>::infinity();
  for (const Index m : {1, 3, 16, 70, 257}) {
    Matrix<Scalar> wide = Matrix<Scalar>::Constant(3, m + 2, kInfinity);
    wide.leftCols(m).setConstant(kHuge);
    Matrix<Scalar> whole = Matrix<Scalar>::Constant(3, m, -kHuge);
    this->on_every_target([&] {
      EXPECT_TRUE(all_finite<Scalar>(wide.leftCols(m)));
      EXPECT_TRUE(all_finite<Scalar>(whole));
      for (const Scalar bad : {kInfinity, -kInfinity, std::numeric_limits<Scalar>::quiet_NaN()}) {
        for (Index l = 0; l < m; ++l) {
          whole(2, l) = bad;
          EXPECT_FALSE(all_finite<Scalar>(whole)) << l;
          whole(2, l) = 0;
          wide(1, l) = bad;
          EXPECT_FALSE(all_finite<Scalar>(wide.leftCols(m))) << l;
          wide(1, l) = kHuge;
        }
      }
    });
  }
  EXPECT_TRUE(all_finite<Scalar>(Matrix<Scalar>(0, 4)));
}

TYPED_TEST(Simd, ProductRefusesShapesThatDoNotFit) {
  using Scalar = TypeParam;
  const auto B = Panels<Scalar>::transpose_of(Matrix<double>::Zero(4, 3));
  const Matrix<Scalar> X = Matrix<Scalar>::Zero(2, 3);
  Matrix<Scalar> right(2, 4), wrong(2, 5);
  EXPECT_EQ(B.rows(), 3);
  EXPECT_EQ(B.cols(), 4);
  const auto message = [](auto call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "nothing thrown";
  };
  EXPECT_EQ(message([&] { product<Scalar>(Matrix<Scalar>::Zero(2, 2), B, right); }),
            "product: X has 2 columns; expected 3");
  EXPECT_EQ(message([&] { product<Scalar>(X, B, wrong); }),
            "product: U has shape (2, 5) and X B has shape (2, 4); expected equal shapes");
  EXPECT_NE(message([&] { Panels<Scalar>::transpose_of(Matrix<double>(0, 3)); }).find("Panels: W"), std::string::npos);
  EXPECT_NE(message([&] { Panels<Scalar>::transpose_of(Matrix<double>(3, 0)); }).find("Panels: W"), std::string::npos);
  Matrix<Scalar> empty(0, 4);
  EXPECT_NO_THROW(product<Scalar>(Matrix<Scalar>::Zero(0, 3), B, empty));
  Vector<Scalar> two(2), three(3);
  EXPECT_EQ(message([&] { max_rows<Scalar>(X, two, two, two); }), "max_rows: column has 2 elements; expected 3");
  EXPECT_EQ(message([&] { exp_below_largest<Scalar>(X, three, right, two); }),
            "exp_below_largest: a row of out has 4 elements; expected 3");
  EXPECT_EQ(message([&] { exp_rows<Scalar>(X, three, three, right); }), "exp_rows: row has 3 elements; expected 2");
  EXPECT_EQ(message([&] { dot_rows<Scalar>(X, three, three); }), "dot_rows: out has 3 elements; expected 2");
}

}  // namespace
}  // namespace bochner::simd
