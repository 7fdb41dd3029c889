#include "experiments/uniform.h"

#include "core/check.h"
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

/// amplitude E |w|^2 of the kernel's frequencies; none where E cos(w.t) is not the kernel, up to a factor, or where it
/// is infinite or not known.
std::optional<double> kernel_curvature(const Kernel& kernel, Index dim) {
  const auto law = kernel.frequency_law();
  if (!law || law->isotropic() == nullptr || !kernel.is_mean_of(Shape::kCos, *law)) return std::nullopt;
  const auto moment = law->isotropic()->moment_ratio(dim, 0);
  if (!moment) return std::nullopt;
  const ProjectionForm form = kernel.projection_form();
  double squares = 0;
  for (const double scale : form.scales) squares += scale * scale;
  return form.amplitude * *moment * squares / static_cast<double>(form.scales.size());
}

/// What the certificate knows of one draw.
EvenFunction even_function(const FeatureMap& map, const Kernel& kernel, const Ball& ball) {
  const Index d = ball.dim;
  const double radius = ball.radius;
  const Matrix<double> origin = Matrix<double>::Zero(1, d);
  // K^(x, x) = amplitude exp(2 e |x|^2).
  Matrix<double> edge = origin;
  edge(0, 0) = radius;
  const double amplitude = detail::paired<double>(map, origin, origin)(0);
  const double exponent = std::log(detail::paired<double>(map, edge, edge)(0) / amplitude) / (2 * radius * radius);

  EvenFunction function{d, 2 * radius, 0, {}, {}};
  function.curvature =
      amplitude * map.frequencies().rowwise().squaredNorm().mean() + kernel_curvature(kernel, d).value_or(kInfinity);
  function.weight = [=](double norm) {
    double squares = norm * norm / 2;
    if (exponent > 0) squares = radius * radius + (d == 1 ? std::pow(radius - norm, 2) : radius * radius);
    return std::exp(exponent * squares);
  };
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
  const auto estimate = estimator.features().one_frequency(estimator.kernel());
  if (dim > 2 || !estimate || estimate->shape != Shape::kCos) return false;
  // The factor must depend on |x|^2 + |y|^2 alone.
  if (estimate->exponent != 0 && estimate->scales.size() > 1) return false;
  return kernel_curvature(estimator.kernel(), dim).has_value();
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
                                "; expected dim 1 or 2 and trigonometric features of a kernel with E |w|^2 finite");
  }
  const Kernel& kernel = plan.estimator.kernel();
  if (possible && search.search != Search::kAscents) {
    return measure_draws(plan, ball.dim, 0, shard, execution,
                         [&](UniformErrors& errors, const FeatureMap& map, std::uint64_t, std::size_t place,
                             const std::function<void()>& check) {
                           const Bracket bracket =
                               certified_maximum(even_function(map, kernel, ball), search.tolerance, check);
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
