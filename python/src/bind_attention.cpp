#include "estimators/attention/attention.h"
#include "python/src/attention_arrays.h"
#include "python/src/bind.h"
#include "python/src/execution.h"

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <vector>

namespace bochner::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

template <class Scalar>
Array<Scalar> output_of(const Array<Scalar>& Q, const Array<Scalar>& V) {
  return Array<Scalar>({Q.shape(0), Q.shape(1), Q.shape(2), V.shape(3)});
}

template <class Scalar>
AttentionBatch<Scalar> as_batch(const Array<Scalar>& Q, const Array<Scalar>& K, const Array<Scalar>& V,
                                Array<Scalar>& out) {
  return {as_heads(Q),
          as_heads(K),
          as_heads(V),
          {out.mutable_data(), out.shape(0), out.shape(1), out.shape(2), out.shape(3)}};
}

template <class Scalar>
void bind_scalar(py::module_& module) {
  using Arrays = const Array<Scalar>&;
  module.def(
      "attention",
      [](Arrays Q, Arrays K, Arrays V, const std::vector<std::shared_ptr<FeatureMap>>& maps, bool causal,
         const Mask& key_mask, std::optional<double> scale, bool zero_if_empty, int threads) {
        auto out = output_of(Q, V);
        const auto batch = as_batch(Q, K, V, out);
        const auto options = as_options(causal, key_mask, scale, zero_if_empty);
        const std::vector<std::shared_ptr<const FeatureMap>> constant(maps.begin(), maps.end());
        const auto nonpositive =
            without_gil([&] { return attention<Scalar>(batch, constant, options, interruptible(threads)); });
        return py::make_tuple(out, nonpositive);
      },
      "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "maps"_a, "causal"_a, "key_mask"_a, "scale"_a,
      "zero_if_empty"_a, "threads"_a);
  const auto bind_plain = [&module](const char* name, auto compute) {
    module.def(
        name,
        [compute](Arrays Q, Arrays K, Arrays V, bool causal, const Mask& key_mask, std::optional<double> scale,
                  bool zero_if_empty, int threads) {
          auto out = output_of(Q, V);
          const auto batch = as_batch(Q, K, V, out);
          const auto options = as_options(causal, key_mask, scale, zero_if_empty);
          without_gil([&] { compute(batch, options, interruptible(threads)); });
          return out;
        },
        "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "causal"_a, "key_mask"_a, "scale"_a, "zero_if_empty"_a,
        "threads"_a);
  };
  using Batch = const AttentionBatch<Scalar>&;
  bind_plain("exact_attention", [](Batch batch, const AttentionOptions& options, const Execution& execution) {
    exact_attention<Scalar>(batch, options, execution);
  });
  bind_plain("uniform_attention", [](Batch batch, const AttentionOptions& options, const Execution& execution) {
    uniform_attention<Scalar>(batch, options, execution);
  });
}

}  // namespace

void bind_attention(py::module_& module) {
  bind_scalar<float>(module);
  bind_scalar<double>(module);
}

}  // namespace bochner::python
