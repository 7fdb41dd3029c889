#pragma once

#include "core/types.h"
#include "estimators/estimator.h"
#include "experiments/pointwise_blocks.h"
#include "experiments/tilted_sampler.h"

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace bochner {

/// How the trials of a cell are drawn: from the estimator itself, or from the mixture of TiltedSampler.
/// Automatic is tilted where that exists and the law says that plain intervals would fail (kPlainLimit).
enum class Sampler { kAutomatic, kPlain, kTilted };

/// The automatic choice is the plain sampler while (kurtosis of an estimate - 1) / sqrt(trials) is at most this. The
/// shortfall of a 95 % interval grows as the skewness of the squared errors over sqrt(trials), and that skewness, for
/// errors with exponential tails, about as the kurtosis. Measured at this limit with positive features, m = 1 and 16,
/// at 3,000 to 10,000 repeats: 94.7 and 94.3 % for 1,000 trials, 95.1 and 94.4 % for 10,000, and for 100,000 with m = 1
/// 94.4 %, hyperbolic 94.3 %; with m = 256 and 10,000 trials 93.9 +- 1.0 %, where a limit of 0.05 is no better: 93.8
/// +- 1.1 %.
inline constexpr double kPlainLimit = 0.08;

/// Trials of a run and, times cells, of its tilted streams: one word holds both.
inline constexpr Index kMostTrials = Index{1} << 40;

/// What is measured: K^(X_i, Y_i) for every pair and every m, `trials` times.
struct PointwisePlan {
  Estimator estimator;
  Matrix<double> X;  // (n, d)
  Matrix<double> Y;  // (n, d)
  std::vector<Index> m;
  Index trials = 0;
  std::uint64_t seed = 0;
  Sampler sampler = Sampler::kAutomatic;
  /// Estimate in float, at the points rounded to float; the truth at those points is evaluated in double.
  bool single_precision = false;
};

/// One measured cell. Intervals are 95 % normal intervals of the mean squared error, cut at 0. z_mean and z_mse are
/// (measured - law) / standard error, NaN without a law, 0 where both sides agree to the rounding of the estimate.
struct PointwiseRow {
  Index point = 0;
  Index m = 0;
  Index trials = 0;
  Sampler sampler = Sampler::kPlain;
  double truth = 0;
  double mean = 0;
  double bias = 0;  ///< measured mean - truth
  double bias_se = 0;
  double mse = 0;
  double mse_low = 0;
  double mse_high = 0;
  double law_mse = 0;
  double z_mean = 0;
  double z_mse = 0;
};

/// The trial loop over pairs of points.
///
/// Trial t of a plain cell is estimator.draw_each(d, m, seed, t): one draw serves all points and all m. A tilted cell
/// has streams of its own, (seed, tilt, t + 2^40 cell) with cell = point |m| + position of m, so its trials are
/// independent of those of any other cell.
class Pointwise {
 public:
  /// Evaluates truth and law, and chooses the samplers. Throws std::invalid_argument on shapes and sizes (trials from 2
  /// to 2^40) and where a tilted sampler is asked for that does not exist, saying what lacks it; std::domain_error on
  /// NaN or infinity in X or Y, and where the truth or the law of a point is beyond double.
  explicit Pointwise(PointwisePlan plan);

  const PointwisePlan& plan() const { return plan_; }
  Index cells() const { return static_cast<Index>(cells_.size()); }

  /// Measures the shard. The result is bit-identical for any number of threads and any cut into shards.
  /// Throws what for_trials throws. Cost a trial: one draw and one pass over the points for each m; tilted: for each
  /// cell.
  PointwiseBlocks run(const Shard& shard, const Execution& execution = {}) const;

  /// The exact law of a cell, none where it is not known.
  const std::optional<Law>& law(Index cell) const { return cells_[static_cast<std::size_t>(cell)].law; }

  /// Adds one trial, any from 0 to 2^40, to the moments of every cell, (points, m).
  void add_trial(Index trial, std::span<CellMoments> moments) const;

  /// A row for each point and m. Throws std::invalid_argument when the blocks are of another plan.
  std::vector<PointwiseRow> rows(const PointwiseBlocks& blocks) const;
  PointwiseRow row(Index cell, const CellMoments& moments) const;

 private:
  struct Cell {
    double truth = 0;
    double scale = 1;     // s, so that fourth powers stay in range
    double rounding = 0;  // of one estimate
    std::optional<Law> law;
    std::optional<TiltedSampler> tilted;
  };
  /// The plain cells of one m.
  struct PlainGroup {
    std::vector<std::size_t> cells;
    Matrix<double> X, Y;
  };

  Cell make_cell(Index point, Index m) const;
  bool choose_tilted(const Cell& cell, Index point) const;
  void group_plain_cells();
  void add_plain_trial(Index trial, std::span<CellMoments> moments) const;
  void add_tilted_trial(Index trial, std::size_t cell, CellMoments& moments) const;

  PointwisePlan plan_;
  std::vector<Cell> cells_;  // (points, m)
  std::vector<PlainGroup> groups_;
  std::vector<Index> group_m_;
};

}  // namespace bochner
