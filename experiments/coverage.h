#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "experiments/pointwise.h"
#include "experiments/trials.h"

#include <vector>

namespace bochner {

/// One pointwise run repeated: the MSE and its 95 % interval over the exact MSE, (repeats, cells) each. A repeat covers
/// where low <= 1 <= high.
struct CoverageRuns {
  Matrix<double> mse;
  Matrix<double> low;
  Matrix<double> high;
};

/// Runs the plan again and again. Repeat r consists of the trials [r T, (r + 1) T) of the plan's seed, T = plan.trials,
/// so repeats are independent of one another and of those of any other seed; within a repeat the plain cells share
/// draws. The shard [begin, end) of repeats may be cut anywhere; shards are joined row by row. Throws
/// std::invalid_argument unless 0 <= begin < end and end T <= 2^40, NoLawError where a cell has no exact law,
/// std::domain_error where the exact MSE is 0; Interrupted. Cost: end - begin times that of the plan.
CoverageRuns run_coverage(const PointwisePlan& plan, const Shard& repeats, const Execution& execution = {});

/// What the repeats of a cell say. `covered` of an honest interval is binomial(repeats, 0.95).
struct CoverageRow {
  Index point = 0;
  Index m = 0;
  Sampler sampler = Sampler::kPlain;
  Index repeats = 0;
  Index covered = 0;
  Index below = 0;  ///< intervals that end below the exact MSE: the tail was not seen
  Index above = 0;
  double median = 0;  ///< of measured / exact MSE
};

/// A row for each point and m of the plan. Throws std::invalid_argument when the runs have not its number of cells.
std::vector<CoverageRow> coverage_rows(const PointwisePlan& plan, const CoverageRuns& runs);

}  // namespace bochner
