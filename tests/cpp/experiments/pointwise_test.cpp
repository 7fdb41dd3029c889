#include "experiments/pointwise.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <tuple>
#include <vector>

#include "pairs.h"

namespace bochner {
namespace {

constexpr double kGate = 4.5;

PointwisePlan plan_of(const Estimator& estimator, const Pairs& pairs, std::vector<Index> m, Index trials,
                      Sampler sampler = Sampler::kAutomatic) {
  return {estimator, pairs.X, pairs.Y, std::move(m), trials, 20, sampler, false};
}

std::vector<PointwiseRow> measure(const PointwisePlan& plan) {
  const Pointwise pointwise(plan);
  return pointwise.rows(pointwise.run({0, plan.trials}, {2, {}}));
}

void expect_law(const std::vector<PointwiseRow>& rows, const std::string& what) {
  for (const PointwiseRow& row : rows) {
    EXPECT_LT(std::abs(row.z_mean), kGate) << what << " point " << row.point << " m " << row.m;
    EXPECT_LT(std::abs(row.z_mse), kGate) << what << " point " << row.point << " m " << row.m;
    EXPECT_GT(row.mse, 0);
    EXPECT_LE(row.mse_low, row.mse);
    EXPECT_GE(row.mse_high, row.mse);
    EXPECT_NEAR(row.mean - row.truth, row.bias, 1e-12 * std::abs(row.truth));
  }
}

/// A family with something wrong or missing: its law times `factor`, no law at all when that is 0.
class AlteredFamily final : public FeatureFamily {
 public:
  AlteredFamily(const std::string& name, double factor) : inner_(make_features(name)), factor_(factor) {}
  std::string name() const override { return "altered"; }
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel, std::shared_ptr<const Projection> W) const override {
    return inner_->make(kernel, std::move(W));
  }
  Index features(Index m) const override { return inner_->features(m); }
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override {
    if (factor_ == 0) return std::nullopt;
    std::optional<Law> law = inner_->law(kernel, frequencies, coupling, m, x, y);
    law->mse *= factor_;
    return law;
  }
  std::vector<Vector<double>> tail_shifts(const Kernel& kernel, std::span<const double> x,
                                          std::span<const double> y) const override {
    return inner_->tail_shifts(kernel, x, y);
  }

