#include "experiments/attention_error.h"
#include "experiments/coverage.h"
#include "experiments/gram_law.h"
#include "experiments/pointwise.h"
#include "experiments/uniform.h"
#include "python/src/arrays.h"
#include "python/src/attention_arrays.h"
#include "python/src/bind.h"
#include "python/src/execution.h"

#include <pybind11/stl.h>

#include <cmath>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bochner::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

Sampler sampler_of(const std::string& name) {
  if (name == "auto") return Sampler::kAutomatic;
  if (name == "plain") return Sampler::kPlain;
  if (name == "tilted") return Sampler::kTilted;
  throw std::invalid_argument("pointwise: sampler is '" + name + "'; expected 'auto', 'plain' or 'tilted'");
}

std::string name_of(Sampler sampler) { return sampler == Sampler::kTilted ? "tilted" : "plain"; }

template <class Row, class Get>
py::list column(const std::vector<Row>& rows, const Get& get) {
  py::list values;
  for (const Row& row : rows) values.append(get(row));
  return values;
}

template <class Row, class Value>
py::list column(const std::vector<Row>& rows, Value Row::* member) {
  return column(rows, [member](const Row& row) { return row.*member; });
}

py::dict table_of(const std::vector<PointwiseRow>& rows) {
  py::dict table;
  table["point"] = column(rows, &PointwiseRow::point);
  table["m"] = column(rows, &PointwiseRow::m);
  table["trials"] = column(rows, &PointwiseRow::trials);
  table["sampler"] = column(rows, [](const PointwiseRow& row) { return name_of(row.sampler); });
  table["truth"] = column(rows, &PointwiseRow::truth);
  table["mean"] = column(rows, &PointwiseRow::mean);
  table["bias"] = column(rows, &PointwiseRow::bias);
  table["bias_se"] = column(rows, &PointwiseRow::bias_se);
  table["mse"] = column(rows, &PointwiseRow::mse);
  table["mse_low"] = column(rows, &PointwiseRow::mse_low);
  table["mse_high"] = column(rows, &PointwiseRow::mse_high);
  table["law_mse"] = column(rows, &PointwiseRow::law_mse);
  table["z_mean"] = column(rows, &PointwiseRow::z_mean);
  table["z_mse"] = column(rows, &PointwiseRow::z_mse);
  return table;
}

py::dict table_of(const std::vector<CoverageRow>& rows) {
  py::dict table;
  table["point"] = column(rows, &CoverageRow::point);
  table["m"] = column(rows, &CoverageRow::m);
  table["sampler"] = column(rows, [](const CoverageRow& row) { return name_of(row.sampler); });
  table["repeats"] = column(rows, &CoverageRow::repeats);
  table["covered"] = column(rows, &CoverageRow::covered);
  table["below"] = column(rows, &CoverageRow::below);
  table["above"] = column(rows, &CoverageRow::above);
  table["median_ratio"] = column(rows, &CoverageRow::median);
  return table;
}

/// Arrays (heads, m, trials) of errors, and (heads) of the baseline and the size of the exact output.
py::dict table_of(const AttentionErrors& errors, const std::vector<OutputError>& uniform, const Matrix<double>& exact) {
  const py::array::ShapeContainer shape{errors.heads, errors.sizes, errors.trials};
  std::vector<double> mse;
  for (const OutputError& error : errors.errors) mse.push_back(error.mse);
  const Vector<double> rms = exact.rowwise().stableNorm() / std::sqrt(static_cast<double>(exact.cols()));
  py::dict table;
  table["mse"] = adopt<double>(std::move(mse), shape);
  table["nonpositive"] = adopt<Index>(std::vector<Index>(errors.nonpositive), shape);
  table["uniform_mse"] = column(uniform, &OutputError::mse);
  table["exact_rms"] = to_numpy(Vector<double>(rms));
  return table;
}

Search search_of(const std::string& name) {
  if (name == "auto") return Search::kAutomatic;
  if (name == "certified") return Search::kCertified;
  if (name == "ascents") return Search::kAscents;
  throw std::invalid_argument("uniform: search is '" + name + "'; expected 'auto', 'certified' or 'ascents'");
}

/// Arrays (m, trials) and (m, trials, starts).
py::dict table_of(UniformErrors&& errors) {
  const Index sizes = errors.sizes, trials = errors.trials, starts = errors.starts;
  py::dict table;
  table["found"] = adopt<double>(std::move(errors.found), {sizes, trials});
  table["certified"] = adopt<double>(std::move(errors.certified), {sizes, trials});
  table["maxima"] = adopt<double>(std::move(errors.maxima), {sizes, trials, starts});
  return table;
}

