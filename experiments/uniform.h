#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/estimator.h"
#include "experiments/trials.h"

#include <cstdint>
#include <vector>

namespace bochner {

/// How the supremum over a ball is found: by a certificate, by ascents, or by a certificate where there is one.
enum class Search { kAutomatic, kCertified, kAscents };

/// The ball over which |K^(x, y) - K(x, y)| is measured: all pairs x, y in R^dim with |x|, |y| <= radius. An error that
/// depends on x - y alone then takes all its values with |x - y| <= 2 radius.
struct Ball {
  Index dim = 1;
  double radius = 1;
};

/// Draws whose largest error is measured.
struct UniformPlan {
  Estimator estimator;
  std::vector<Index> m;
  Index trials = 0;
  std::uint64_t seed = 0;
};

/// How hard is looked: `certified` is at most (1 + tolerance) `found`; ascents from `starts` pairs.
struct UniformSearch {
  Search search = Search::kAutomatic;
  double tolerance = 0.01;
  Index starts = 64;
};

/// Largest errors of the trials of a shard.
struct UniformErrors {
  Index sizes = 0;                ///< |m|
  Index trials = 0;               ///< of the shard
  Index starts = 0;               ///< 0 where there is a certificate
  std::vector<double> found;      ///< (m, trials): a lower bound of the supremum
  std::vector<double> certified;  ///< (m, trials): an upper bound, infinity where none is known
  std::vector<double> maxima;     ///< (m, trials, starts): the local maximum that each ascent has reached
};

/// Whether certified brackets exist: d = 1 or 2, features whose estimate is a factor exp(e (|x|^2 + |y|^2)) s(t) with
/// s(t) = (a/m) sum_l f(w_l.t), f = cos at t = x - y or f = exp, cosh at t = x + y, of a kernel that is the same factor
/// times a E f(w.t). With cosines E |w|^2 must be known and finite, with exponentials all moments.
bool has_certificate(const Estimator& estimator, Index dim);

/// The largest error of each draw over a ball. Trial t draws estimator.draw(dim, m, seed, t) for each m.
///
/// The certificate: E(x, y) = exp(e q) g(t), q = |x|^2 + |y|^2, g = s - k. Given t the largest factor has
/// q = 2 radius^2 (d = 2, e > 0; both on the sphere), radius^2 + (radius - |t|)^2 (d = 1, e > 0) or |t|^2 / 2
/// (e <= 0), which is reached. certified_maximum() then has the curvature of s, for this very draw
/// (a/m) sum_l |w_l|^2 sup |f''(w_l.t)|, plus that of k, a E |w|^2 sup |f''(w.t)|. Otherwise ascend(), whose stream is
/// (seed, data, t): the same starts for every m.
///
/// In parallel over trials and m; bit-identical for any number of threads and any cut into shards, which may be
/// anywhere. Throws std::invalid_argument on sizes, where a certificate is asked for that does not exist, and unless 0
/// <= begin < end <= trials; std::domain_error unless radius and tolerance are finite and positive; Interrupted, also
/// within a trial.
UniformErrors uniform_errors(const UniformPlan& plan, const Ball& ball, const UniformSearch& search, const Shard& shard,
                             const Execution& execution = {});

/// The same over the pairs (X_i, Y_j) of a data set, X (n, d), Y (k, d): the largest of all n k errors, exactly, so
/// that found = certified. The kernel's matrix is stored. Cost: gram() for each trial and m. Throws as above, and
/// std::domain_error on NaN or infinity.
UniformErrors uniform_errors(const UniformPlan& plan, const MatrixView<double>& X, const MatrixView<double>& Y,
                             const Shard& shard, const Execution& execution = {});

}  // namespace bochner
