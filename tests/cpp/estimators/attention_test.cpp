#include "estimators/attention/attention.h"

#include <gtest/gtest.h>

#include <limits>

#include "estimators/attention/state.h"
#include "tests/cpp/estimators/attention_reference.h"

namespace bochner {
namespace {

using namespace attention_reference;

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// Every second key or so, never the first.
Mask some_mask(Index keys) {
  Mask mask(static_cast<std::size_t>(keys));
  for (std::size_t j = 0; j < mask.size(); ++j) mask[j] = j == 1 || j % 3 == 1 || j % 5 == 2 ? 1 : 0;
  return mask;
}

template <class Scalar>
class Attention : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(Attention, Scalars);

// In float the exponents of keys are about -|k|^2 / (2 sqrt d), that is -4, -400, -40000, and their rounding is the
// error of the logarithm of a weight: 2e-7, 3e-5, 3e-3. The bars leave a factor of a few.
TYPED_TEST(Attention, IsAccurateAtAnyNorm) {
  const bool single = std::is_same_v<TypeParam, float>;
  const auto map = draw("positive", 64, 256);
  for (const auto& [factor, bar] : {std::pair{1.0, 1e-5}, {10.0, 1e-4}, {100.0, 1e-2}}) {
    const Inputs<TypeParam> inputs(64, 512, 64, 64, factor);
    const Weights weights = inputs.weights("positive", *map);
    for (const bool causal : {false, true}) {
      const auto result = attention<TypeParam>(inputs.Q, inputs.K, inputs.V, *map, {.causal = causal});
      const double error = relative_rms(result.output.template cast<double>(),
                                        weighted_average(weights, inputs.values(), {}, causal).rows);
      ::testing::Test::RecordProperty("log10_error_" + std::to_string(factor) + (causal ? "_causal" : ""),
                                      std::to_string(std::log10(error)));
      EXPECT_LE(error, single ? bar : 1e-8) << "factor " << factor << ", causal " << causal;
      EXPECT_EQ(result.denominators.nonpositive, 0);
    }
  }
}

TYPED_TEST(Attention, ExactIsAccurateAtAnyNorm) {
  const bool single = std::is_same_v<TypeParam, float>;
  // A score is off by |score| eps, that is 2e-7, 4e-6 sqrt d, ... relative to a weight, times the distance of the
  // values.
  for (const auto& [factor, bar] : {std::pair{1.0, 2e-6}, {10.0, 1e-4}, {100.0, 1e-2}}) {
    const Inputs<TypeParam> inputs(257, 300, 64, 16, factor);
    const Weights weights = inputs.exact();
    for (const bool causal : {false, true}) {
      const auto output = exact_attention<TypeParam>(inputs.Q, inputs.K, inputs.V, {.causal = causal});
      EXPECT_LE(
          relative_rms(output.template cast<double>(), weighted_average(weights, inputs.values(), {}, causal).rows),
          single ? bar : 1e-10)
          << "factor " << factor << ", causal " << causal;
    }
  }
}

// Tiles have 256 rows at p = 128 and 32 at p = 1024; those of exact attention 128.
TEST(Attention, EqualsTheQuadraticFormulaAtTileEdges) {
  for (const Index length : {1, 2, 31, 32, 33, 127, 128, 129, 255, 256, 257}) {
    const Inputs<double> inputs(length, length, 5, 3, 0.7);
    const Mask mask = length == 1 ? Mask{} : some_mask(length);
    const auto positive = draw("positive", 5, 128);
    const auto hyperbolic = draw("hyperbolic", 5, 64);
    const auto trigonometric = draw("trigonometric", 5, 64);
    const Weights equal{Rows::Zero(length, length), Rows::Ones(length, length)};
    const auto check = [&](const std::string& kind, const Weights& weights, double bar, const auto& attend) {
      for (const bool causal : {false, true}) {
        for (const Mask& keys : {Mask{}, mask}) {
          const Rows output = attend({.causal = causal, .key_mask = span_of(keys), .empty = EmptyRow::kZero});
          EXPECT_LE(relative_rms(output, weighted_average(weights, inputs.V, keys, causal).rows), bar)
              << kind << ", L = " << length << ", causal " << causal << ", masked " << !keys.empty();
        }
      }
    };
    using Options = AttentionOptions;
    check("positive", inputs.weights("positive", *positive), 1e-12,
          [&](const Options& options) { return favor(inputs, *positive, options); });
    check("hyperbolic", inputs.weights("hyperbolic", *hyperbolic), 1e-12,
          [&](const Options& options) { return favor(inputs, *hyperbolic, options); });
    check("trigonometric", inputs.weights("trigonometric", *trigonometric), 1e-11,
          [&](const Options& options) { return favor(inputs, *trigonometric, options); });
    check("exact", inputs.exact(), 1e-13,
          [&](const Options& options) { return exact_attention<double>(inputs.Q, inputs.K, inputs.V, options); });
    check("uniform", equal, 1e-14,
          [&](const Options& options) { return uniform_attention<double>(inputs.Q, inputs.K, inputs.V, options); });
  }
  for (const Index length : {31, 32, 33, 65}) {
    const Inputs<double> inputs(length, length, 5, 3);
    const auto map = draw("positive", 5, 1024);
    EXPECT_LE(relative_rms(favor(inputs, *map, {.causal = true}),
                           weighted_average(inputs.weights("positive", *map), inputs.V, {}, true).rows),
              1e-12);
  }
}

TEST(Attention, UnequalLengthsAlignTheirEnds) {
  for (const auto& [queries, keys] : {std::pair{40, 300}, {300, 40}, {1, 257}, {257, 1}}) {
    const Inputs<double> inputs(queries, keys, 4, 2);
    const auto map = draw("positive", 4, 128);
    for (const bool causal : {false, true}) {
      const AttentionOptions options{.causal = causal, .empty = EmptyRow::kZero};
      EXPECT_LE(relative_rms(favor(inputs, *map, options),
                             weighted_average(inputs.weights("positive", *map), inputs.V, {}, causal).rows),
                1e-12);
      EXPECT_LE(relative_rms(exact_attention<double>(inputs.Q, inputs.K, inputs.V, options),
                             weighted_average(inputs.exact(), inputs.V, {}, causal).rows),
                1e-12);
    }
    if (queries <= keys) continue;
    expect_message([&] { favor(inputs, *map, {.causal = true}); },
                   "attention: query 0 sees no key; expected at least one for every query, or empty = zero");
    const Rows zeros = Rows::Zero(queries - keys, 2);
    for (const Rows& output : every_attention(inputs, {.causal = true, .empty = EmptyRow::kZero})) {
      EXPECT_TRUE(same_bits(output.topRows(queries - keys), zeros));
      EXPECT_LE((output.row(queries - keys) - inputs.V.row(0)).norm(), 1e-14);
    }
  }
}

TEST(Attention, AllKeysMasked) {
  const Inputs<double> inputs(5, 7, 4, 2);
  const Mask none(7, 0);
  expect_message([&] { every_attention(inputs, {.key_mask = span_of(none)}); }, "attention: query 0 sees no key");
  expect_message([&] { exact_attention<double>(inputs.Q, inputs.K, inputs.V, {.key_mask = span_of(none)}); },
                 "exact_attention: query 0 sees no key");
  for (const Rows& output : every_attention(inputs, {.key_mask = span_of(none), .empty = EmptyRow::kZero})) {
    EXPECT_TRUE(same_bits(output, Rows::Zero(5, 2)));
  }
}

TEST(Attention, OfEqualValuesIsThatValue) {
  Inputs<double> inputs(50, 300, 8, 2, 20);
  inputs.V.col(0).setConstant(3);
  inputs.V.col(1).setConstant(-1e300);
  for (const Rows& output :
       {favor(inputs, *draw("positive", 8, 64)), exact_attention<double>(inputs.Q, inputs.K, inputs.V)}) {
    EXPECT_LE((output.col(0).array() / 3 - 1).abs().maxCoeff(), 1e-13);
    EXPECT_LE((output.col(1).array() / -1e300 - 1).abs().maxCoeff(), 1e-13);
  }
}

TEST(Attention, ScaleIsSplitEvenly) {
  Inputs<double> inputs(20, 30, 4, 2);
  const auto map = draw("positive", 4, 32);
  const Rows expected = favor(inputs, *map, {.scale = 0.25});
  inputs.Q *= 0.5;
  inputs.K *= 0.5;
  EXPECT_TRUE(same_bits(favor(inputs, *map, {.scale = 1.0}), expected));
}

// Without denominators the log-scales of the rows, of queries too, stay in the output: that of the Gram matrix.
TYPED_TEST(Attention, WithoutRenormalizationIsTheGramMatrixTimesV) {
  const double bar = std::is_same_v<TypeParam, float> ? 1e-4 : 1e-12;
  for (const std::string features : {"positive", "trigonometric", "hyperbolic", "relu"}) {
    const auto map = draw(features, 5, 64);
    const Inputs<TypeParam> inputs(150, 170, 5, 3, 2);
    const double root = std::sqrt(inputs.scale());
    const Rows gram =
        bochner::gram<double>(*map, inputs.Q.template cast<double>() * root, inputs.K.template cast<double>() * root);
    for (const bool causal : {false, true}) {
      Rows seen = gram;
      for (Index i = 0; causal && i < seen.rows(); ++i) seen.row(i).tail(seen.rows() - 1 - i).setZero();
      const auto output = favor(inputs, *map, {.causal = causal, .renormalize = false});
      EXPECT_LE(relative_rms(output.template cast<double>(), seen * inputs.values()), bar)
          << features << ", causal " << causal;
    }
  }
}

// 99 % of the key features lie below an epsilon of 1e-4 after the usual subtraction of a maximum: with the epsilon
// added the output is nearly the average. Without, it is as far from the average as single values are.
TEST(Attention, Pitfall2NoEpsilonFloor) {
  const Inputs<double> inputs(512, 512, 64, 64, 2);
  const auto map = draw("positive", 64, 256);
  const Rows u = inputs.K * std::sqrt(inputs.scale()) * map->frequencies().transpose();
  const Rows logs = u.colwise() - inputs.K.rowwise().squaredNorm() * inputs.scale() / 2;
  const auto small = ((logs.array() - logs.maxCoeff()).exp() < 1e-4).count();
  ASSERT_GT(static_cast<double>(small), 0.99 * static_cast<double>(logs.size()));
  const Rows uniform = uniform_attention<double>(inputs.Q, inputs.K, inputs.V);
  EXPECT_GT(relative_rms(favor(inputs, *map), uniform), 1);
}

// To first order the mean squared error is C / m: a ratio of 16 from m = 64 to 1024. 40 draws of a bounded error with a
// coefficient of variation below 1 give the ratio to 2 sqrt(2 / 40) = 0.45 in relative terms at two deviations.
TEST(Attention, Pitfall2ErrorFallsWithFeatures) {
  const Inputs<double> inputs(32, 64, 8, 4, 0.4);
  const Rows exact = exact_attention<double>(inputs.Q, inputs.K, inputs.V);
  const auto mean_squared_error = [&](Index m) {
    double sum = 0;
    for (std::uint64_t trial = 0; trial < 40; ++trial) {
      sum += (favor(inputs, *draw("positive", 8, m, trial)) - exact).squaredNorm();
    }
    return sum / 40;
  };
  const double few = mean_squared_error(64);
  const double many = mean_squared_error(1024);
  EXPECT_GT(few / many, 16 * 0.55);
  EXPECT_LT(few / many, 16 / 0.55);
  EXPECT_LT(many, (uniform_attention<double>(inputs.Q, inputs.K, inputs.V) - exact).squaredNorm() / 10);
}

TYPED_TEST(Attention, Pitfall3LaterKeysChangeNothingBefore) {
  for (const Index length : {2, 33, 257, 300}) {
    for (const double factor : {1.0, 10.0}) {
      Inputs<TypeParam> inputs(length, length, 8, 3, factor);
      const auto before = every_attention(inputs, {.causal = true});
      inputs.K.row(length - 1) *= TypeParam{100};
      inputs.V.row(length - 1).setConstant(TypeParam{1e30F});
      const auto after = every_attention(inputs, {.causal = true});
      for (std::size_t kind = 0; kind < before.size(); ++kind) {
        EXPECT_TRUE(same_bits(before[kind].topRows(length - 1), after[kind].topRows(length - 1)))
            << "kind " << kind << ", L = " << length;
      }
    }
  }
}

TYPED_TEST(Attention, Pitfall4PaddedEqualsTruncated) {
  const Inputs<TypeParam> truncated(40, 200, 8, 3);
  for (const bool causal : {false, true}) {
    const auto expected = every_attention(truncated, {.causal = causal});
    for (const Index front : {0, 1, 77}) {
      // Padding before and between the keys; after them only where the alignment of the ends allows it.
      const Index back = causal ? 0 : 130 - front;
      Inputs<TypeParam> padded(40, 200 + front + back, 8, 3);
      Mask mask(static_cast<std::size_t>(200 + front + back), 0);
      padded.K.setConstant(static_cast<TypeParam>(kNaN));
      padded.V.setConstant(static_cast<TypeParam>(kInfinity));
      padded.K.middleRows(front, 200) = truncated.K;
      padded.V.middleRows(front, 200) = truncated.V;
      std::fill_n(mask.begin() + front, 200, std::uint8_t{1});
      const auto output = every_attention(padded, {.causal = causal, .key_mask = span_of(mask)});
      for (std::size_t kind = 0; kind < expected.size(); ++kind) {
        EXPECT_TRUE(same_bits(output[kind], expected[kind])) << "kind " << kind << ", front " << front;
      }
    }
  }
}

TYPED_TEST(Attention, Pitfall5OneItemAloneEqualsTheSameInABatch) {
  using Owned = OwnedBatch<TypeParam>;
  Owned owned;
  owned.K.topRows(Owned::kKeys) *= TypeParam{50};  // the norms of one item are none of the others' business
  const std::vector<std::shared_ptr<const FeatureMap>> maps{draw("positive", 8, 64), draw("positive", 8, 64, 1)};
  Mask mask(static_cast<std::size_t>(Owned::kItems * Owned::kKeys));
  for (std::size_t j = 0; j < mask.size(); ++j) mask[j] = j % 7 != 3 ? 1 : 0;
  const auto batch = owned.view();

  for (const bool causal : {false, true}) {
    for (const int threads : {1, 2}) {
      const AttentionOptions options{.causal = causal, .key_mask = span_of(mask)};
      for (const int kind : {0, 1, 2}) {
        owned.out.setConstant(TypeParam{-77});
        if (kind == 0) attention<TypeParam>(batch, maps, options, {threads, {}});
        if (kind == 1) exact_attention(batch, options, {threads, {}});
        if (kind == 2) uniform_attention(batch, options, {threads, {}});
        for (Index item = 0; item < Owned::kItems; ++item) {
          AttentionOptions alone = options;
          alone.key_mask = options.key_mask.subspan(static_cast<std::size_t>(item * Owned::kKeys), Owned::kKeys);
          for (Index head = 0; head < Owned::kQueryHeads; ++head) {
            const Matrix<TypeParam> Q = batch.Q.matrix(item, head);
            const Matrix<TypeParam> K = batch.K.matrix(item, head / 2);
            const Matrix<TypeParam> V = batch.V.matrix(item, head / 2);
            const auto& map = *maps[static_cast<std::size_t>(head / 2)];
            const Matrix<TypeParam> expected = kind == 0   ? attention<TypeParam>(Q, K, V, map, alone).output
                                               : kind == 1 ? exact_attention<TypeParam>(Q, K, V, alone)
                                                           : uniform_attention<TypeParam>(Q, K, V, alone);
            EXPECT_TRUE(same_bits(batch.out.matrix(item, head), expected))
                << "kind " << kind << ", item " << item << ", head " << head << ", causal " << causal;
          }
        }
      }
    }
  }
}

TEST(Attention, Pitfall12CausalDependsOnQueriesAndKeys) {
  Inputs<double> inputs(40, 40, 4, 3);
  const auto map = draw("positive", 4, 64);
  const Rows output = favor(inputs, *map, {.causal = true});
  EXPECT_LE(relative_rms(output, weighted_average(inputs.weights("positive", *map), inputs.V, {}, true).rows), 1e-12);
  Inputs<double> other = inputs;
  other.Q.row(20) = -inputs.Q.row(20);
  const Rows other_queries = favor(other, *map, {.causal = true});
  EXPECT_GT((other_queries - output).row(20).norm(), 1e-3);
  EXPECT_EQ((other_queries - output).norm(), (other_queries - output).row(20).norm());
  other = inputs;
  other.K.row(3) = -inputs.K.row(3);
  const Rows other_keys = favor(other, *map, {.causal = true});
  EXPECT_GT((other_keys - output).bottomRows(37).rowwise().norm().minCoeff(), 1e-6);
}

TYPED_TEST(Attention, StreamingEqualsBatchForEveryCut) {
  const Inputs<TypeParam> inputs(300, 300, 8, 3, 3);
  for (const std::string features : {"positive", "trigonometric", "hyperbolic"}) {
    const auto map = draw(features, 8, 64);
    const auto bidirectional = favor(inputs, *map);
    const auto causal = favor(inputs, *map, {.causal = true});
    Matrix<TypeParam> first;
    for (const Index cut : {1, 7, 256, 299, 300}) {
      AttentionState<TypeParam> state(map, 3);
      Matrix<TypeParam> streamed(300, 3);
      for (Index start = 0; start < 300; start += cut) {
        const Index rows = std::min<Index>(cut, 300 - start);
        state.append(inputs.K.middleRows(start, rows), inputs.V.middleRows(start, rows));
        const Index last = start + rows - 1;
        state.query(inputs.Q.middleRows(last, 1), streamed.middleRows(last, 1));
        EXPECT_TRUE(same_bits(streamed.row(last), causal.row(last))) << features << ", cut " << cut << ", row " << last;
      }
      for (Index start = 0; start < 300; start += cut) {
        const Index rows = std::min<Index>(cut, 300 - start);
        state.query(inputs.Q.middleRows(start, rows), streamed.middleRows(start, rows));
      }
      // The sums are the same; bidirectional attention has added the last block to them.
      const double bar = (std::is_same_v<TypeParam, float> ? 2e-4 : 1e-12) * (features == "trigonometric" ? 100 : 1);
      EXPECT_LE(relative_rms(streamed.template cast<double>(), bidirectional.template cast<double>()), bar)
          << features << ", cut " << cut;
      if (cut == 1) first = streamed;
      EXPECT_TRUE(same_bits(streamed, first)) << features << ", cut " << cut;
      EXPECT_EQ(state.size(), 300);
    }
  }
}

}  // namespace
}  // namespace bochner
