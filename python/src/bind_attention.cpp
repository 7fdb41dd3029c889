#include "estimators/attention/attention.h"
#include "estimators/attention/state.h"
#include "estimators/estimator.h"
#include "estimators/laws/attention.h"
#include "python/src/attention_arrays.h"
#include "python/src/bind.h"
#include "python/src/execution.h"

#include <pybind11/stl.h>

#include <memory>
#include <optional>
#include <utility>
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
HeadArray<Scalar> writable(Array<Scalar>& array) {
  return {array.mutable_data(), array.shape(0), array.shape(1), array.shape(2), array.shape(3)};
}

template <class Scalar>
AttentionBatch<Scalar> as_batch(const Array<Scalar>& Q, const Array<Scalar>& K, const Array<Scalar>& V,
                                Array<Scalar>& out) {
  return {as_heads(Q), as_heads(K), as_heads(V), writable(out)};
}

template <class Scalar>
Array<Scalar> like(const Array<Scalar>& array) {
  return Array<Scalar>({array.shape(0), array.shape(1), array.shape(2), array.shape(3)});
}

template <class Scalar>
void bind_scalar(py::module_& module) {
  using Arrays = const Array<Scalar>&;
  module.def(
      "attention",
      [](Arrays Q, Arrays K, Arrays V, const std::vector<std::shared_ptr<FeatureMap>>& maps, bool causal,
         const Mask& key_mask, std::optional<double> scale, bool zero_if_empty, bool renormalize, int threads) {
        auto out = output_of(Q, V);
        const auto batch = as_batch(Q, K, V, out);
        auto options = as_options(causal, key_mask, scale, zero_if_empty);
        options.renormalize = renormalize;
        const std::vector<std::shared_ptr<const FeatureMap>> constant(maps.begin(), maps.end());
        const auto counts =
            without_gil([&] { return attention<Scalar>(batch, constant, options, interruptible(threads)); });
        DenominatorCounts total;
        for (const DenominatorCounts& own : counts) total += own;
        return py::make_tuple(out, total.nonpositive, total.near_zero);
      },
      "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "maps"_a, "causal"_a, "key_mask"_a, "scale"_a,
      "zero_if_empty"_a, "renormalize"_a, "threads"_a);
  module.def(
      "attention_vjp",
      [](Arrays Q, Arrays K, Arrays V, Arrays out, Arrays grad, const std::vector<std::shared_ptr<FeatureMap>>& maps,
         bool causal, const Mask& key_mask, std::optional<double> scale, bool zero_if_empty, bool renormalize,
         int threads) {
        Array<Scalar> d_Q = like(Q), d_K = like(K), d_V = like(V);
        const AttentionGradients<Scalar> gradients{as_heads(out), as_heads(grad), writable(d_Q), writable(d_K),
                                                   writable(d_V)};
        auto options = as_options(causal, key_mask, scale, zero_if_empty);
        options.renormalize = renormalize;
        const std::vector<std::shared_ptr<const FeatureMap>> constant(maps.begin(), maps.end());
        without_gil([&] {
          attention_vjp<Scalar>(as_heads(Q), as_heads(K), as_heads(V), gradients, constant, options,
                                interruptible(threads));
        });
        return py::make_tuple(d_Q, d_K, d_V);
      },
      "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "out"_a.noconvert(), "grad"_a.noconvert(), "maps"_a,
      "causal"_a, "key_mask"_a, "scale"_a, "zero_if_empty"_a, "renormalize"_a, "threads"_a);
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

template <class Scalar>
void bind_state(py::module_& module, const char* name) {
  using State = AttentionState<Scalar>;
  py::class_<State>(module, name)
      .def(py::init([](std::shared_ptr<FeatureMap> map, Index values, std::optional<double> scale) {
             return State(std::move(map), values, scale);
           }),
           "map"_a, "values"_a, "scale"_a)
      .def(
          "append",
          [](State& self, const Array<Scalar>& K, const Array<Scalar>& V) {
            const auto keys = as_matrix(K, "K");
            const auto values = as_matrix(V, "V");
            without_gil([&] { self.append(keys, values); });
          },
          "K"_a.noconvert(), "V"_a.noconvert())
      .def(
          "query",
          [](State& self, const Array<Scalar>& Q) {
            const auto queries = as_matrix(Q, "Q");
            Matrix<Scalar> out(queries.rows(), self.values());
            const DenominatorCounts counts = without_gil([&] { return self.query(queries, out); });
            return py::make_tuple(to_numpy(std::move(out)), counts.nonpositive, counts.near_zero);
          },
          "Q"_a.noconvert())
      .def("__len__", &State::size)
      .def_property_readonly("scale", &State::scale)
      .def("numbers",
           [](const State& self) {
             const std::vector<Scalar> numbers = self.to_numbers();
             return to_numpy(
                 Vector<Scalar>(Eigen::Map<const Vector<Scalar>>(numbers.data(), static_cast<Index>(numbers.size()))));
           })
      .def(
          "restore",
          [](State& self, const Array<Scalar>& numbers) {
            self.restore({numbers.data(), numbers.data() + numbers.size()});
          },
          "numbers"_a.noconvert())
      .def("copy", [](const State& self) { return State(self); });
}

}  // namespace

void bind_attention(py::module_& module) {
  bind_scalar<float>(module);
  bind_scalar<double>(module);
  bind_state<float>(module, "AttentionState32");
  bind_state<double>(module, "AttentionState64");
  module.def(
      "attention_law",
      [](const Estimator& estimator, const Array<double>& Q, const Array<double>& K, const Array<double>& V,
         bool causal, const Mask& key_mask, std::optional<double> scale, bool zero_if_empty,
         const std::vector<Index>& m, int threads) {
        auto out = output_of(Q, V);
        const auto batch = as_batch(Q, K, V, out);
        const auto options = as_options(causal, key_mask, scale, zero_if_empty);
        AttentionLaw law =
            without_gil([&] { return attention_law(estimator, batch, m, options, interruptible(threads)); });
        return py::make_tuple(to_numpy(std::move(law.mse)), to_numpy(std::move(law.bias)),
                              to_numpy(std::move(law.denominator)), to_numpy(std::move(law.farthest)));
      },
      "estimator"_a, "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "causal"_a, "key_mask"_a, "scale"_a,
      "zero_if_empty"_a, "m"_a, "threads"_a);
}

}  // namespace bochner::python
