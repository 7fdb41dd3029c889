#include "experiments/attention_error.h"

#include "core/check.h"
#include "estimators/attention/attention.h"

#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <sstream>
#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

constexpr const char* kName = "experiments.attention";

template <class Scalar>
Index size_of(const HeadArray<Scalar>& array) {
  return array.batch * array.heads * array.rows * array.cols;
}

/// An array in double, with its copy where it was not.
template <class Scalar>
class DoubleHeads {
 public:
  explicit DoubleHeads(const HeadArray<const Scalar>& array)
      : copy_(Eigen::Map<const Vector<Scalar>>(array.data, size_of(array)).template cast<double>()),
        view_{copy_.data(), array.batch, array.heads, array.rows, array.cols} {}
  const HeadArray<const double>& view() const { return view_; }

 private:
  Vector<double> copy_;
  HeadArray<const double> view_;
};

OutputError output_error(const Eigen::Ref<const Vector<double>>& difference, double exact_norm) {
  const double norm = difference.stableNorm();
  if (std::isnan(norm)) return {std::numeric_limits<double>::infinity(), std::numeric_limits<double>::infinity()};
  const double rms = norm / std::sqrt(static_cast<double>(difference.size()));
  return {rms * rms, norm == 0 ? 0 : norm / exact_norm};
}

}  // namespace

template <class Scalar>
AttentionExperiment<Scalar>::AttentionExperiment(AttentionPlan<Scalar> plan, const Execution& execution)
    : plan_(std::move(plan)) {
  require_at_least(static_cast<Index>(plan_.m.size()), 1, kName, "the number of m");
  for (const Index m : plan_.m) require_at_least(m, 1, kName, "m");
  require_at_least(plan_.trials, 1, kName, "trials");

  const auto &Q = plan_.Q, &K = plan_.K, &V = plan_.V;
  require_attention_batch<Scalar>({Q, K, V, {nullptr, Q.batch, Q.heads, Q.rows, V.cols}}, plan_.options, kName);
  exact_.resize(Q.batch * Q.heads, Q.rows * V.cols);
  Matrix<double> uniform(exact_.rows(), exact_.cols());
  const DoubleHeads<Scalar> queries(Q), keys(K), values(V);
  AttentionBatch<double> batch{
      queries.view(), keys.view(), values.view(), {exact_.data(), Q.batch, Q.heads, Q.rows, V.cols}};
  exact_attention(batch, plan_.options, execution);
  batch.out.data = uniform.data();
  uniform_attention(batch, plan_.options);
  for (Index head = 0; head < exact_.rows(); ++head) {
    uniform_.push_back(output_error((uniform.row(head) - exact_.row(head)).transpose(), exact_.row(head).stableNorm()));
  }
}

template <class Scalar>
AttentionErrors AttentionExperiment<Scalar>::run(const Shard& shard, const Execution& execution) const {
  if (!(0 <= shard.begin && shard.begin < shard.end && shard.end <= plan_.trials)) {
    std::ostringstream text;
    text << kName << ": the shard is [" << shard.begin << ", " << shard.end << ") of " << plan_.trials
         << " trials; expected 0 <= begin < end <= " << plan_.trials;
    throw std::invalid_argument(text.str());
  }
  AttentionErrors result;
  result.heads = exact_.rows();
  result.sizes = static_cast<Index>(plan_.m.size());
  result.trials = shard.end - shard.begin;
  const auto count = static_cast<std::size_t>(result.heads * result.sizes * result.trials);
  result.errors.resize(count);
  result.nonpositive.resize(count);

  const Index groups = plan_.K.batch * plan_.K.heads;
  const Index group_heads = plan_.Q.heads / plan_.K.heads;
  parallel_for(result.trials * result.sizes * groups, execution, [&](Index index) {
    const Index group = index % groups;
    const Index k = index / groups % result.sizes;
    const Index trial = index / groups / result.sizes;
    std::vector<OutputError> errors(static_cast<std::size_t>(group_heads));
    std::vector<Index> nonpositive(errors.size());
    measure_group(group, plan_.m[static_cast<std::size_t>(k)], shard.begin + trial, errors, nonpositive);
    for (Index h = 0; h < group_heads; ++h) {
      const auto place =
          static_cast<std::size_t>(((group * group_heads + h) * result.sizes + k) * result.trials + trial);
      result.errors[place] = errors[static_cast<std::size_t>(h)];
      result.nonpositive[place] = nonpositive[static_cast<std::size_t>(h)];
    }
  });
  return result;
}

template <class Scalar>
void AttentionExperiment<Scalar>::measure_group(Index group, Index m, Index trial, std::span<OutputError> errors,
                                                std::span<Index> nonpositive) const {
  const auto &Q = plan_.Q, &K = plan_.K, &V = plan_.V;
  const Index item = group / K.heads, key_head = group % K.heads;
  const auto heads = static_cast<Index>(errors.size());
  const Index first = key_head * heads;
  Matrix<Scalar> output(heads, Q.rows * V.cols);
  const AttentionBatch<Scalar> batch{{Q.matrix(item, first).data(), 1, heads, Q.rows, Q.cols},
                                     {K.matrix(item, key_head).data(), 1, 1, K.rows, K.cols},
                                     {V.matrix(item, key_head).data(), 1, 1, V.rows, V.cols},
                                     {output.data(), 1, heads, Q.rows, V.cols}};
  AttentionOptions options = plan_.options;
  const auto keys = static_cast<std::size_t>(K.rows);
  if (options.key_mask.size() > keys) {
    options.key_mask = options.key_mask.subspan(static_cast<std::size_t>(item) * keys, keys);
  }
  const std::array maps{plan_.estimator.draw(Q.cols, m, plan_.seed, static_cast<std::uint64_t>(trial))};
  const std::vector<DenominatorCounts> counts = attention<Scalar>(batch, maps, options);
  for (Index h = 0; h < heads; ++h) {
    errors[static_cast<std::size_t>(h)] = error_of(item * Q.heads + first + h, output.row(h).data());
    nonpositive[static_cast<std::size_t>(h)] = counts[static_cast<std::size_t>(h)].nonpositive;
  }
}

template <class Scalar>
OutputError AttentionExperiment<Scalar>::error_of(Index head, const Scalar* output) const {
  const auto exact = exact_.row(head).transpose();
  const Eigen::Map<const Vector<Scalar>> measured(output, exact.size());
  return output_error(measured.template cast<double>() - exact, exact.stableNorm());
}

template class AttentionExperiment<float>;
template class AttentionExperiment<double>;

}  // namespace bochner
