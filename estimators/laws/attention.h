#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/attention/batch.h"
#include "estimators/attention/options.h"
#include "estimators/estimator.h"

#include <span>

namespace bochner {

/// What theory says, to first order in 1/m, of the output of attention by random features; a row for each m, a column
/// for each query of the batch (B Hq Lq), in the order of its memory.
struct AttentionLaw {
  Matrix<double> mse;          ///< E |out - exact|^2 / dv
  Matrix<double> bias;         ///< E out - exact, dv columns a query
  Matrix<double> denominator;  ///< Var D^ / (E D^)^2: first order means something where this is far below 1
  Vector<double> farthest;     ///< max_j |v_j - exact|^2 / dv, which no convex combination of the values exceeds
};

/// The law of attention [Bochner, 11]. For one query let K^_j be the estimate of the kernel at key j, K_j its mean,
/// D = sum_j K_j, a = sum_j K_j v_j / D, and u_j = v_j - a. Then sum_j K_j u_j = 0, and to first order
///
///   E |out - a|^2 = D^-2 sum_jl Cov(K^_j, K^_l) u_j.u_l,    E out - a = -D^-2 sum_jl Cov(K^_j, K^_l) u_j,
///
/// with m Cov(K^_j, K^_l) = Cov(X_j, X_l) + sum_groups (pairs / m) Cov(X_j(w1), X_l(w2)): X_j(w) = e^{h_j} f(w.z_j),
/// z_j = q +- k_j, is the family's estimate of one frequency, its moments come from the radial law, the pairs from the
/// coupling (estimators/laws/pair_covariance.h). For softmax, independent frequencies and t = z_j.z_l,
/// Cov(X_j, X_l) / (K_j K_l) is e^t - 1 (positive) or cosh t - 1 (hyperbolic, trigonometric).
///
/// Where the frequencies make the estimate biased, a is not exact attention; it is written into batch.out, and the
/// difference is part of bias and mse.
///
/// It is an expansion, not a bound: trigonometric denominators have a density at 0, so that the true output has no mean
/// at any m; with positive features the true error never exceeds `farthest` while the law grows without limit.
///
/// Evaluated relative to the largest term, so that only what a double cannot hold becomes infinity. A query that sees
/// no key has 0 everywhere. Shapes and errors as attention(); NoLawError where the estimate has no such form or the
/// coupling or radial law no such moments. Cost: O(k^2 (d + dv + degrees)) a query that sees k keys; memory O(k (d + dv
/// + degrees)) a thread, no array of k x k.
AttentionLaw attention_law(const Estimator& estimator, const AttentionBatch<double>& batch, std::span<const Index> m,
                           const AttentionOptions& options = {}, const Execution& execution = {});

}  // namespace bochner