 private:
  std::shared_ptr<const FeatureFamily> inner_;
  double factor_;
};

Estimator altered(double factor, const std::string& coupling) {
  return Estimator(make_kernel("softmax"), std::make_shared<AlteredFamily>("positive", factor),
                   make_coupling(coupling));
}

TEST(Pointwise, PlainTrialsFollowTheLaw) {
  // |x + y|^2 <= 0.5: there the studentised MSE is near enough to normal for a gate.
  for (const char* features : {"positive", "hyperbolic", "trigonometric"}) {
    for (const char* coupling : {"iid", "orthogonal"}) {
      const auto rows = measure(
          plan_of(estimator_of(features, coupling), pairs_with(4, {0.1, 0.5}), {3, 10}, 20000, Sampler::kPlain));
      ASSERT_EQ(rows.size(), 4U);
      EXPECT_EQ(rows[1].point, 0);
      EXPECT_EQ(rows[1].m, 10);
      EXPECT_EQ(rows[1].trials, 20000);
      EXPECT_EQ(rows[1].sampler, Sampler::kPlain);
      expect_law(rows, std::string(features) + " " + coupling);
    }
  }
}

TEST(Pointwise, TiltedTrialsFollowTheLawAtAnyNorm) {
  for (const char* features : {"positive", "hyperbolic"}) {
    for (const char* coupling : {"iid", "orthogonal"}) {
      for (const auto& [dim, m] : {std::pair<Index, Index>{8, 5}, {4, 10}, {1, 3}}) {
        const auto rows = measure(plan_of(estimator_of(features, coupling), pairs_with(dim, {1e-4, 0.25, 4, 16, 36}),
                                          {m}, 4000, Sampler::kTilted));
        expect_law(rows, std::string(features) + " " + coupling + " d " + std::to_string(dim));
        // Relative standard errors of at most 6 % at 1,000 trials: what the sampler is for.
        for (const PointwiseRow& row : rows) EXPECT_LT(row.mse_high - row.mse_low, 0.12 * row.mse);
      }
    }
  }
}

TEST(Pointwise, TiltedTrialsFollowTheLawOfAScaledKernel) {
  const Estimator estimator(make_kernel("gaussian", {{"bandwidth", 0.5}}), make_features("positive"),
                            make_coupling("orthogonal"));
  expect_law(measure(plan_of(estimator, pairs_with(3, {1, 3}), {4}, 4000, Sampler::kTilted)), "gaussian");
}

TEST(Pointwise, WrongLawOfOnePercentIsSeen) {
  // The relative standard error of a tilted measurement at v = 4 is 0.033 with 1,000 trials, so 0.0015 with 500,000: a
  // deviation of 1 % is some six and a half of them.
  const Pairs pairs = pairs_with(2, {4});
  for (const double factor : {1.01, 0.99}) {
    const auto row = measure(plan_of(altered(factor, "iid"), pairs, {2}, 500000, Sampler::kTilted)).front();
    EXPECT_GT(std::abs(row.z_mse), kGate) << factor;
    EXPECT_LT(std::abs(row.z_mse), 12) << factor;
  }
}

TEST(Pointwise, BiasedCombinationIsComparedWithItsOwnLaw) {
  const auto rows = measure(plan_of(estimator_of("positive", "orthogonal", "softmax", "constant"), pairs_with(3, {1}),
                                    {3}, 20000, Sampler::kAutomatic));
  const PointwiseRow& row = rows.front();
  EXPECT_EQ(row.sampler, Sampler::kPlain);
  EXPECT_GT(std::abs(row.bias) / row.bias_se, 10);
  EXPECT_LT(std::abs(row.z_mean), kGate);
}

TEST(Pointwise, PlainTrialIsTheDrawOfThatTrial) {
  const Estimator estimator = estimator_of("positive", "orthogonal");
  const Pairs pairs = pairs_with(3, {0.5, 0.2});
  const PointwisePlan plan = plan_of(estimator, pairs, {2, 7}, 20, Sampler::kPlain);
  const auto rows = measure(plan);
  for (std::size_t cell = 0; cell < rows.size(); ++cell) {
    double sum = 0, squares = 0;
    for (std::uint64_t trial = 0; trial < 20; ++trial) {
      const double value =
          paired<double>(*estimator.draw(3, rows[cell].m, plan.seed, trial), pairs.X, pairs.Y)(rows[cell].point);
      sum += value / 20;
      squares += (value - rows[cell].truth) * (value - rows[cell].truth) / 20;
    }
    EXPECT_NEAR(rows[cell].mean, sum, 1e-12 * sum);
    EXPECT_NEAR(rows[cell].mse, squares, 1e-11 * squares);
  }
}

TEST(Pointwise, SamplerIsChosenByTheCell) {
  const auto rows = measure(plan_of(estimator_of("positive", "iid"), pairs_with(3, {0.1, 4}), {4, 64}, 1000));
  EXPECT_EQ(rows[1].sampler, Sampler::kPlain);
  EXPECT_EQ(rows[2].sampler, Sampler::kTilted);
  EXPECT_EQ(rows[3].sampler, Sampler::kTilted);
  // A cell of a mixed plan is the cell of a plain one.
  const auto plain =
      measure(plan_of(estimator_of("positive", "iid"), pairs_with(3, {0.1}), {64}, 1000, Sampler::kPlain));
  EXPECT_NEAR(rows[1].mse, plain[0].mse, 1e-12 * plain[0].mse);
  const auto trigonometric = measure(plan_of(estimator_of("trigonometric", "iid"), pairs_with(3, {9}), {4}, 100));
  EXPECT_EQ(trigonometric[0].sampler, Sampler::kPlain);
}

TEST(Pointwise, TiltedCellsAndTrialsHaveStreamsOfTheirOwn) {
  const Estimator estimator = estimator_of("positive", "iid");
  const auto rows = measure(plan_of(estimator, pairs_with(2, {4, 4}), {2, 2}, 100, Sampler::kTilted));
  for (std::size_t i = 1; i < rows.size(); ++i) EXPECT_NE(rows[i].mse, rows[0].mse);
  const Pointwise pointwise(plan_of(estimator, pairs_with(2, {4}), {2}, 100, Sampler::kTilted));
  std::vector<CellMoments> first(1), second(1);
  pointwise.add_trial(0, first);
  pointwise.add_trial(1, second);
  EXPECT_NE(first[0].error.mean(), second[0].error.mean());
}

TEST(Pointwise, ThreadsAndShardsChangeNoBit) {
  const PointwisePlan plan = plan_of(estimator_of("hyperbolic", "orthogonal"), pairs_with(3, {0.1, 4}), {2, 64}, 1000);
  const Pointwise pointwise(plan);
  const std::vector<double> whole = pointwise.run({0, 1000}, {1, {}}).to_numbers();
  EXPECT_EQ(pointwise.run({0, 1000}, {2, {}}).to_numbers(), whole);

  std::vector<PointwiseBlocks> shards;
  for (const Shard shard : {Shard{0, 16}, Shard{16, 480}, Shard{480, 1000}}) {
    // Through numbers and back, and by another object, as on another machine.
    shards.push_back(PointwiseBlocks::from_numbers(Pointwise(plan).run(shard, {2, {}}).to_numbers()));
  }
  const PointwiseBlocks joined = join(shards);
  EXPECT_EQ(joined.to_numbers(), whole);
  const auto rows = pointwise.rows(joined);
  const auto expected = pointwise.rows(PointwiseBlocks::from_numbers(whole));
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_EQ(rows[i].mse, expected[i].mse);
    EXPECT_EQ(rows[i].bias_se, expected[i].bias_se);
    EXPECT_EQ(rows[i].trials, 1000);
  }
}