void bind_uniform(py::module_& module) {
  module.def(
      "uniform_errors",
      [](const Estimator& estimator, double radius, Index dim, std::vector<Index> m, Index trials, std::uint64_t seed,
         const std::string& search, double tolerance, Index starts, int threads, const py::object& progress) {
        const UniformPlan plan{estimator, std::move(m), trials, seed};
        const UniformSearch how{search_of(search), tolerance, starts};
        return table_of(without_gil(
            [&] { return uniform_errors(plan, {dim, radius}, how, {0, trials}, interruptible(threads, progress)); }));
      },
      "estimator"_a, "radius"_a, "dim"_a, "m"_a, "trials"_a, "seed"_a, "search"_a, "tolerance"_a, "starts"_a,
      "threads"_a, "progress"_a);
  module.def(
      "uniform_errors_of",
      [](const Estimator& estimator, const Array<double>& X, const Array<double>& Y, std::vector<Index> m, Index trials,
         std::uint64_t seed, int threads, const py::object& progress) {
        const UniformPlan plan{estimator, std::move(m), trials, seed};
        const auto x = as_matrix(X, "X"), y = as_matrix(Y, "Y");
        return table_of(
            without_gil([&] { return uniform_errors(plan, x, y, {0, trials}, interruptible(threads, progress)); }));
      },
      "estimator"_a, "X"_a.noconvert(), "Y"_a.noconvert(), "m"_a, "trials"_a, "seed"_a, "threads"_a, "progress"_a);
}

void bind_pointwise(py::module_& module) {
  py::class_<Pointwise>(module, "Pointwise")
      .def(py::init([](const Estimator& estimator, const Array<double>& X, const Array<double>& Y, std::vector<Index> m,
                       Index trials, std::uint64_t seed, const std::string& sampler, bool single_precision) {
             PointwisePlan plan{estimator, as_matrix(X, "X"),   as_matrix(Y, "Y"), std::move(m), trials,
                                seed,      sampler_of(sampler), single_precision};
             return without_gil([&] { return std::make_unique<Pointwise>(std::move(plan)); });
           }),
           "estimator"_a, "X"_a.noconvert(), "Y"_a.noconvert(), "m"_a, "trials"_a, "seed"_a, "sampler"_a,
           "single_precision"_a)
      .def(
          "run",
          [](const Pointwise& self, Index begin, Index end, int threads, const py::object& progress) {
            auto numbers =
                without_gil([&] { return self.run({begin, end}, interruptible(threads, progress)).to_numbers(); });
            const auto size = static_cast<Index>(numbers.size());
            return adopt<double>(std::move(numbers), {size});
          },
          "begin"_a, "end"_a, "threads"_a, "progress"_a)
      .def(
          "rows",
          [](const Pointwise& self, const std::vector<Array<double>>& shards) {
            std::vector<PointwiseBlocks> blocks;
            for (const Array<double>& numbers : shards) {
              blocks.push_back(
                  PointwiseBlocks::from_numbers({numbers.data(), static_cast<std::size_t>(numbers.size())}));
            }
            return table_of(self.rows(join(blocks)));
          },
          "shards"_a)
      .def(
          "coverage",
          [](const Pointwise& self, Index repeats, int threads, const py::object& progress) {
            const auto rows = without_gil([&] {
              return coverage_rows(self.plan(),
                                   run_coverage(self.plan(), {0, repeats}, interruptible(threads, progress)));
            });
            return table_of(rows);
          },
          "repeats"_a, "threads"_a, "progress"_a);
  module.def("block_length", &block_length, "trials"_a);
}

template <class Scalar>
void bind_attention_errors(py::module_& module) {
  module.def(
      "attention_errors",
      [](const Estimator& estimator, const Array<Scalar>& Q, const Array<Scalar>& K, const Array<Scalar>& V,
         bool causal, const Mask& key_mask, std::optional<double> scale, bool zero_if_empty, std::vector<Index> m,
         Index trials, std::uint64_t seed, int threads, const py::object& progress) {
        AttentionPlan<Scalar> plan{
            estimator,    as_heads(Q), as_heads(K), as_heads(V), as_options(causal, key_mask, scale, zero_if_empty),
            std::move(m), trials,      seed};
        auto [experiment, errors] = without_gil([&] {
          auto made = std::make_unique<AttentionExperiment<Scalar>>(std::move(plan), interruptible(threads));
          auto measured = made->run({0, trials}, interruptible(threads, progress));
          return std::make_pair(std::move(made), std::move(measured));
        });
        return table_of(errors, experiment->uniform(), experiment->exact());
      },
      "estimator"_a, "Q"_a.noconvert(), "K"_a.noconvert(), "V"_a.noconvert(), "causal"_a, "key_mask"_a, "scale"_a,
      "zero_if_empty"_a, "m"_a, "trials"_a, "seed"_a, "threads"_a, "progress"_a);
}

}  // namespace

void bind_experiments(py::module_& module) {
  bind_pointwise(module);
  bind_attention_errors<float>(module);
  bind_attention_errors<double>(module);
  bind_uniform(module);
  module.def(
      "gram_law_mse",
      [](const Estimator& estimator, const Array<double>& X, const std::vector<Index>& m, int threads) {
        const auto x = as_matrix(X, "X");
        return without_gil([&] { return gram_law_mse(estimator, x, m, interruptible(threads)); });
      },
      "estimator"_a, "X"_a.noconvert(), "m"_a, "threads"_a);
}

}  // namespace bochner::python
