#include "core/check.h"

#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

template <class Error>
std::string message_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(Check, FiniteNamesTheFirstOffender) {
  Matrix<double> values = Matrix<double>::Ones(4, 2);
  require_finite(values, "transform", "X");
  values(3, 1) = -kNaN;
  EXPECT_EQ(message_of<std::domain_error>([&] { require_finite(values, "transform", "X"); }),
            "transform: X[3, 1] is nan; expected finite values");
  values(2, 0) = -kInfinity;
  EXPECT_EQ(message_of<std::domain_error>([&] { require_finite(values, "transform", "X"); }),
            "transform: X[2, 0] is -inf; expected finite values");
}

TEST(Check, FiniteTakesViewsFloatsAndVectors) {
  Matrix<float> values = Matrix<float>::Constant(3, 3, std::numeric_limits<float>::max());
  require_finite(values, "gram", "Y");
  require_finite(Matrix<float>(0, 3), "gram", "Y");
  values(1, 2) = std::numeric_limits<float>::infinity();
  const MatrixView<float> view = values.bottomRightCorner(2, 2);
  EXPECT_EQ(message_of<std::domain_error>([&] { require_finite(view, "gram", "Y"); }),
            "gram: Y[0, 1] is inf; expected finite values");
  Vector<double> weights = Vector<double>::Zero(5);
  weights(4) = kNaN;
  EXPECT_EQ(message_of<std::domain_error>([&] { require_finite(weights, "bias", "weights"); }),
            "bias: weights[4] is nan; expected finite values");
}

TEST(Check, Positive) {
  require_positive(1e-300, "gaussian", "bandwidth");
  for (const auto& [value, text] :
       std::vector<std::pair<double, std::string>>{{-1.5, "-1.5"}, {0, "0"}, {kNaN, "nan"}, {kInfinity, "inf"}}) {
    EXPECT_EQ(message_of<std::domain_error>([&, value = value] { require_positive(value, "gaussian", "bandwidth"); }),
              "gaussian: bandwidth is " + text + "; expected a finite positive number");
  }
}

TEST(Check, Sizes) {
  require_at_least(1, 1, "draw", "m");
  require_rows(1, "transform", "X");
  require_columns(3, 3, "transform", "X");
  EXPECT_EQ(message_of<std::invalid_argument>([] { require_at_least(0, 1, "draw", "m"); }),
            "draw: m is 0; expected at least 1");
  EXPECT_EQ(message_of<std::invalid_argument>([] { require_rows(0, "transform", "X"); }),
            "transform: X has no rows; expected at least 1");
  EXPECT_EQ(message_of<std::invalid_argument>([] { require_columns(5, 3, "transform", "X"); }),
            "transform: X has 5 columns; expected 3");
}

TEST(Check, SameShape) {
  const Matrix<double> a(2, 3), b(4, 3), c(2, 4);
  require_same_shape(a, a, "law", "X", "Y");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { require_same_shape(a, b, "law", "X", "Y"); }),
            "law: X has shape (2, 3) and Y has shape (4, 3); expected equal shapes");
  EXPECT_EQ(message_of<std::invalid_argument>([&] { require_same_shape(a, c, "law", "X", "Y"); }),
            "law: X has shape (2, 3) and Y has shape (2, 4); expected equal shapes");
}

TEST(Check, NearestNameForgivesAThirdOfTheLetters) {
  const std::vector<std::string> known = {"iid", "orthogonal", "simplex"};
  EXPECT_EQ(nearest_name("orthogonl", known), "orthogonal");
  EXPECT_EQ(nearest_name("Orthagonal", known), "orthogonal");
  EXPECT_EQ(nearest_name("iddd", known), "");
  EXPECT_EQ(nearest_name("idd", known), "iid");
  EXPECT_EQ(nearest_name("simple", known), "simplex");
  EXPECT_EQ(nearest_name("", known), "");
  EXPECT_EQ(nearest_name("halton", known), "");
  EXPECT_EQ(nearest_name("iid", {}), "");
}

TEST(Check, UnknownNameListsWhatIsKnown) {
  const std::vector<std::string> known = {"iid", "orthogonal"};
  EXPECT_STREQ(unknown_name("coupling", "orthogonl", known).what(),
               "unknown coupling 'orthogonl'; did you mean 'orthogonal'? known: iid, orthogonal");
  EXPECT_STREQ(unknown_name("coupling", "halton", known).what(), "unknown coupling 'halton'; known: iid, orthogonal");
}

}  // namespace
}  // namespace bochner
