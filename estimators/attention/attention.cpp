#include "estimators/attention/attention.h"

#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/check.h"
#include "estimators/attention/heads.h"

namespace bochner {
namespace {

/// Rows of queries of one task of exact attention: enough to share the packing of the keys, few enough to stop soon.
constexpr Index kExactQueries = 256;

/// One head as a batch. Copies a view whose rows are strided.
template <class Scalar>
class SingleHead {
 public:
  SingleHead(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V)
      : output_(Q.rows(), V.cols()),
        batch_{array(Q, 0), array(K, 1), array(V, 2), {output_.data(), 1, 1, Q.rows(), V.cols()}} {}
  SingleHead(const SingleHead&) = delete;
  SingleHead& operator=(const SingleHead&) = delete;

  const AttentionBatch<Scalar>& batch() const { return batch_; }
  Matrix<Scalar> take_output() { return std::move(output_); }

 private:
  HeadArray<const Scalar> array(const MatrixView<Scalar>& rows, std::size_t copy) {
    if (rows.outerStride() == rows.cols()) return {rows.data(), 1, 1, rows.rows(), rows.cols()};
    copies_[copy] = rows;
    return {copies_[copy].data(), 1, 1, rows.rows(), rows.cols()};
  }

  Matrix<Scalar> copies_[3];
  Matrix<Scalar> output_;
  AttentionBatch<Scalar> batch_;
};

template <class Pointer>
void require_maps(std::span<Pointer> maps, Index dim, Index key_heads) {
  const auto count = static_cast<Index>(maps.size());
  if (count != 1 && count != key_heads) {
    throw std::invalid_argument("attention: maps has " + std::to_string(count) + " feature maps; expected 1 or " +
                                std::to_string(key_heads) + ", one a key head");
  }
  for (const auto& map : maps) {
    if (map == nullptr) throw std::invalid_argument("attention: maps holds null; expected feature maps");
    require_columns(dim, map->dim(), "attention", "Q");
  }
}

template <class Scalar>
std::vector<DenominatorCounts> favor(const AttentionBatch<Scalar>& batch, std::span<const FeatureMap* const> maps,
                                     const AttentionOptions& options, const Execution& execution) {
  require_attention_shapes(batch, options, "attention");
  require_maps(maps, batch.Q.cols, batch.K.heads);
  const double scale = attention_scale(options.scale, batch.Q.cols);
  const auto group = static_cast<std::size_t>(batch.Q.heads / batch.K.heads);
  std::vector<DenominatorCounts> counts(static_cast<std::size_t>(batch.Q.batch * batch.Q.heads));
  const auto make_body = [&]() -> std::function<void(AttentionTask<Scalar>&)> {
    return [&, heads = std::optional<FavorHeads<Scalar>>()](AttentionTask<Scalar>& task) mutable {
      const FeatureMap& map = *maps[maps.size() == 1 ? 0 : static_cast<std::size_t>(task.key_head)];
      if (!heads || &heads->map() != &map) heads.emplace(map, scale, options.renormalize, batch.V.cols);
      heads->run(task, std::span(counts).subspan(static_cast<std::size_t>(task.first_head), group));
    };
  };
  try {
    for_attention_tasks<Scalar>(batch, options, {.group_heads = true}, execution, make_body);
  } catch (const std::domain_error&) {
    // Entries are looked at where they are in cache anyway; a culprit among them gets its name here.
    require_finite_batch(batch, options, "attention");
    throw;
  }
  return counts;
}

template <class Scalar, class Other>
void require_shape(const HeadArray<Scalar>& array, const HeadArray<Other>& expected, const std::string& name) {
  const auto text = [](const auto& a) {
    return "(" + std::to_string(a.batch) + ", " + std::to_string(a.heads) + ", " + std::to_string(a.rows) + ", " +
           std::to_string(a.cols) + ")";
  };
  if (text(array) == text(expected)) return;
  throw std::invalid_argument("attention_vjp: " + name + " has shape " + text(array) + "; expected " + text(expected));
}

template <class Scalar>
void require_gradients(const AttentionBatch<Scalar>& batch, const AttentionGradients<Scalar>& gradients) {
  require_shape(gradients.out, batch.out, "out");
  require_shape(gradients.d_out, batch.out, "d_out");
  require_shape(gradients.d_Q, batch.Q, "d_Q");
  require_shape(gradients.d_K, batch.K, "d_K");
  require_shape(gradients.d_V, batch.V, "d_V");
  for (Index item = 0; item < batch.out.batch; ++item) {
    for (Index head = 0; head < batch.out.heads; ++head) {
      require_finite(gradients.d_out.matrix(item, head), "attention_vjp", "d_out");
    }
  }
}

}  // namespace

template <class Scalar>
std::vector<DenominatorCounts> attention(const AttentionBatch<Scalar>& batch,
                                         std::span<const std::shared_ptr<const FeatureMap>> maps,
                                         const AttentionOptions& options, const Execution& execution) {
  std::vector<const FeatureMap*> pointers;
  for (const auto& map : maps) pointers.push_back(map.get());
  return favor<Scalar>(batch, pointers, options, execution);
}

template <class Scalar>
void attention_vjp(const HeadArray<const Scalar>& Q, const HeadArray<const Scalar>& K, const HeadArray<const Scalar>& V,
                   const AttentionGradients<Scalar>& gradients, std::span<const std::shared_ptr<const FeatureMap>> maps,
                   const AttentionOptions& options, const Execution& execution) {
  const AttentionBatch<Scalar> batch{Q, K, V, {nullptr, Q.batch, Q.heads, Q.rows, V.cols}};
  require_attention_batch(batch, options, "attention_vjp");
  require_maps(maps, Q.cols, K.heads);
  require_gradients(batch, gradients);
  for (const auto& map : maps) {
    if (!map->differentiable()) {
      throw std::invalid_argument("attention_vjp: the map (" + map->describe() +
                                  ") has no gradient; expected a differentiable one");
    }
  }
  const double scale = attention_scale(options.scale, Q.cols);
  const Index group = Q.heads / K.heads;
  parallel_for(K.batch * K.heads, execution, [&](Index index) {
    const Index item = index / K.heads, key_head = index % K.heads;
    auto d_keys = gradients.d_K.matrix(item, key_head);
    auto d_values = gradients.d_V.matrix(item, key_head);
    d_keys.setZero();
    d_values.setZero();
    const FeatureMap& map = *maps[maps.size() == 1 ? 0 : static_cast<std::size_t>(key_head)];
    for (Index head = key_head * group; head < (key_head + 1) * group; ++head) {
      auto d_queries = gradients.d_Q.matrix(item, head);
      d_queries.setZero();
      favor_gradients<Scalar>(map, scale, options.renormalize,
                              {Q.matrix(item, head), K.matrix(item, key_head), V.matrix(item, key_head),
                               visible_keys(options, item, Q.rows, K.rows), gradients.out.matrix(item, head),
                               gradients.d_out.matrix(item, head), d_queries, d_keys, d_values});
    }
  });
}

template <class Scalar>
void exact_attention(const AttentionBatch<Scalar>& batch, const AttentionOptions& options, const Execution& execution) {
  require_attention_batch(batch, options, "exact_attention");
  const double scale = attention_scale(options.scale, batch.Q.cols);
  for_attention_tasks<Scalar>(batch, options, {.queries = kExactQueries}, execution,
                              [&] { return [&](AttentionTask<Scalar>& task) { exact_heads(scale, task); }; });
}

template <class Scalar>
void uniform_attention(const AttentionBatch<Scalar>& batch, const AttentionOptions& options,
                       const Execution& execution) {
  require_attention_batch(batch, options, "uniform_attention");
  for_attention_tasks<Scalar>(batch, options, {}, execution, [] { return uniform_heads<Scalar>; });
}

template <class Scalar>
AttentionResult<Scalar> attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                                  const FeatureMap& map, const AttentionOptions& options) {
  SingleHead<Scalar> head(Q, K, V);
  const FeatureMap* const pointer = &map;
  const DenominatorCounts counts = favor<Scalar>(head.batch(), {&pointer, 1}, options, {}).front();
  return {head.take_output(), counts};
}

