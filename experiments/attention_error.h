#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/attention/batch.h"
#include "estimators/attention/options.h"
#include "estimators/estimator.h"
#include "experiments/trials.h"

#include <cstdint>
#include <span>
#include <vector>

namespace bochner {

/// Attention by random features on fixed inputs, drawn again and again. The arrays and the mask are borrowed: they must
/// outlive every use of the plan.
template <class Scalar>
struct AttentionPlan {
  Estimator estimator;
  HeadArray<const Scalar> Q;  // (B, Hq, Lq, d)
  HeadArray<const Scalar> K;  // (B, Hk, Lk, d)
  HeadArray<const Scalar> V;  // (B, Hk, Lk, dv)
  AttentionOptions options;
  std::vector<Index> m;
  Index trials = 0;
  std::uint64_t seed = 0;
};

/// The error of one head's output A^ against A: the mean of (A^ - A)^2 over all entries, and |A^ - A|_F / |A|_F.
struct OutputError {
  double mse = 0;
  double relative = 0;
};

/// Errors of the trials of a shard. An output that is not a number is infinitely wrong. With trigonometric features the
/// error has no mean at any m [Bochner, 11]: report quantiles and the share of nonpositive denominators.
struct AttentionErrors {
  Index heads = 0;                  ///< B Hq
  Index sizes = 0;                  ///< |m|
  Index trials = 0;                 ///< of the shard
  std::vector<OutputError> errors;  ///< (heads, m, trials)
  std::vector<Index> nonpositive;   ///< denominators <= 0, of Lq, (heads, m, trials)
};

/// Measures attention() against exact_attention(), which is evaluated in double once, here.
template <class Scalar>
class AttentionExperiment {
 public:
  /// Throws std::invalid_argument when there is no m or an m or trials is below 1, whatever exact_attention throws on
  /// the arrays and options, and Interrupted. Cost: exact and uniform attention once, and a copy of the output in
  /// double.
  explicit AttentionExperiment(AttentionPlan<Scalar> plan, const Execution& execution = {});

  /// Trial t draws one map for each m, estimator.draw(d, m, seed, t), for all heads. In parallel over trials, m and key
  /// heads; bit-identical for any number of threads and any cut into shards, which may be anywhere.
  /// Throws std::invalid_argument unless 0 <= begin < end <= trials, what attention() throws, and Interrupted.
  AttentionErrors run(const Shard& shard, const Execution& execution = {}) const;

  /// The exact output, (heads, Lq dv).
  const Matrix<double>& exact() const { return exact_; }

  /// The same error of uniform averaging, (heads): an estimate that is not better has learnt nothing.
  const std::vector<OutputError>& uniform() const { return uniform_; }

 private:
  /// What one map makes of the query heads of one key head.
  void measure_group(Index group, Index m, Index trial, std::span<OutputError> errors,
                     std::span<Index> nonpositive) const;
  OutputError error_of(Index head, const Scalar* output) const;

  AttentionPlan<Scalar> plan_;
  Matrix<double> exact_;  // (B Hq, Lq dv)
  std::vector<OutputError> uniform_;
};

extern template class AttentionExperiment<float>;
extern template class AttentionExperiment<double>;

}  // namespace bochner
