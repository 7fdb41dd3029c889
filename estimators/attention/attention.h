#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/attention/batch.h"
#include "estimators/attention/options.h"
#include "estimators/feature_map.h"

namespace bochner {

/// Attention of one head by random features, and what became of its denominators. A row whose denominator is not
/// positive is what the quotient says; kExponents maps have none such.
template <class Scalar>
struct AttentionResult {
  Matrix<Scalar> output;  // (Lq, dv)
  DenominatorCounts denominators;
};

/// Attention of one head by random features: out = D^-1 phi(Q) (phi(K)^T V), D = diag(phi(Q) phi(K)^T 1), over the keys
/// that each query sees, queries and keys times the root of the scale. No epsilon anywhere; a later key changes no
/// earlier row.
/// Shapes: Q (Lq, d), K (Lk, d), V (Lk, dv) -> (Lq, dv). Throws std::invalid_argument on shapes, a mask of another
/// length, or a query that sees no key unless options.empty is kZero; std::domain_error on NaN or infinity in Q or in
/// keys and values that count, on a scale that is not finite and positive, or where the features overflow Scalar.
/// Cost: O((Lq + Lk) p (d + dv)); no array of L x p is stored. [Choromanski21, Algorithm 1]
template <class Scalar>
AttentionResult<Scalar> attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                                  const FeatureMap& map, const AttentionOptions& options = {});

/// out_i = sum_j softmax_j(scale q_i.k_j) v_j by tiles: the reference. Shapes and errors as attention().
/// Cost: O(Lq Lk (d + dv)); no array of Lq x Lk is stored. Stable for any norms whose scores Scalar can hold.
template <class Scalar>
Matrix<Scalar> exact_attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                               const AttentionOptions& options = {}, const Execution& execution = {});

/// The average of the values that a query sees: what attention without any information would give. An error of
/// attention means little without that of this baseline beside it. Shapes and errors as attention().
template <class Scalar>
Matrix<Scalar> uniform_attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                                 const AttentionOptions& options = {});

/// The same for batches and heads, written into batch.out, in parallel over items and heads (exact_attention: and
/// blocks of queries). One item alone gives the bits that it gives in a batch. `maps` holds one map for all, or one a
/// key head. Returns the counts of denominators, (B, Hq). Throws as above, and Interrupted.
template <class Scalar>
std::vector<DenominatorCounts> attention(const AttentionBatch<Scalar>& batch,
                                         std::span<const std::shared_ptr<const FeatureMap>> maps,
                                         const AttentionOptions& options = {}, const Execution& execution = {});
template <class Scalar>
void exact_attention(const AttentionBatch<Scalar>& batch, const AttentionOptions& options = {},
                     const Execution& execution = {});
template <class Scalar>
void uniform_attention(const AttentionBatch<Scalar>& batch, const AttentionOptions& options = {},
                       const Execution& execution = {});

/// What gradients are made of, and where they are written; each has the shape of its array.
template <class Scalar>
struct AttentionGradients {
  HeadArray<const Scalar> out;    // (B, Hq, Lq, dv), as attention() wrote it
  HeadArray<const Scalar> d_out;  // the gradient of a number with respect to it
  HeadArray<Scalar> d_Q, d_K, d_V;
};

/// The gradients of a number with respect to Q, K and V from that with respect to the output of attention(Q, K, V) with
/// these maps and options. In parallel over items and key heads; a key head that several query heads share gets the sum
/// of theirs. Rows whose denominator is 0 count as constant.
/// Throws as attention() does, and std::invalid_argument when a map is not differentiable and when a shape differs.
/// Cost: about 3 times that of attention(); memory beyond the gradients: tiles, and two numbers for each row of the
/// heads at work.
template <class Scalar>
void attention_vjp(const HeadArray<const Scalar>& Q, const HeadArray<const Scalar>& K, const HeadArray<const Scalar>& V,
                   const AttentionGradients<Scalar>& gradients, std::span<const std::shared_ptr<const FeatureMap>> maps,
                   const AttentionOptions& options = {}, const Execution& execution = {});

}  // namespace bochner
