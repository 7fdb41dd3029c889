#include "experiments/attention_error.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

#include "core/sampling.h"
#include "estimators/attention/attention.h"
#include "pairs.h"

namespace bochner {
namespace {

constexpr Index kBatch = 2, kQueryHeads = 4, kKeyHeads = 2, kQueries = 7, kKeys = 9, kDim = 3, kValues = 2;

template <class Scalar>
struct Inputs {
  std::vector<Scalar> Q, K, V;

  explicit Inputs(double size = 1) {
    std::uint64_t index = 0;
    for (auto& [array, count] :
         {std::pair{&Q, kBatch * kQueryHeads * kQueries * kDim}, std::pair{&K, kBatch * kKeyHeads * kKeys * kDim},
          std::pair{&V, kBatch * kKeyHeads * kKeys * kValues}}) {
      std::vector<double> numbers(static_cast<std::size_t>(count));
      Stream stream(9, Purpose::kData, index++);
      fill_normal(stream, numbers);
      for (const double number : numbers) array->push_back(static_cast<Scalar>(size * number));
    }
  }

  AttentionPlan<Scalar> plan(const Estimator& estimator, const AttentionOptions& options = {}) const {
    return {estimator,
            {Q.data(), kBatch, kQueryHeads, kQueries, kDim},
            {K.data(), kBatch, kKeyHeads, kKeys, kDim},
            {V.data(), kBatch, kKeyHeads, kKeys, kValues},
            options,
            {4, 12},
            5,
            3};
  }
};

/// The mean squared difference, by hand.
double naive_mse(const Matrix<double>& output, const Matrix<double>& exact) {
  double sum = 0;
  for (Index i = 0; i < output.size(); ++i) sum += std::pow(output.data()[i] - exact.data()[i], 2);
  return sum / static_cast<double>(output.size());
}

TEST(AttentionError, EveryHeadAndTrialAgreesWithSingleHeads) {
  const Inputs<double> inputs;
  const std::array<bool, kBatch * kKeys> mask{true, true,  true, true, true, false, true, false, true,
                                              true, false, true, true, true, true,  true, true,  true};
  for (const bool causal : {false, true}) {
    AttentionOptions options;
    options.causal = causal;
    options.key_mask = mask;
    options.empty = EmptyRow::kZero;
    options.scale = 0.4;
    const auto plan = inputs.plan(estimator_of("positive", "orthogonal"), options);
    const AttentionExperiment<double> experiment(plan);
    const AttentionErrors result = experiment.run({0, 5}, {2, {}});
    ASSERT_EQ(result.errors.size(), static_cast<std::size_t>(kBatch * kQueryHeads * 2 * 5));
    for (Index item = 0; item < kBatch; ++item) {
      for (Index head = 0; head < kQueryHeads; ++head) {
        const Matrix<double> Q = plan.Q.matrix(item, head), K = plan.K.matrix(item, head / 2),
                             V = plan.V.matrix(item, head / 2);
        AttentionOptions own = options;
        own.key_mask = std::span<const bool>(mask).subspan(static_cast<std::size_t>(item * kKeys), kKeys);
        const Matrix<double> exact = exact_attention<double>(Q, K, V, own);
        const Index row = item * kQueryHeads + head;
        const double uniform = naive_mse(uniform_attention<double>(Q, K, V, own), exact);
        EXPECT_NEAR(experiment.uniform()[static_cast<std::size_t>(row)].mse, uniform, 1e-13 * uniform);
        for (Index k = 0; k < 2; ++k) {
          for (Index trial = 0; trial < 5; ++trial) {
            const auto map = plan.estimator.draw(kDim, plan.m[static_cast<std::size_t>(k)], plan.seed,
                                                 static_cast<std::uint64_t>(trial));
            const double mse = naive_mse(attention<double>(Q, K, V, *map, own).output, exact);
            const OutputError& error = result.errors[static_cast<std::size_t>((row * 2 + k) * 5 + trial)];
            EXPECT_NEAR(error.mse, mse, 1e-12 * mse);
            EXPECT_NEAR(error.relative, std::sqrt(mse * static_cast<double>(exact.size())) / exact.norm(), 1e-12);
          }
        }
      }
    }
  }
}

TEST(AttentionError, ThreadsAndShardsChangeNoBit) {
  const Inputs<float> inputs;
  const AttentionExperiment<float> experiment(inputs.plan(estimator_of("hyperbolic", "iid")), {2, {}});
  const AttentionErrors whole = experiment.run({0, 5}, {1, {}});
  const AttentionErrors threaded = experiment.run({0, 5}, {2, {}});
  const AttentionErrors part = experiment.run({2, 4}, {2, {}});
  for (Index cell = 0; cell < whole.heads * whole.sizes; ++cell) {
    for (Index trial = 0; trial < 5; ++trial) {
      const auto place = static_cast<std::size_t>(cell * 5 + trial);
      EXPECT_EQ(whole.errors[place].mse, threaded.errors[place].mse);
      if (trial < 2 || trial >= 4) continue;
      EXPECT_EQ(whole.errors[place].mse, part.errors[static_cast<std::size_t>(cell * 2 + trial - 2)].mse);
    }
  }
}

TEST(AttentionError, ErrorShrinksAndPositiveDenominatorsStayPositive) {
  const Inputs<double> inputs(0.5);
  auto plan = inputs.plan(estimator_of("positive", "iid"));
  plan.m = {16, 4096};
  plan.trials = 40;
  const AttentionErrors result = AttentionExperiment<double>(plan).run({0, 40}, {2, {}});
  double few = 0, many = 0;
  for (Index head = 0; head < result.heads; ++head) {
    for (Index trial = 0; trial < 40; ++trial) {
      few += result.errors[static_cast<std::size_t>((head * 2) * 40 + trial)].mse;
      many += result.errors[static_cast<std::size_t>((head * 2 + 1) * 40 + trial)].mse;
    }
  }
  // 256 times the frequencies divide the MSE by about 256; the first-order law is not exact at m = 16, and 40 draws
  // that all heads share leave some 30 % of noise.
  EXPECT_GT(few / many, 80);
  EXPECT_LT(few / many, 800);
  for (const Index count : result.nonpositive) EXPECT_EQ(count, 0);
}

TEST(AttentionError, NonpositiveDenominatorsOfTrigonometricFeaturesAreCounted) {
  const Inputs<double> inputs(3);
  const AttentionErrors result =
      AttentionExperiment<double>(inputs.plan(estimator_of("trigonometric", "iid"))).run({0, 5}, {2, {}});
  Index count = 0;
  for (const Index nonpositive : result.nonpositive) {
    EXPECT_LE(nonpositive, kQueries);
    count += nonpositive;
  }
  // About half of all rows at such norms: the estimate's sign is a coin.
  const auto rows = static_cast<Index>(result.nonpositive.size()) * kQueries;
  EXPECT_GT(count, rows / 10);
  EXPECT_LT(count, rows * 9 / 10);
}

TEST(AttentionError, BadInputIsNamed) {
  const Inputs<double> inputs;
  const auto refused = [](const AttentionPlan<double>& plan) {
    return message_of<std::invalid_argument>([&] { AttentionExperiment<double>{plan}; });
  };
  auto plan = inputs.plan(estimator_of("positive", "iid"));
  plan.m = {};
  EXPECT_PRED2(contains, refused(plan), "the number of m is 0");
  plan.m = {0};
  EXPECT_PRED2(contains, refused(plan), "m is 0");
  plan.m = {4};
  plan.trials = 0;
  EXPECT_PRED2(contains, refused(plan), "trials is 0");
  plan.trials = 5;
  plan.V.rows = 4;
  EXPECT_PRED2(contains, refused(plan), "rows of V is 4");
  plan = inputs.plan(estimator_of("positive", "iid"));
  const AttentionExperiment<double> experiment(plan);
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { experiment.run({2, 6}); }), "[2, 6) of 5 trials");
  EXPECT_THROW(experiment.run({0, 5}, {1, [](Index, Index) { return false; }}), Interrupted);
  Inputs<double> broken;
  broken.Q[1] = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PRED2(contains, message_of<std::domain_error>([&] {
                 AttentionExperiment<double>{broken.plan(estimator_of("positive", "iid"))};
               }),
               "nan");
}

}  // namespace
}  // namespace bochner
