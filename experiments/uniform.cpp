#include "experiments/uniform.h"

#include "core/check.h"
#include "estimators/laws/one_frequency.h"
#include "experiments/ascents.h"
#include "experiments/certified_maximum.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>

namespace bochner {
namespace {

constexpr const char* kName = "experiments.uniform";
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// The estimate as a sum over one-frequency functions f(w.t) with the frequencies of the kernel itself, where the two
/// have one mean; none elsewhere.
std::optional<OneFrequencyEstimate> common_form(const Estimator& estimator) {
  const Kernel& kernel = estimator.kernel();
  auto estimate = estimator.features().one_frequency(kernel);
  const auto law = kernel.frequency_law();
  if (!estimate || !law || !kernel.is_mean_of(estimate->shape, *law)) return std::nullopt;
  // Elsewhere the factor does not depend on |x|^2 + |y|^2 alone.
  if (estimate->exponent != 0 && estimate->scales.size() > 1) return std::nullopt;
  return estimate;
}

/// E |w|^2 cosh(w.t), |t| = r, by the moments of |w|; none where these are not known. It grows with r.
std::optional<double> mean_square_cosh(const FrequencyLaw& law, Index dim, double r) {
  const RadialLaw* radial = law.isotropic();
  if (!radial || !radial->moment_ratio(dim, 1)) return std::nullopt;
  double term = *radial->moment_ratio(dim, 0);
  double sum = term;
  for (Index k = 0; std::isfinite(sum) && term > sum * std::numeric_limits<double>::epsilon() / 4; ++k) {
    const auto n = static_cast<double>(2 * k);
    term *= r * r * *radial->moment_ratio(dim, k + 1) / ((static_cast<double>(dim) + n) * (n + 2));
    sum += term;
  }
  return sum;
}

/// A bound of a E |w'|^2 |f''(w'.t)| over |t| <= r, w' = scales * w; none where it is not known.
std::optional<double> kernel_curvature(const Kernel& kernel, const OneFrequencyEstimate& estimate, Index dim,
                                       double r) {
  const auto law = kernel.frequency_law();
  if (estimate.shape != Shape::kCos) {
    const double scale = estimate.scales.front();
    const auto curvature = mean_square_cosh(*law, dim, r * scale);
    return curvature ? std::optional(estimate.amplitude * scale * scale * *curvature) : std::nullopt;
  }
  const auto squares = law->mean_squares(dim);
  if (!squares) return std::nullopt;
  double sum = 0;
  for (Index j = 0; j < dim; ++j) {
    const double scale = estimate.scale(static_cast<std::size_t>(j));
    sum += scale * scale * (*squares)(j);
  }
  return estimate.amplitude * sum;
}

/// What the certificate knows of one draw.
WeightedFunction weighted_function(const FeatureMap& map, const Kernel& kernel, const OneFrequencyEstimate& estimate,
                                   const Ball& ball) {
  const Index d = ball.dim;
  const double radius = ball.radius;
  const double exponent = estimate.exponent * estimate.scales.front() * estimate.scales.front();
  WeightedFunction function{d, 2 * radius, estimate.shape != Shape::kExp, {}, {}, {}};
  function.weight = [=](double norm) {
    double squares = norm * norm / 2;
    if (exponent > 0) squares = radius * radius + (d == 1 ? std::pow(radius - norm, 2) : radius * radius);
    return std::exp(exponent * squares);
  };
  const Matrix<double> W = map.frequencies();
  function.curvature = [=, &kernel](const Matrix<double>& centres, double reach) -> Vector<double> {
    const Vector<double> squares = W.rowwise().squaredNorm();
    Vector<double> own = Vector<double>::Constant(centres.rows(), squares.mean());
    // In blocks, since there may be millions of boxes.
    constexpr Index kBlock = 1024;
    for (Index begin = 0; estimate.shape != Shape::kCos && begin < own.size(); begin += kBlock) {
      const Index rows = std::min(kBlock, own.size() - begin);
      Matrix<double> largest = centres.middleRows(begin, rows) * W.transpose();
      if (estimate.shape == Shape::kCosh) largest = largest.cwiseAbs();
      largest.rowwise() += reach * W.cwiseAbs().rowwise().sum().transpose();
      own.segment(begin, rows) = largest.array().exp().matrix() * squares / static_cast<double>(W.rows());
    }
    Vector<double> both = estimate.amplitude * own;
    for (Index i = 0; i < both.size(); ++i) {
      const double farthest = centres.row(i).norm() + reach * std::sqrt(static_cast<double>(d));
      both(i) += kernel_curvature(kernel, estimate, d, farthest).value_or(kInfinity);
    }
    return both;
  };
  const Matrix<double> origin = Matrix<double>::Zero(1, d);
  function.values = [&map, &kernel, origin, exponent](const Matrix<double>& T) -> Vector<double> {
    const Matrix<double> difference = gram<double>(map, T, origin) - gram<double>(kernel, T, origin);
    return (-exponent * T.rowwise().squaredNorm()).array().exp() * difference.col(0).array();
  };
  return function;
}

void require_plan(const UniformPlan& plan, const Shard& shard) {
  require_at_least(static_cast<Index>(plan.m.size()), 1, kName, "the number of m");
  for (const Index m : plan.m) require_at_least(m, 1, kName, "m");
  require_at_least(plan.trials, 1, kName, "trials");
  if (0 <= shard.begin && shard.begin < shard.end && shard.end <= plan.trials) return;
  std::ostringstream text;
  text << kName << ": the shard is [" << shard.begin << ", " << shard.end << ") of " << plan.trials
       << " trials; expected 0 <= begin < end <= " << plan.trials;
  throw std::invalid_argument(text.str());
}

/// measure(map, trial, place, check) for every m and trial, where place counts (m, trials).
template <class Measure>
UniformErrors measure_draws(const UniformPlan& plan, Index dim, Index starts, const Shard& shard,
                            const Execution& execution, const Measure& measure) {
  UniformErrors errors;
  errors.sizes = static_cast<Index>(plan.m.size());
  errors.trials = shard.end - shard.begin;
  errors.starts = starts;
  const auto count = static_cast<std::size_t>(errors.sizes * errors.trials);
  errors.found.resize(count);
  errors.certified.assign(count, kInfinity);
  errors.maxima.resize(count * static_cast<std::size_t>(starts));
  stoppable_for(errors.sizes * errors.trials, execution, kName, [&](Index index, const auto& check) {
    check();
    const Index k = index % errors.sizes, trial = index / errors.sizes;
    const auto name = static_cast<std::uint64_t>(shard.begin + trial);
    const auto map = plan.estimator.draw(dim, plan.m[static_cast<std::size_t>(k)], plan.seed, name);
    measure(errors, *map, name, static_cast<std::size_t>(k * errors.trials + trial), check);
  });
  return errors;
}

}  // namespace

bool has_certificate(const Estimator& estimator, Index dim) {
  const auto estimate = common_form(estimator);
  return dim <= 2 && estimate && kernel_curvature(estimator.kernel(), *estimate, dim, 0).has_value();
}

UniformErrors uniform_errors(const UniformPlan& plan, const Ball& ball, const UniformSearch& search, const Shard& shard,
                             const Execution& execution) {
  require_plan(plan, shard);
  require_at_least(ball.dim, 1, kName, "dim");
  require_positive(ball.radius, kName, "radius");
  require_positive(search.tolerance, kName, "tolerance");
  require_at_least(search.starts, 1, kName, "starts");
  const bool possible = has_certificate(plan.estimator, ball.dim);
  if (search.search == Search::kCertified && !possible) {
    throw std::invalid_argument(std::string(kName) + ": there is no certificate for " + plan.estimator.describe() +
                                " in dimension " + std::to_string(ball.dim) +
                                "; expected dim 1 or 2, and trigonometric features of a kernel with E |w|^2 finite, "
                                "or positive or hyperbolic ones of frequencies with all moments");
  }
  const Kernel& kernel = plan.estimator.kernel();
  if (possible && search.search != Search::kAscents) {
    const OneFrequencyEstimate estimate = *common_form(plan.estimator);
    return measure_draws(plan, ball.dim, 0, shard, execution,
                         [&](UniformErrors& errors, const FeatureMap& map, std::uint64_t, std::size_t place,
                             const std::function<void()>& check) {
                           const Bracket bracket = certified_maximum(weighted_function(map, kernel, estimate, ball),
                                                                     search.tolerance, check);
                           errors.found[place] = bracket.found;
                           errors.certified[place] = bracket.certified;
                         });
  }
  const auto starts = static_cast<std::size_t>(search.starts);
  return measure_draws(plan, ball.dim, search.starts, shard, execution,
                       [&](UniformErrors& errors, const FeatureMap& map, std::uint64_t trial, std::size_t place,
                           const std::function<void()>& check) {
                         const Stream stream(plan.seed, Purpose::kData, trial);
                         const auto maxima = ascend(map, kernel, ball.radius, search.starts, stream, check);
                         errors.found[place] = *std::max_element(maxima.begin(), maxima.end());
                         std::copy(maxima.begin(), maxima.end(),
                                   errors.maxima.begin() + static_cast<std::ptrdiff_t>(place * starts));
                       });
}

UniformErrors uniform_errors(const UniformPlan& plan, const MatrixView<double>& X, const MatrixView<double>& Y,
                             const Shard& shard, const Execution& execution) {
  require_plan(plan, shard);
  require_points(X, kName, "X");
  require_points(Y, kName, "Y");
  require_columns(Y.cols(), X.cols(), kName, "Y");
  const Matrix<double> exact = gram<double>(plan.estimator.kernel(), X, Y, execution);
  return measure_draws(plan, X.cols(), 0, shard, execution,
                       [&](UniformErrors& errors, const FeatureMap& map, std::uint64_t, std::size_t place,
                           const std::function<void()>&) {
                         const Matrix<double> difference = gram<double>(map, X, Y) - exact;
                         const double largest = difference.hasNaN() ? kInfinity : difference.cwiseAbs().maxCoeff();
                         errors.found[place] = errors.certified[place] = largest;
                       });
}

}  // namespace bochner
