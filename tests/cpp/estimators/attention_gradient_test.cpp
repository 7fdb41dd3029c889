#include <gtest/gtest.h>

#include <vector>

#include "estimators/attention/attention.h"
#include "tests/cpp/estimators/attention_reference.h"

/// Gradients of attention against finite differences and against the quadratic formula.
namespace bochner {
namespace {

using namespace attention_reference;

template <class Scalar>
struct Gradient {
  Matrix<Scalar> d_Q, d_K, d_V;
};

/// One key head, with as many query heads as fit into Q; L_q rows each.
template <class Scalar>
Gradient<Scalar> gradient(const Inputs<Scalar>& in, const Matrix<Scalar>& d_out,
                          const std::shared_ptr<const FeatureMap>& map, const AttentionOptions& options,
                          Index heads = 1) {
  Gradient<Scalar> result{Matrix<Scalar>::Constant(in.Q.rows(), in.Q.cols(), Scalar{-77}),
                          Matrix<Scalar>::Constant(in.K.rows(), in.K.cols(), Scalar{-77}),
                          Matrix<Scalar>::Constant(in.V.rows(), in.V.cols(), Scalar{-77})};
  Matrix<Scalar> out(in.Q.rows(), in.V.cols());
  const Index rows = in.Q.rows() / heads;
  const AttentionBatch<Scalar> batch{{in.Q.data(), 1, heads, rows, in.Q.cols()},
                                     {in.K.data(), 1, 1, in.K.rows(), in.K.cols()},
                                     {in.V.data(), 1, 1, in.V.rows(), in.V.cols()},
                                     {out.data(), 1, heads, rows, in.V.cols()}};
  const std::vector<std::shared_ptr<const FeatureMap>> maps{map};
  attention<Scalar>(batch, maps, options);
  const auto array = [&](auto& matrix, Index count) {
    return HeadArray<Scalar>{matrix.data(), 1, count, matrix.rows() / count, matrix.cols()};
  };
  attention_vjp<Scalar>(batch.Q, batch.K, batch.V,
                        {{out.data(), 1, heads, rows, in.V.cols()},
                         {d_out.data(), 1, heads, rows, in.V.cols()},
                         array(result.d_Q, heads),
                         array(result.d_K, 1),
                         array(result.d_V, 1)},
                        maps, options);
  return result;
}

/// Compares with central differences of sum(weights * output): a slope may be off by `tolerance` times 1 and itself.
void expect_slopes(Inputs<double>& in, const FeatureMap& map, const AttentionOptions& options, const Rows& weights,
                   const Gradient<double>& found, double tolerance) {
  constexpr double kStep = 1e-6;
  const auto check = [&](Rows& array, const Rows& slopes, const char* name) {
    const auto value_at = [&](Index k, double value) {
      array.data()[k] = value;
      return favor(in, map, options).cwiseProduct(weights).sum();
    };
    for (Index k = 0; k < array.size(); ++k) {
      const double value = array.data()[k];
      const double slope = (value_at(k, value + kStep) - value_at(k, value - kStep)) / (2 * kStep);
      array.data()[k] = value;
      EXPECT_NEAR(slopes.data()[k], slope, tolerance * (1 + std::abs(slope)))
          << map.describe() << ", " << name << " " << k << ", causal " << options.causal;
    }
  };
  check(in.Q, found.d_Q, "dQ");
  check(in.K, found.d_K, "dK");
  check(in.V, found.d_V, "dV");
}

TEST(AttentionGradient, IsTheSlopeOfTheOutput) {
  for (const std::string features : {"positive", "hyperbolic", "trigonometric"}) {
    const auto map = draw(features, 3, 16);
    for (const auto& [queries, keys] : {std::pair{6, 6}, {4, 9}, {9, 4}}) {
      for (const bool causal : {false, true}) {
        for (const bool masked : {false, true}) {
          // Small norms: trigonometric denominators stay far from 0.
          Inputs<double> in(queries, keys, 3, 2, 0.6);
          Mask mask(static_cast<std::size_t>(keys), 1);
          if (masked) mask[0] = mask[2] = 0;
          const AttentionOptions options{.causal = causal, .key_mask = span_of(mask), .empty = EmptyRow::kZero};
          const Rows weights = normal_rows(queries, 2, 9);
          // Rounding, 1e-15 / step, and curvature, step^2, stay below 1e-8.
          expect_slopes(in, *map, options, weights, gradient<double>(in, weights, map, options), 2e-8);
        }
      }
    }
  }
}

// A row of the output has units of its own: exponents of queries and log-scales have gradients too.
TEST(AttentionGradient, WithoutRenormalisationIsTheSlopeOfTheNumerator) {
  for (const std::string features : {"positive", "hyperbolic", "trigonometric", "relu"}) {
    const auto map = draw(features, 3, 16);
    for (const auto& [queries, keys] : {std::pair{6, 6}, {4, 9}, {9, 4}}) {
      for (const bool causal : {false, true}) {
        Inputs<double> in(queries, keys, 3, 2, 0.6);
        Mask mask(static_cast<std::size_t>(keys), 1);
        mask[2] = 0;
        const AttentionOptions options{
            .causal = causal, .key_mask = span_of(mask), .empty = EmptyRow::kZero, .renormalize = false};
        const Rows weights = normal_rows(queries, 2, 9);
        expect_slopes(in, *map, options, weights, gradient<double>(in, weights, map, options), 2e-8);
      }
    }
  }
}

// Denominators of either sign, none of which is near 0 here; but curvature is larger beside small ones.
TEST(AttentionGradient, OfNegativeDenominatorsIsTheSlopeToo) {
  const auto map = draw("trigonometric", 3, 4);
  for (const bool causal : {false, true}) {
    Inputs<double> in(12, 12, 3, 2, 2.5);
    const AttentionOptions options{.causal = causal};
    const auto result = attention<double>(in.Q, in.K, in.V, *map, options);
    ASSERT_GT(result.denominators.nonpositive, 0);
    ASSERT_EQ(result.denominators.near_zero, 0);
    const Rows weights = normal_rows(12, 2, 9);
    expect_slopes(in, *map, options, weights, gradient<double>(in, weights, map, options), 1e-5);
  }
}

/// The same by the quadratic formula, a_ij = exp(log a_ij) / sum: for positive features
/// dL/dq_i = sum_jl g_ij a_ijl w_l, dL/dk_j = sum_il g_ij a_ijl (w_l - k_j), g_ij = G_i.(v_j - out_i).
Gradient<double> quadratic_gradient(const Rows& W, Rows Q, Rows K, const Rows& V, const Rows& G, bool causal,
                                    double scale) {
  const double root = std::sqrt(scale);
  Q *= root;
  K *= root;
  Gradient<double> result{Rows::Zero(Q.rows(), Q.cols()), Rows::Zero(K.rows(), K.cols()),
                          Rows::Zero(V.rows(), V.cols())};
  const Rows u = Q * W.transpose();
  const Rows v = (K * W.transpose()).colwise() - K.rowwise().squaredNorm() / 2;
  for (Index i = 0; i < Q.rows(); ++i) {
    const Index seen = causal ? std::max<Index>(0, i + 1 + K.rows() - Q.rows()) : K.rows();
    if (seen == 0) continue;
    Rows logs = v.topRows(seen).rowwise() + u.row(i);
    const Rows a = (logs.array() - logs.maxCoeff()).exp().matrix();
    const Rows p = a / a.sum();
    const Eigen::VectorXd weight = p.rowwise().sum();
    const Eigen::RowVectorXd out = weight.transpose() * V.topRows(seen);
    const Eigen::VectorXd g =
        V.topRows(seen) * G.row(i).transpose() - Eigen::VectorXd::Constant(seen, G.row(i).dot(out));
    const Rows weighted = g.asDiagonal() * p;
    result.d_Q.row(i) = weighted.colwise().sum() * W * root;
    result.d_K.topRows(seen) += root * (weighted * W - (weighted.rowwise().sum()).asDiagonal() * K.topRows(seen));
    result.d_V.topRows(seen) += weight * G.row(i);
  }
  return result;
}

template <class Scalar>
class AttentionGradientOf : public ::testing::Test {};
using Scalars = ::testing::Types<float, double>;
TYPED_TEST_SUITE(AttentionGradientOf, Scalars);

// Lengths on both sides of a block's end, and norms at which references move.
TYPED_TEST(AttentionGradientOf, EqualsTheQuadraticFormula) {
  const bool single = std::is_same_v<TypeParam, float>;
  for (const auto& [queries, keys] :
       {std::pair{1, 1}, {63, 63}, {64, 64}, {65, 65}, {200, 200}, {40, 130}, {130, 40}}) {
    for (const double factor : {1.0, 10.0}) {
      for (const bool causal : {false, true}) {
        const Inputs<TypeParam> in(queries, keys, 8, 5, factor);
        const auto map = draw("positive", 8, 96);
        const Matrix<TypeParam> G = normal_rows(queries, 5, 9).template cast<TypeParam>();
        const auto found = gradient<TypeParam>(in, G, map, {.causal = causal, .empty = EmptyRow::kZero});
        const auto expected =
            quadratic_gradient(map->frequencies(), in.Q.template cast<double>(), in.K.template cast<double>(),
                               in.values(), G.template cast<double>(), causal, in.scale());
        // In float an exponent of size 4 factor^2 is off by that times 6e-8.
        const double bar = single ? 1e-5 * factor * factor : 1e-11;
        const auto context = [&](const char* name) {
          return std::string(name) + ", L " + std::to_string(queries) + " " + std::to_string(keys) + ", factor " +
                 std::to_string(factor) + ", causal " + std::to_string(causal);
        };
        // One key leaves nothing to choose: gradients of Q and K are 0, but for the rounding of G.v - G.out.
        const double least = 0.1 * G.norm();
        const auto near = [&](const auto& got, const Rows& want) {
          return (got.template cast<double>() - want).norm() <= bar * std::max(want.norm(), least);
        };
        EXPECT_TRUE(near(found.d_Q, expected.d_Q)) << context("d_Q");
        EXPECT_TRUE(near(found.d_K, expected.d_K)) << context("d_K");
        EXPECT_TRUE(near(found.d_V, expected.d_V)) << context("d_V");
      }
    }
  }
}

TEST(AttentionGradient, OfGroupedHeadsIsTheSum) {
  const auto map = draw("positive", 4, 32);
  const Inputs<double> both(140, 70, 4, 3);
  const Rows G = normal_rows(140, 3, 9);
  for (const bool causal : {false, true}) {
    const auto together = gradient<double>(both, G, map, {.causal = causal}, 2);
    Rows d_keys = Rows::Zero(70, 4), d_values = Rows::Zero(70, 3);
    for (const Index head : {0, 1}) {
      Inputs<double> own = both;
      own.Q = both.Q.middleRows(70 * head, 70);
      const auto alone = gradient<double>(own, G.middleRows(70 * head, 70), map, {.causal = causal});
      EXPECT_TRUE(same_bits(together.d_Q.middleRows(70 * head, 70), alone.d_Q));
      d_keys += alone.d_K;
      d_values += alone.d_V;
    }
    EXPECT_LE((together.d_K - d_keys).norm(), 1e-14 * d_keys.norm());
    EXPECT_LE((together.d_V - d_values).norm(), 1e-14 * d_values.norm());
  }
}

// A later query has no part in the gradient of an earlier output; a masked key has none at all.
TEST(AttentionGradient, OfWhatIsNotSeenIsZero) {
  const auto map = draw("positive", 4, 32);
  Inputs<double> in(100, 100, 4, 3);
  Rows G = Rows::Zero(100, 3);
  G.row(57).setOnes();
  const auto found = gradient<double>(in, G, map, {.causal = true});
  EXPECT_EQ(found.d_K.bottomRows(42).norm(), 0);
  EXPECT_EQ(found.d_V.bottomRows(42).norm(), 0);
  EXPECT_GT(found.d_K.topRows(58).rowwise().norm().minCoeff(), 0);
  Mask mask(100, 1);
  mask[3] = 0;
  in.K.row(3).setConstant(std::numeric_limits<double>::quiet_NaN());
  const auto masked = gradient<double>(in, G, map, {.key_mask = span_of(mask)});
  EXPECT_EQ(masked.d_K.row(3).norm(), 0);
  EXPECT_TRUE(masked.d_Q.allFinite() && masked.d_K.allFinite() && masked.d_V.allFinite());
}

// Keys k and -k cancel in the denominators of those who see both, and leave a numerator: the output is infinite.
TEST(AttentionGradient, RowsOfAZeroDenominatorCountAsConstant) {
  const auto map = draw("identity", 2, 4);
  Inputs<double> in(2, 2, 2, 3);
  in.K.row(1) = -in.K.row(0);
  ASSERT_EQ(attention<double>(in.Q, in.K, in.V, *map).denominators.nonpositive, 2);
  ASSERT_FALSE(favor(in, *map).allFinite());
  Rows G = normal_rows(2, 3, 9);
  const auto none = gradient<double>(in, G, map, {});
  EXPECT_TRUE(none.d_Q.isZero(0) && none.d_K.isZero(0) && none.d_V.isZero(0));
  const auto found = gradient<double>(in, G, map, {.causal = true});
  G.row(1).setZero();
  const auto of_the_first = gradient<double>(in, G, map, {.causal = true});
  EXPECT_TRUE(same_bits(found.d_Q, of_the_first.d_Q));
  EXPECT_TRUE(same_bits(found.d_K, of_the_first.d_K));
  EXPECT_TRUE(same_bits(found.d_V, of_the_first.d_V));
  EXPECT_GT(found.d_V.norm(), 0);
}

TEST(AttentionGradient, BadInputIsNamed) {
  const auto map = draw("positive", 4, 16);
  const Inputs<double> in(5, 7, 4, 2);
  Rows G = normal_rows(5, 2, 9);
  G(2, 1) = std::numeric_limits<double>::infinity();
  expect_message([&] { gradient<double>(in, G, map, {}); }, "attention_vjp: d_out[2, 1] is inf");
  const auto plain = std::make_shared<FunctionMap>(
      4, 2, Form::kValues, [](const Eigen::RowVectorXd& x, Side, Eigen::RowVectorXd& features, double& log_scale) {
        features = x.head(2).cwiseAbs();
        log_scale = 0;
      });
  expect_message([&] { gradient<double>(in, normal_rows(5, 2, 9), plain, {}); },
                 "attention_vjp: the map (a map of a test) has no gradient");
}

}  // namespace
}  // namespace bochner