TEST(Pointwise, ShardsThatDoNotFitAreRefused) {
  PointwisePlan plan = plan_of(estimator_of("positive", "iid"), pairs_with(2, {0.1}), {2}, 100);
  const Pointwise pointwise(plan);
  const PointwiseBlocks first = pointwise.run({0, 32}), second = pointwise.run({32, 100}),
                        overlap = pointwise.run({16, 64});
  plan.seed = 21 + (std::uint64_t{1} << 40);
  const PointwiseBlocks foreign = Pointwise(plan).run({32, 100});
  const auto joining = [](std::vector<PointwiseBlocks> shards) {
    return message_of<std::invalid_argument>([&] { join(shards); });
  };
  EXPECT_EQ(joining({first, second}), "");
  EXPECT_PRED2(contains, joining({}), "no shards");
  EXPECT_PRED2(contains, joining({first, overlap}), "shards overlap: trials [0, 32) of 100");
  EXPECT_PRED2(contains, joining({second, first}), "overlap");
  EXPECT_PRED2(contains, joining({first, pointwise.run({48, 100})}), "leave a gap");
  EXPECT_PRED2(contains, joining({first, foreign}), "different runs");
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { pointwise.rows(foreign); }), "seed 1099511627797");
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { pointwise.run({5, 32}); }), "block length 16");

  EXPECT_EQ(PointwiseBlocks::from_numbers(foreign.to_numbers()).seed, foreign.seed);
  std::vector<double> numbers = first.to_numbers();
  const auto parsing = [](const std::vector<double>& values) {
    return message_of<std::invalid_argument>([&] { PointwiseBlocks::from_numbers(values); });
  };
  EXPECT_PRED2(contains, parsing({}), "format 1");
  numbers.pop_back();
  EXPECT_PRED2(contains, parsing(numbers), "19 numbers follow");
  numbers[2] = 0.5;
  EXPECT_PRED2(contains, parsing(numbers), "begin is 0.5");
}

TEST(Pointwise, ExactZeroVarianceScoresZero) {
  Pairs opposite = pairs_with(3, {0.0}, 2);
  const PointwiseRow hyperbolic = measure(plan_of(estimator_of("hyperbolic", "iid"), opposite, {5}, 100)).front();
  Pairs equal = pairs_with(3, {2.0}, 0);
  const PointwiseRow trigonometric =
      measure(plan_of(estimator_of("trigonometric", "orthogonal"), equal, {5}, 100)).front();
  for (const PointwiseRow& row : {hyperbolic, trigonometric}) {
    EXPECT_EQ(row.law_mse, 0);
    EXPECT_LT(row.mse, 1e-28);
    EXPECT_EQ(row.z_mean, 0);
    EXPECT_EQ(row.z_mse, 0);
  }
}

