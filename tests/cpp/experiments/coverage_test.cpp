#include "experiments/coverage.h"

#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "pairs.h"

namespace bochner {
namespace {

constexpr Index kRepeats = 400;
constexpr Index kTrials = 1000;

PointwisePlan plan_of(const std::string& coupling, const std::vector<double>& v, Sampler sampler) {
  const Pairs pairs = pairs_with(4, v);
  return {estimator_of("positive", coupling), pairs.X, pairs.Y, {4}, kTrials, 5, sampler, false};
}

TEST(Coverage, TiltedIntervalsCoverAsOftenAsTheySay) {
  for (const char* coupling : {"iid", "orthogonal"}) {
    const PointwisePlan plan = plan_of(coupling, {4, 16}, Sampler::kTilted);
    for (const CoverageRow& row : coverage_rows(plan, run_coverage(plan, {0, kRepeats}, {2, {}}))) {
      // Binomial, four standard deviations of 1.1 %; the skewness at 1,000 trials costs up to half a per cent more.
      EXPECT_NEAR(static_cast<double>(row.covered) / kRepeats, 0.95, 4 * 0.011 + 0.005) << coupling << row.point;
      EXPECT_EQ(row.covered + row.below + row.above, kRepeats);
      EXPECT_NEAR(row.median, 1, 0.01);
      EXPECT_EQ(row.sampler, Sampler::kTilted);
    }
  }
}

TEST(Coverage, PlainIntervalsFailWhereTheTailIsNotSeen) {
  const PointwisePlan plan = plan_of("iid", {0.25, 9}, Sampler::kPlain);
  const auto rows = coverage_rows(plan, run_coverage(plan, {0, kRepeats}, {2, {}}));
  EXPECT_GT(rows[0].covered, 0.88 * kRepeats);
  EXPECT_LT(rows[1].covered, 0.3 * kRepeats);
  EXPECT_GT(rows[1].below, 0.7 * kRepeats);
  EXPECT_LT(rows[1].median, 0.3);
}

TEST(Coverage, ShardsOfRepeatsAreRowsOfTheWhole) {
  const PointwisePlan plan = plan_of("orthogonal", {0.1, 4}, Sampler::kAutomatic);
  const CoverageRuns whole = run_coverage(plan, {0, 6}, {2, {}});
  const CoverageRuns part = run_coverage(plan, {2, 5});
  EXPECT_EQ(part.mse, whole.mse.middleRows(2, 3));
  EXPECT_EQ(part.low, whole.low.middleRows(2, 3));
  EXPECT_EQ(part.high, whole.high.middleRows(2, 3));
  // Repeats are different trials.
  EXPECT_NE(whole.mse(0, 0), whole.mse(1, 0));
  EXPECT_NE(whole.mse(0, 1), whole.mse(1, 1));
  // The first repeat is the pointwise run, up to the order of summation.
  const Pointwise pointwise(plan);
  const auto rows = pointwise.rows(pointwise.run({0, kTrials}));
  for (Index cell = 0; cell < 2; ++cell) {
    const PointwiseRow& row = rows[static_cast<std::size_t>(cell)];
    EXPECT_NEAR(whole.mse(0, cell), row.mse / row.law_mse, 1e-12);
    EXPECT_NEAR(whole.high(0, cell), row.mse_high / row.law_mse, 1e-11);
  }
}

TEST(Coverage, BadInputIsNamed) {
  const PointwisePlan plan = plan_of("iid", {0.1}, Sampler::kPlain);
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { run_coverage(plan, {3, 3}); }), "[3, 3)");
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { run_coverage(plan, {0, kMostTrials / kTrials + 1}); }),
               "trials in all");
  PointwisePlan exact = plan;
  exact.estimator = estimator_of("hyperbolic", "iid");
  exact.Y = -exact.X;
  EXPECT_PRED2(contains, message_of<std::domain_error>([&] { run_coverage(exact, {0, 2}); }), "cell 0 is 0");
  const CoverageRuns runs{Matrix<double>(2, 3), Matrix<double>(2, 3), Matrix<double>(2, 3)};
  EXPECT_PRED2(contains, message_of<std::invalid_argument>([&] { coverage_rows(plan, runs); }), "shape (2, 3)");
  EXPECT_THROW(run_coverage(plan, {0, 100'000}, {1, [](Index, Index) { return false; }}), Interrupted);
}

}  // namespace
}  // namespace bochner