template <class Scalar>
Matrix<Scalar> exact_attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                               const AttentionOptions& options, const Execution& execution) {
  SingleHead<Scalar> head(Q, K, V);
  exact_attention(head.batch(), options, execution);
  return head.take_output();
}

template <class Scalar>
Matrix<Scalar> uniform_attention(const MatrixView<Scalar>& Q, const MatrixView<Scalar>& K, const MatrixView<Scalar>& V,
                                 const AttentionOptions& options) {
  SingleHead<Scalar> head(Q, K, V);
  uniform_attention(head.batch(), options);
  return head.take_output();
}

#define BOCHNER_INSTANTIATE(Scalar)                                                                                  \
  template void attention_vjp(const HeadArray<const Scalar>&, const HeadArray<const Scalar>&,                        \
                              const HeadArray<const Scalar>&, const AttentionGradients<Scalar>&,                     \
                              std::span<const std::shared_ptr<const FeatureMap>>, const AttentionOptions&,           \
                              const Execution&);                                                                     \
  template std::vector<DenominatorCounts> attention(const AttentionBatch<Scalar>&,                                   \
                                                    std::span<const std::shared_ptr<const FeatureMap>>,              \
                                                    const AttentionOptions&, const Execution&);                      \
  template void exact_attention(const AttentionBatch<Scalar>&, const AttentionOptions&, const Execution&);           \
  template void uniform_attention(const AttentionBatch<Scalar>&, const AttentionOptions&, const Execution&);         \
  template AttentionResult<Scalar> attention(const MatrixView<Scalar>&, const MatrixView<Scalar>&,                   \
                                             const MatrixView<Scalar>&, const FeatureMap&, const AttentionOptions&); \
  template Matrix<Scalar> exact_attention(const MatrixView<Scalar>&, const MatrixView<Scalar>&,                      \
                                          const MatrixView<Scalar>&, const AttentionOptions&, const Execution&);     \
  template Matrix<Scalar> uniform_attention(const MatrixView<Scalar>&, const MatrixView<Scalar>&,                    \
                                            const MatrixView<Scalar>&, const AttentionOptions&);
BOCHNER_INSTANTIATE(float)
BOCHNER_INSTANTIATE(double)
#undef BOCHNER_INSTANTIATE

}  // namespace bochner
