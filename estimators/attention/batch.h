#pragma once

#include <functional>
#include <span>
#include <type_traits>

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/attention/options.h"
#include "estimators/attention/visible_keys.h"

namespace bochner {

/// A C-contiguous array (batch, heads, rows, cols), borrowed.
template <class Scalar>
struct HeadArray {
  Scalar* data;
  Index batch;
  Index heads;
  Index rows;
  Index cols;

  /// The rows of `count` successive heads from `head` of item `item` on, one below the other: (count rows, cols).
  auto matrix(Index item, Index head, Index count = 1) const {
    using Rows = std::conditional_t<std::is_const_v<Scalar>, const Matrix<std::remove_const_t<Scalar>>, Matrix<Scalar>>;
    return Eigen::Map<Rows>(data + (item * heads + head) * rows * cols, count * rows, cols);
  }
};

/// The arrays of attention with grouped heads: query head h uses key head h / (Hq / Hk). `out` must not overlap the
/// others.
template <class Scalar>
struct AttentionBatch {
  HeadArray<const Scalar> Q;  // (B, Hq, Lq, d)
  HeadArray<const Scalar> K;  // (B, Hk, Lk, d)
  HeadArray<const Scalar> V;  // (B, Hk, Lk, dv)
  HeadArray<Scalar> out;      // (B, Hq, Lq, dv)
};

/// How a kind of attention wants its work cut.
struct AttentionSplit {
  bool group_heads = false;  ///< the query heads of one key head together, where they share work
  Index queries = 0;         ///< rows of queries of a task where those are independent; 0: all
};

/// One piece of work: g query heads against one key head, n successive queries of each.
template <class Scalar>
struct AttentionTask {
  Eigen::Map<const Matrix<Scalar>> queries;  // (g n, d)
  Eigen::Map<const Matrix<Scalar>> keys;     // (k, d)
  Eigen::Map<const Matrix<Scalar>> values;   // (k, dv)
  VisibleKeys visible;                       ///< of all queries of a head
  Index first_query;                         ///< of the n, in its head
  Eigen::Map<Matrix<Scalar>> out;            // (g n, dv)
  Index item;
  Index key_head;
  Index first_head;  ///< of the g heads, counted through the batch
};

/// Throws std::invalid_argument on shapes, a mask of another length, or a query that sees no key where that is an
/// error; std::domain_error on a scale that is not finite and positive. Reads no entry of the arrays.
template <class Scalar>
void require_attention_shapes(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                              const char* function);

/// Throws std::domain_error on NaN or infinity in Q or in keys and values that count, and names the first.
template <class Scalar>
void require_finite_batch(const AttentionBatch<Scalar>& batch, const AttentionOptions& options, const char* function);

/// Both.
template <class Scalar>
void require_attention_batch(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                             const char* function);

/// What the options let the queries of an item see.
VisibleKeys visible_keys(const AttentionOptions& options, Index item, Index queries, Index keys);

/// Calls bodies for the tasks of a batch that has been checked, in parallel; every thread makes one of its own.
template <class Scalar>
void for_attention_tasks(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                         const AttentionSplit& split, const Execution& execution,
                         const std::function<std::function<void(AttentionTask<Scalar>&)>()>& make_body);

}  // namespace bochner
