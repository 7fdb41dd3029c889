#include "experiments/pointwise.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace bochner {
namespace {

constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
constexpr Index kMostCells = std::numeric_limits<Index>::max() / kMostTrials;
/// Half the width of a 95 % normal interval in standard errors.
constexpr double kNormalQuantile = 1.959963984540054;

std::span<const double> row_of(const Matrix<double>& points, Index i) {
  return {points.row(i).data(), static_cast<std::size_t>(points.cols())};
}

void check_plan(const PointwisePlan& plan) {
  constexpr const char* kName = "pointwise";
  require_points(plan.X, kName, "X");
  require_same_shape(plan.X, plan.Y, kName, "X", "Y");
  require_finite(plan.Y, kName, "Y");
  require_in_range<double>(plan.estimator.kernel().input_range(), plan.X, kName, "X");
  require_in_range<double>(plan.estimator.kernel().input_range(), plan.Y, kName, "Y");
  require_at_least(static_cast<Index>(plan.m.size()), 1, kName, "the number of m");
  for (const Index size : plan.m) require_at_least(size, 1, kName, "m");
  require_at_least(plan.trials, 2, kName, "trials");
  const Index cells = plan.X.rows() * static_cast<Index>(plan.m.size());
  if (plan.trials > kMostTrials || cells > kMostCells) {
    std::ostringstream text;
    text << kName << ": trials is " << plan.trials << " and X.rows times the number of m is " << cells
         << "; expected at most " << kMostTrials << " and " << kMostCells;
    throw std::invalid_argument(text.str());
  }
}

[[noreturn]] void throw_beyond_double(Index point, Index m, const char* what, double got) {
  std::ostringstream text;
  text << "pointwise: " << what << " at point " << point << " (m = " << m << ") is " << got
       << "; expected a finite double: scale X and Y down, or measure a bounded kernel such as 'gaussian'";
  throw std::domain_error(text.str());
}

/// The magnitude by which errors are divided.
double scale_of(double truth, const std::optional<Law>& law) {
  if (law && law->mse >= std::numeric_limits<double>::min()) return std::sqrt(law->mse);
  return truth != 0 ? std::abs(truth) : 1.0;
}

/// (measured - expected) / error; differences of the size of rounding say nothing, even where the error is zero.
double z_score(double measured, double expected, double error, double rounding) {
  const double difference = measured - expected;
  if (std::abs(difference) <= rounding) return 0;
  return difference / error;
}

Vector<double> estimates(const FeatureMap& map, const MatrixView<double>& X, const MatrixView<double>& Y, bool single) {
  if (!single) return detail::paired<double>(map, X, Y);
  const Matrix<float> queries = X.cast<float>();
  const Matrix<float> keys = Y.cast<float>();
  return detail::paired<float>(map, queries, keys).cast<double>();
}

}  // namespace

Pointwise::Pointwise(PointwisePlan plan) : plan_(std::move(plan)) {
  check_plan(plan_);
  if (plan_.single_precision) {
    plan_.X = plan_.X.cast<float>().cast<double>().eval();
    plan_.Y = plan_.Y.cast<float>().cast<double>().eval();
  }
  cells_.reserve(static_cast<std::size_t>(plan_.X.rows()) * plan_.m.size());
  for (Index point = 0; point < plan_.X.rows(); ++point) {
    for (const Index m : plan_.m) cells_.push_back(make_cell(point, m));
  }
  group_plain_cells();
}

Pointwise::Cell Pointwise::make_cell(Index point, Index m) const {
  const Estimator& estimator = plan_.estimator;
  const std::span<const double> x = row_of(plan_.X, point), y = row_of(plan_.Y, point);
  Cell cell;
  cell.truth = estimator.kernel().value(x, y).value();
  if (!std::isfinite(cell.truth)) throw_beyond_double(point, m, "the kernel", cell.truth);
  cell.law = estimator.features().law(estimator.kernel(), estimator.frequency_law(), estimator.coupling(), m, x, y);
  if (cell.law && !std::isfinite(cell.law->mean)) throw_beyond_double(point, m, "the law's mean", cell.law->mean);
  if (cell.law && !std::isfinite(cell.law->mse)) {
    throw_beyond_double(point, m, "the law's mean squared error", cell.law->mse);
  }
  cell.scale = scale_of(cell.truth, cell.law);

  // An exponent or angle of size A carries an error of some A eps into a factor; A is at most the squared norms.
  const double epsilon =
      plan_.single_precision ? double{std::numeric_limits<float>::epsilon()} : std::numeric_limits<double>::epsilon();
  const std::vector<double> scales = estimator.kernel().projection_form().scales;
  double size = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double scale = scales[scales.size() == 1 ? 0 : j];
    size += scale * scale * (x[j] * x[j] + y[j] * y[j]);
  }
  cell.rounding = 16 * (1 + size) * epsilon * std::abs(cell.truth);

  if (choose_tilted(cell, point)) cell.tilted.emplace(estimator, m, x, y);
  return cell;
}

bool Pointwise::choose_tilted(const Cell& cell, Index point) const {
  if (plan_.sampler == Sampler::kPlain) return false;
  const std::string obstacle = TiltedSampler::obstacle(plan_.estimator, row_of(plan_.X, point), row_of(plan_.Y, point));
  if (plan_.sampler == Sampler::kTilted) {
    if (obstacle.empty()) return true;
    throw std::invalid_argument(std::string("pointwise: sampler is tilted, but ") + obstacle +
                                "; expected sampler plain or automatic");
  }
  if (!obstacle.empty()) return false;
  // Where the tail is not known, the sampler that is right with any tail.
  if (!cell.law || !cell.law->iid_kurtosis) return true;
  return (*cell.law->iid_kurtosis - 1) / std::sqrt(static_cast<double>(plan_.trials)) > kPlainLimit;
}

