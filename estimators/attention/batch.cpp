#include "estimators/attention/batch.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>

#include "core/check.h"

namespace bochner {
namespace {

void require_size(Index got, Index expected, const std::string& what, const char* function) {
  if (got == expected) return;
  throw std::invalid_argument(std::string(function) + ": " + what + " is " + std::to_string(got) + "; expected " +
                              std::to_string(expected));
}

template <class Scalar>
void require_shapes(const AttentionBatch<Scalar>& batch, const char* function) {
  const auto& [Q, K, V, out] = batch;
  require_at_least(Q.batch, 1, function, "the batch size of Q");
  require_at_least(Q.heads, 1, function, "the number of heads of Q");
  require_at_least(K.heads, 1, function, "the number of heads of K");
  require_rows(Q.rows, function, "Q");
  require_rows(K.rows, function, "K");
  require_at_least(Q.cols, 1, function, "the number of columns of Q");
  require_at_least(V.cols, 1, function, "the number of columns of V");
  require_size(K.batch, Q.batch, "the batch size of K", function);
  require_columns(K.cols, Q.cols, function, "K");
  if (Q.heads % K.heads != 0) {
    throw std::invalid_argument(std::string(function) + ": Q has " + std::to_string(Q.heads) +
                                " heads; expected a multiple of the " + std::to_string(K.heads) + " heads of K");
  }
  require_size(V.batch, K.batch, "the batch size of V", function);
  require_size(V.heads, K.heads, "the number of heads of V", function);
  require_size(V.rows, K.rows, "the number of rows of V", function);
  require_size(out.batch, Q.batch, "the batch size of out", function);
  require_size(out.heads, Q.heads, "the number of heads of out", function);
  require_size(out.rows, Q.rows, "the number of rows of out", function);
  require_columns(out.cols, V.cols, function, "out");
}

/// The mask of one item; empty where all keys count.
std::span<const bool> mask_of(const AttentionOptions& options, Index item, Index keys) {
  const auto length = static_cast<std::size_t>(keys);
  const bool shared = options.key_mask.size() <= length;
  return shared ? options.key_mask : options.key_mask.subspan(static_cast<std::size_t>(item) * length, length);
}

void require_mask(const AttentionOptions& options, Index batch, Index keys, const char* function) {
  const auto got = static_cast<Index>(options.key_mask.size());
  if (got == 0 || got == keys || got == batch * keys) return;
  throw std::invalid_argument(std::string(function) + ": key_mask has " + std::to_string(got) + " entries; expected " +
                              std::to_string(keys) + " or " + std::to_string(batch * keys));
}

template <class Scalar>
void require_finite_heads(const HeadArray<const Scalar>& array, const AttentionOptions& options, bool masked,
                          const char* function, const char* parameter) {
  for (Index item = 0; item < array.batch; ++item) {
    const std::span<const bool> mask = masked ? mask_of(options, item, array.rows) : std::span<const bool>();
    for (Index head = 0; head < array.heads; ++head) {
      const auto rows = array.matrix(item, head);
      if (detail::all_finite(rows)) continue;
      for (Index i = 0; i < rows.rows(); ++i) {
        if (!mask.empty() && !mask[static_cast<std::size_t>(i)]) continue;
        for (Index c = 0; c < rows.cols(); ++c) {
          if (std::isfinite(rows(i, c))) continue;
          const std::string place =
              array.batch * array.heads == 1
                  ? std::string(parameter)
                  : std::string(parameter) + "[" + std::to_string(item) + ", " + std::to_string(head) + "]";
          detail::throw_not_finite(function, place, i, c, static_cast<double>(rows(i, c)));
        }
      }
    }
  }
}

}  // namespace

VisibleKeys visible_keys(const AttentionOptions& options, Index item, Index queries, Index keys) {
  return {queries, keys, mask_of(options, item, keys), options.causal};
}

template <class Scalar>
void require_attention_shapes(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                              const char* function) {
  require_shapes(batch, function);
  require_mask(options, batch.K.batch, batch.K.rows, function);
  require_positive(attention_scale(options.scale, batch.Q.cols), function, "scale");
  if (options.empty == EmptyRow::kZero) return;
  for (Index item = 0; item < batch.Q.batch; ++item) {
    const VisibleKeys visible = visible_keys(options, item, batch.Q.rows, batch.K.rows);
    if (visible.first() < visible.limit(0)) continue;
    throw std::invalid_argument(std::string(function) +
                                ": query 0 sees no key; expected at least one for every query, or empty = zero");
  }
}

template <class Scalar>
void require_finite_batch(const AttentionBatch<Scalar>& batch, const AttentionOptions& options, const char* function) {
  require_finite_heads(batch.Q, options, false, function, "Q");
  require_finite_heads(batch.K, options, true, function, "K");
  require_finite_heads(batch.V, options, true, function, "V");
}

template <class Scalar>
void require_attention_batch(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                             const char* function) {
  require_attention_shapes(batch, options, function);
  require_finite_batch(batch, options, function);
}

template <class Scalar>
void for_attention_tasks(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                         const AttentionSplit& split, const Execution& execution,
                         const std::function<std::function<void(AttentionTask<Scalar>&)>()>& make_body) {
  const HeadArray<const Scalar>& Q = batch.Q;
  const HeadArray<const Scalar>& K = batch.K;
  const HeadArray<const Scalar>& V = batch.V;
  const HeadArray<Scalar>& out = batch.out;
  const Index heads_of_key = Q.heads / K.heads;
  const Index group = split.group_heads ? heads_of_key : 1;
  const Index block = split.queries == 0 ? Q.rows : std::min(split.queries, Q.rows);
  const Index blocks = (Q.rows + block - 1) / block;
  const Index groups = Q.heads / group;

  const auto task_at = [&](Index index) {
    const Index start = index % blocks * block;
    const Index rows = std::min(block, Q.rows - start);
    const Index head = index / blocks % groups * group;
    const Index item = index / blocks / groups;
    const Index key_head = head / heads_of_key;
    // With several heads together a block is all the rows, so that the rows of the task are contiguous in either case.
    const Index count = group * rows;
    using Rows = Eigen::Map<const Matrix<Scalar>>;
    return AttentionTask<Scalar>{
        Rows(Q.matrix(item, head, group).row(start).data(), count, Q.cols),
        K.matrix(item, key_head),
        V.matrix(item, key_head),
        visible_keys(options, item, Q.rows, K.rows),
        start,
        Eigen::Map<Matrix<Scalar>>(out.matrix(item, head, group).row(start).data(), count, out.cols),
        item,
        key_head,
        item * Q.heads + head};
  };
  parallel_for_each_thread(Q.batch * groups * blocks, execution, [&]() -> std::function<void(Index)> {
    return [&task_at, body = make_body()](Index index) {
      AttentionTask<Scalar> task = task_at(index);
      body(task);
    };
  });
}

#define BOCHNER_INSTANTIATE(Scalar)                                                                                \
  template void require_attention_shapes(const AttentionBatch<Scalar>&, const AttentionOptions&, const char*);     \
  template void require_finite_batch(const AttentionBatch<Scalar>&, const AttentionOptions&, const char*);         \
  template void require_attention_batch(const AttentionBatch<Scalar>&, const AttentionOptions&, const char*);      \
  template void for_attention_tasks(const AttentionBatch<Scalar>&, const AttentionOptions&, const AttentionSplit&, \
                                    const Execution&,                                                              \
                                    const std::function<std::function<void(AttentionTask<Scalar>&)>()>&);
BOCHNER_INSTANTIATE(float)
BOCHNER_INSTANTIATE(double)
#undef BOCHNER_INSTANTIATE

}  // namespace bochner