TEST(Pointwise, WithoutALawThereAreNoScores) {
  const Pairs pairs = pairs_with(2, {1});
  const PointwiseRow row = measure(plan_of(altered(0, "iid"), pairs, {4}, 4000)).front();
  EXPECT_EQ(row.sampler, Sampler::kTilted);
  EXPECT_TRUE(std::isnan(row.law_mse) && std::isnan(row.z_mean) && std::isnan(row.z_mse));
  const double exact = estimator_of("positive", "iid").law({pairs.X.data(), 2}, {pairs.Y.data(), 2}, 4).mse;
  EXPECT_LT(std::abs(row.mse - exact), kGate / 1.96 * (row.mse_high - row.mse));
}

TEST(Pointwise, SinglePrecisionAgreesWithDoubleToItsRounding) {
  PointwisePlan plan = plan_of(estimator_of("positive", "orthogonal"), pairs_with(4, {0.25, 4}), {8}, 400);
  const auto expected = measure(plan);
  plan.single_precision = true;
  const auto rows = measure(plan);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    EXPECT_NE(rows[i].mse, expected[i].mse);
    EXPECT_NEAR(rows[i].mse, expected[i].mse, 1e-4 * expected[i].mse);
  }
}

TEST(Pointwise, BadInputIsNamed) {
  const Estimator estimator = estimator_of("positive", "iid");
  const Pairs pairs = pairs_with(2, {0.1, 0.2});
  const auto refused = [](const PointwisePlan& plan) {
    return message_of<std::invalid_argument>([&] { Pointwise{plan}; });
  };
  const auto bad_value = [](const PointwisePlan& plan) {
    return message_of<std::domain_error>([&] { Pointwise{plan}; });
  };
  PointwisePlan plan = plan_of(estimator, pairs, {2}, 100);

  plan.m = {};
  EXPECT_PRED2(contains, refused(plan), "the number of m is 0");
  plan.m = {4, 0};
  EXPECT_PRED2(contains, refused(plan), "m is 0; expected at least 1");
  plan.m = {2};
  plan.trials = 1;
  EXPECT_PRED2(contains, refused(plan), "trials is 1; expected at least 2");
  plan.trials = kMostTrials + 1;
  EXPECT_PRED2(contains, refused(plan), "expected at most");
  plan.trials = 100;
  plan.Y = Matrix<double>::Zero(3, 2);
  EXPECT_PRED2(contains, refused(plan), "pointwise: X has shape (2, 2) and Y has shape (3, 2)");
  plan.Y = pairs.Y;
  plan.Y(1, 0) = std::numeric_limits<double>::quiet_NaN();
  EXPECT_PRED2(contains, bad_value(plan), "Y[1, 0] is nan");
  plan.Y = Matrix<double>::Constant(2, 2, 0.1);
  plan.X.row(1).setConstant(1e4);
  EXPECT_PRED2(contains, bad_value(plan), "the kernel at point 1 (m = 2) is inf");
  plan.X.row(1).setConstant(20);
  EXPECT_PRED2(contains, bad_value(plan), "the law's mean squared error at point 1");
  EXPECT_PRED2(contains, bad_value(plan), "scale X and Y down");
}

TEST(Pointwise, MissingTiltIsNamed) {
  const auto refused = [](const Estimator& estimator) {
    return message_of<std::invalid_argument>(
        [&] { Pointwise{plan_of(estimator, pairs_with(2, {1}), {2}, 100, Sampler::kTilted)}; });
  };
  EXPECT_EQ(refused(estimator_of("positive", "iid")), "");
  EXPECT_PRED2(contains, refused(estimator_of("trigonometric", "iid")), "the features 'trigonometric'");
  EXPECT_PRED2(contains, refused(estimator_of("positive", "iid", "softmax", "constant")),
               "the frequency law 'constant'");
}

TEST(Pointwise, InterruptionThrows) {
  const Pointwise pointwise(plan_of(estimator_of("positive", "iid"), pairs_with(2, {4}), {64}, 10'000'000));
  const Execution execution{2, [](Index, Index) { return false; }};
  EXPECT_THROW(pointwise.run({0, 10'000'000}, execution), Interrupted);
}

}  // namespace
}  // namespace bochner