void Pointwise::group_plain_cells() {
  const std::size_t sizes = plan_.m.size();
  for (std::size_t k = 0; k < sizes; ++k) {
    PlainGroup group;
    std::vector<Index> points;
    for (std::size_t cell = k; cell < cells_.size(); cell += sizes) {
      if (cells_[cell].tilted) continue;
      group.cells.push_back(cell);
      points.push_back(static_cast<Index>(cell / sizes));
    }
    if (points.empty()) continue;
    group.X = plan_.X(points, Eigen::all);
    group.Y = plan_.Y(points, Eigen::all);
    groups_.push_back(std::move(group));
    group_m_.push_back(plan_.m[k]);
  }
}

void Pointwise::add_trial(Index trial, std::span<CellMoments> moments) const {
  add_plain_trial(trial, moments);
  for (std::size_t cell = 0; cell < cells_.size(); ++cell) {
    if (cells_[cell].tilted) add_tilted_trial(trial, cell, moments[cell]);
  }
}

void Pointwise::add_plain_trial(Index trial, std::span<CellMoments> moments) const {
  if (groups_.empty()) return;
  const auto maps = plan_.estimator.draw_each(plan_.X.cols(), group_m_, plan_.seed, static_cast<std::uint64_t>(trial));
  for (std::size_t g = 0; g < groups_.size(); ++g) {
    const PlainGroup& group = groups_[g];
    const Vector<double> values = estimates(*maps[g], group.X, group.Y, plan_.single_precision);
    for (std::size_t i = 0; i < group.cells.size(); ++i) {
      const Cell& cell = cells_[group.cells[i]];
      moments[group.cells[i]].add(0, (values(static_cast<Index>(i)) - cell.truth) / cell.scale);
    }
  }
}

void Pointwise::add_tilted_trial(Index trial, std::size_t index, CellMoments& moments) const {
  const Cell& cell = cells_[index];
  const auto point = static_cast<Index>(index / plan_.m.size());
  const std::uint64_t name = static_cast<std::uint64_t>(trial) + index * static_cast<std::uint64_t>(kMostTrials);
  const Stream stream(plan_.seed, Purpose::kTilt, name);
  const TiltedSampler::Draw draw = cell.tilted->draw(stream);
  const auto map = plan_.estimator.map_of(draw.W);
  const double value =
      estimates(*map, plan_.X.middleRows(point, 1), plan_.Y.middleRows(point, 1), plan_.single_precision)(0);
  moments.add(draw.log_weight, (value - cell.truth) / cell.scale);
}

PointwiseBlocks Pointwise::run(const Shard& shard, const Execution& execution) const {
  PointwiseBlocks blocks{plan_.trials, shard, plan_.seed, plan_.X.rows(), plan_.m, {}};
  const auto count = static_cast<std::size_t>(shard_blocks(plan_.trials, shard, "pointwise"));
  blocks.moments.resize(count * cells_.size());
  const std::span<CellMoments> moments = blocks.moments;
  for_trials(plan_.trials, shard, execution, "pointwise", [&](Index block, Index trial) {
    add_trial(trial, moments.subspan(static_cast<std::size_t>(block) * cells_.size(), cells_.size()));
  });
  return blocks;
}

std::vector<PointwiseRow> Pointwise::rows(const PointwiseBlocks& blocks) const {
  if (blocks.trials != plan_.trials || blocks.seed != plan_.seed || blocks.points != plan_.X.rows() ||
      blocks.m != plan_.m) {
    std::ostringstream text;
    text << "pointwise: the blocks are of a run of " << blocks.trials << " trials, seed " << blocks.seed << ", "
         << blocks.points << " points and " << blocks.m.size() << " m; expected those of the plan: " << plan_.trials
         << ", " << plan_.seed << ", " << plan_.X.rows() << ", " << plan_.m.size();
    throw std::invalid_argument(text.str());
  }
  const std::vector<CellMoments> moments = blocks.merged();
  std::vector<PointwiseRow> result;
  result.reserve(moments.size());
  for (std::size_t cell = 0; cell < moments.size(); ++cell)
    result.push_back(row(static_cast<Index>(cell), moments[cell]));
  return result;
}

PointwiseRow Pointwise::row(Index index, const CellMoments& moments) const {
  const Cell& cell = cells_[static_cast<std::size_t>(index)];
  const auto sizes = static_cast<Index>(plan_.m.size());
  const double s = cell.scale;
  PointwiseRow row;
  row.point = index / sizes;
  row.m = plan_.m[static_cast<std::size_t>(index % sizes)];
  row.trials = moments.error.count();
  row.sampler = cell.tilted ? Sampler::kTilted : Sampler::kPlain;
  row.truth = cell.truth;
  row.bias = s * moments.error.mean();
  row.bias_se = s * moments.error.standard_error();
  row.mean = cell.truth + row.bias;
  row.mse = s * s * moments.square.mean();
  const double mse_se = s * s * moments.square.standard_error();
  row.mse_low = std::max(0.0, row.mse - kNormalQuantile * mse_se);
  row.mse_high = row.mse + kNormalQuantile * mse_se;
  row.law_mse = cell.law ? cell.law->mse : kUndefined;
  row.z_mean = cell.law ? z_score(row.bias, cell.law->bias, row.bias_se, cell.rounding) : kUndefined;
  row.z_mse = cell.law
                  ? z_score(row.mse, cell.law->mse, mse_se, cell.rounding * (2 * std::abs(row.bias) + cell.rounding))
                  : kUndefined;
  return row;
}

}  // namespace bochner
