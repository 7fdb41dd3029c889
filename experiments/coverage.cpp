#include "experiments/coverage.h"

#include <algorithm>
#include <cstddef>
#include <functional>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>

namespace bochner {
namespace {

void check_repeats(const PointwisePlan& plan, const Shard& repeats) {
  const bool ordered = 0 <= repeats.begin && repeats.begin < repeats.end;
  if (ordered && repeats.end <= kMostTrials / plan.trials) return;
  std::ostringstream text;
  text << "run_coverage: the shard of repeats is [" << repeats.begin << ", " << repeats.end << ") with " << plan.trials
       << " trials each; expected 0 <= begin < end and at most " << kMostTrials << " trials in all";
  throw std::invalid_argument(text.str());
}

void require_laws(const Pointwise& pointwise) {
  for (Index cell = 0; cell < pointwise.cells(); ++cell) {
    const std::optional<Law>& law = pointwise.law(cell);
    if (!law)
      throw NoLawError(std::string("run_coverage: no exact law is known of ") + pointwise.plan().estimator.describe());
    if (law->mse > 0) continue;
    throw std::domain_error(std::string("run_coverage: the exact mean squared error of cell ") + std::to_string(cell) +
                            " is 0; expected one that an interval can cover");
  }
}

double median_of(const Eigen::Ref<const Vector<double>, 0, Eigen::InnerStride<>>& column) {
  std::vector<double> values(column.begin(), column.end());
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  if (values.size() % 2 == 1) return *middle;
  return (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace

CoverageRuns run_coverage(const PointwisePlan& plan, const Shard& repeats, const Execution& execution) {
  const Pointwise pointwise(plan);
  check_repeats(plan, repeats);
  require_laws(pointwise);
  const Index count = repeats.end - repeats.begin, cells = pointwise.cells();
  CoverageRuns runs{Matrix<double>(count, cells), Matrix<double>(count, cells), Matrix<double>(count, cells)};
  stoppable_for(count, execution, "run_coverage", [&](Index repeat, const std::function<void()>& check) {
    std::vector<CellMoments> moments(static_cast<std::size_t>(cells));
    const Index first = (repeats.begin + repeat) * plan.trials;
    for (Index trial = first; trial < first + plan.trials; ++trial) {
      check();
      pointwise.add_trial(trial, moments);
    }
    for (Index cell = 0; cell < cells; ++cell) {
      const PointwiseRow row = pointwise.row(cell, moments[static_cast<std::size_t>(cell)]);
      runs.mse(repeat, cell) = row.mse / row.law_mse;
      runs.low(repeat, cell) = row.mse_low / row.law_mse;
      runs.high(repeat, cell) = row.mse_high / row.law_mse;
    }
  });
  return runs;
}

std::vector<CoverageRow> coverage_rows(const PointwisePlan& plan, const CoverageRuns& runs) {
  const Pointwise pointwise(plan);
  if (runs.mse.cols() != pointwise.cells() || runs.mse.rows() < 1) {
    std::ostringstream text;
    text << "coverage_rows: runs has shape (" << runs.mse.rows() << ", " << runs.mse.cols()
         << "); expected at least one row and " << pointwise.cells() << " columns, the cells of the plan";
    throw std::invalid_argument(text.str());
  }
  std::vector<CoverageRow> rows;
  for (Index cell = 0; cell < pointwise.cells(); ++cell) {
    const PointwiseRow empty = pointwise.row(cell, {});
    CoverageRow row{empty.point, empty.m, empty.sampler, runs.mse.rows()};
    row.below = (runs.high.col(cell).array() < 1).count();
    row.above = (runs.low.col(cell).array() > 1).count();
    row.covered = ((runs.low.col(cell).array() <= 1) && (runs.high.col(cell).array() >= 1)).count();
    row.median = median_of(runs.mse.col(cell));
    rows.push_back(row);
  }
  return rows;
}

}  // namespace bochner
