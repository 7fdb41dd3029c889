#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>

#include "estimators/attention/attention.h"
#include "estimators/attention/state.h"
#include "tests/cpp/estimators/attention_reference.h"

/// Attention where a denominator vanishes, a feature is zero, or the input is bad.
namespace bochner {
namespace {

using namespace attention_reference;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

TEST(AttentionEdges, CountsDenominatorsThatAreNotPositive) {
  const Inputs<double> inputs(300, 60, 16, 2, 1.7);
  const auto map = draw("trigonometric", 16, 64);
  for (const bool causal : {false, true}) {
    const Output expected = weighted_average(inputs.weights("trigonometric", *map), inputs.V, {}, causal);
    const auto result =
        attention<double>(inputs.Q, inputs.K, inputs.V, *map, {.causal = causal, .empty = EmptyRow::kZero});
    EXPECT_GT(expected.nonpositive, 0);
    EXPECT_EQ(result.denominators.nonpositive, expected.nonpositive);
    EXPECT_LE(((result.output - expected.rows).array() / (1 + expected.rows.array().abs().square())).abs().maxCoeff(),
              1e-9);
  }
}

/// features (x_0, x_1), log-scale x_2 for keys.
void plain_values(const Eigen::RowVectorXd& x, Side side, Eigen::RowVectorXd& features, double& log_scale) {
  features = x.head(2);
  log_scale = side == Side::kKey ? x(2) : 1e6;
}

TEST(AttentionEdges, OfAZeroDenominatorIsInfiniteAndNeverNaN) {
  const FunctionMap map(3, 2, Form::kValues, plain_values);
  Inputs<double> inputs(3, 2, 3, 2);
  inputs.K << 1, 0, 0, /**/ 0, 1, 0;
  inputs.V << 1, 2, /**/ 3, 2;
  inputs.Q << 1, -1, 0, /**/ 0, 0, 0, /**/ 1, 1, 0;
  const auto result = attention<double>(inputs.Q, inputs.K, inputs.V, map, {.scale = 1.0});
  EXPECT_EQ(result.denominators.nonpositive, 2);
  EXPECT_EQ(result.output(0, 0), -kInfinity);
  EXPECT_EQ(result.output(0, 1), 0);
  EXPECT_TRUE(same_bits(result.output.bottomRows(2), Rows{{0, 0}, {2, 2}}));
}

TEST(AttentionEdges, LogScalesOfValuesMayBeOfAnySize) {
  const FunctionMap map(3, 2, Form::kValues, plain_values);
  Inputs<double> inputs(1, 3, 3, 1);
  inputs.K << 1, 0, -1e5, /**/ 1, 0, -2e5, /**/ 0, 1, -1e5 + std::log(3.0);
  inputs.V << 1, 7, 5;
  inputs.Q << 1, 1, 0;
  EXPECT_NEAR(favor(inputs, map, {.scale = 1.0})(0, 0), 4, 1e-9);
}

/// Exponents 0 and minus infinity (a feature that is 0), apart for queries and keys by the sign of x; both features 0
/// at x = 0.
void exponents_by_side(const Eigen::RowVectorXd& x, Side side, Eigen::RowVectorXd& features, double& log_scale) {
  const bool first = (x(0) > 0) == (side == Side::kKey);
  features << (first && x(0) != 0 ? 0 : -kInfinity), (first || x(0) == 0 ? -kInfinity : 0);
  log_scale = 0;
}

TEST(AttentionEdges, ZeroFeaturesAndSidesOfAnAsymmetricMap) {
  const FunctionMap map(2, 2, Form::kExponents, exponents_by_side);
  Inputs<double> inputs(2, 2, 2, 1);
  inputs.K << 1, 0, /**/ -1, 0;
  inputs.V << 3, 5;
  inputs.Q << 1, 0, /**/ -1, 0;
  EXPECT_TRUE(same_bits(favor(inputs, map, {.scale = 1.0}), Rows{{5}, {3}}));
  // The first query meets no key with a common feature, and the last has none: 0 / 0.
  auto result = attention<double>(inputs.Q, inputs.K, inputs.V, map, {.causal = true, .scale = 1.0});
  EXPECT_TRUE(same_bits(result.output, Rows{{0}, {3}}));
  EXPECT_EQ(result.denominators.nonpositive, 1);
  inputs.Q(1, 0) = 0;
  result = attention<double>(inputs.Q, inputs.K, inputs.V, map, {.scale = 1.0});
  EXPECT_TRUE(same_bits(result.output, Rows{{5}, {0}}));
  EXPECT_EQ(result.denominators.nonpositive, 1);
}

/// Exponent x_0, log-scale x_1 for keys.
void plain_exponents(const Eigen::RowVectorXd& x, Side side, Eigen::RowVectorXd& features, double& log_scale) {
  features = x.head(1);
  log_scale = side == Side::kKey ? x(1) : 0;
}

// Where floats are 64 or 512 apart, sums of three depend on their order by as much; one key has the weight 1 all the
// same. The first key is on ties of both roundings, so that in the other order it exceeds its own reference; sums of
// the second with queries lie on both sides of -2^32, where the distance doubles.
TEST(AttentionEdges, OneKeyHasAllTheWeightHoweverItsExponentIsRounded) {
  const FunctionMap map(2, 1, Form::kExponents, plain_exponents);
  Inputs<float> inputs(8000, 1, 2, 1);
  inputs.Q.col(0) = -Vector<float>::LinSpaced(8000, 0, 7.5F * 7999);
  inputs.V.setConstant(3);
  for (const auto& [exponent, log_scale] : {std::pair{96.0F, -536934976.0F}, {92650.0F, -4292011250.0F}}) {
    inputs.K << exponent, log_scale;
    const auto result = attention<float>(inputs.Q, inputs.K, inputs.V, map, {.scale = 1.0});
    EXPECT_EQ(result.denominators.nonpositive, 0);
    EXPECT_TRUE((result.output.array() == 3).all()) << "log-scale " << log_scale;
  }
}

TEST(AttentionEdges, ExactOfVeryNegativeScores) {
  Inputs<double> inputs(3, 3, 1, 1);
  inputs.Q.setConstant(100);
  inputs.K << -100, -100, 100;
  inputs.V << 1, 3, 7;
  EXPECT_TRUE(same_bits(exact_attention<double>(inputs.Q, inputs.K, inputs.V, {.causal = true}), Rows{{1}, {2}, {7}}));
}

TEST(AttentionEdges, BadInputIsNamed) {
  const auto map = draw("positive", 4, 16);
  const Inputs<double> good(5, 7, 4, 2);
  const auto with = [&](auto change) {
    return [&map, &good, change] {
      Inputs<double> inputs = good;
      change(inputs);
      favor(inputs, *map);
    };
  };
  expect_message(with([](auto& in) { in.K = normal_rows(7, 5, 2); }), "attention: K has 5 columns; expected 4");
  expect_message(with([](auto& in) { in.V = normal_rows(6, 2, 2); }),
                 "attention: the number of rows of V is 6; expected 7");
  expect_message(with([](auto& in) { in.Q.resize(0, 4); }), "attention: Q has no rows; expected at least 1");
  expect_message(with([](auto& in) { in.Q(3, 1) = kNaN; }), "attention: Q[3, 1] is nan; expected finite values");
  expect_message(with([](auto& in) { in.K(6, 0) = kInfinity; }), "attention: K[6, 0] is inf; expected finite values");
  expect_message(with([](auto& in) { in.V(0, 1) = -kInfinity; }), "attention: V[0, 1] is -inf; expected finite values");
  expect_message(with([](auto& in) { in.Q = normal_rows(5, 3, 1), in.K = normal_rows(7, 3, 2); }),
                 "attention: Q has 3 columns; expected 4");
  for (const double scale : {0.0, -1.0, kNaN, kInfinity}) {
    EXPECT_THROW(favor(good, *map, {.scale = scale}), std::domain_error);
    EXPECT_THROW(AttentionState<double>(map, 2, scale), std::domain_error);
  }
  const Mask mask(6, 1);
  expect_message([&] { favor(good, *map, {.key_mask = span_of(mask)}); },
                 "attention: key_mask has 6 entries; expected 7");
  EXPECT_THROW(favor(Inputs<double>(5, 7, 4, 2, 1e200), *map), std::domain_error);
  EXPECT_THROW(exact_attention<float>(Inputs<float>(5, 7, 4, 2, 1e30).Q, Inputs<float>(5, 7, 4, 2, 1e30).K,
                                      Inputs<float>(5, 7, 4, 2).V),
               std::domain_error);
}

// ReLU takes NaN to 0, cosines have no norms: no family is trusted to carry NaN as far as the output.
TEST(AttentionEdges, EntriesThatAreNotFiniteAreNamedForEveryFormOfFeatures) {
  const AttentionOptions causal{.causal = true, .empty = EmptyRow::kZero};
  for (const char* features : {"positive", "hyperbolic", "trigonometric", "relu", "identity"}) {
    SCOPED_TRACE(features);
    const auto map = draw(features, 4, 16);
    for (const double bad : {kNaN, kInfinity, -kInfinity}) {
      Inputs<double> queries(70, 3, 4, 2), keys(5, 70, 4, 2), values(5, 70, 4, 2);
      // The first query sees no key at all, the last entry comes in the second tile.
      queries.Q(0, 3) = keys.K(69, 2) = values.V(69, 1) = bad;
      expect_message([&] { favor(queries, *map, causal); }, "attention: Q[0, 3] is ");
      for (const AttentionOptions& options : {AttentionOptions{}, causal}) {
        expect_message([&] { favor(keys, *map, options); }, "attention: K[69, 2] is ");
        expect_message([&] { favor(values, *map, options); }, "attention: V[69, 1] is ");
      }
    }
  }
  OwnedBatch<double> owned;
  const std::vector<std::shared_ptr<const FeatureMap>> maps(1, draw("positive", 8, 16));
  owned.K(OwnedBatch<double>::kKeys * 3 + 2, 1) = kNaN;
  expect_message([&] { attention<double>(owned.view(), maps); }, "attention: K[1, 1][2, 1] is nan");
  // Finite, but not times the root of the scale.
  expect_message([&] { favor(Inputs<double>(5, 7, 4, 2, 1e200), *draw("relu", 4, 16), {.scale = 1e300}); },
                 "attention: a row is NaN or infinite, or becomes so times the root of the scale");
}

TEST(AttentionEdges, BadBatchesAndStatesAreNamed) {
  OwnedBatch<double> owned;
  std::vector<std::shared_ptr<const FeatureMap>> maps(3, draw("positive", 8, 16));
  expect_message([&] { attention<double>(owned.view(), maps); }, "attention: maps has 3 feature maps; expected 1 or 2");
  auto batch = owned.view();
  batch.Q.heads = 3;
  expect_message([&] { exact_attention(batch); },
                 "exact_attention: Q has 3 heads; expected a multiple of the 2 heads of K");
  owned.K(OwnedBatch<double>::kKeys * 3 + 2, 1) = kNaN;
  expect_message([&] { uniform_attention(owned.view()); }, "uniform_attention: K[1, 1][2, 1] is nan");
  expect_message(
      [&] { exact_attention<double>(OwnedBatch<double>().view(), {}, {1, [](Index, Index) { return false; }}); },
      "stopped");

  AttentionState<double> state(maps[0], 2);
  Rows out(1, 2);
  expect_message([&] { state.query(normal_rows(1, 8, 1), out); }, "AttentionState::query: the number of keys is 0");
  expect_message([&] { state.append(normal_rows(1, 8, 1), normal_rows(2, 2, 1)); }, "append: V has 2 rows; expected 1");
  expect_message([&] { state.append(normal_rows(1, 7, 1), normal_rows(1, 2, 1)); },
                 "append: K has 7 columns; expected 8");
}

}  // namespace
}  // namespace bochner
