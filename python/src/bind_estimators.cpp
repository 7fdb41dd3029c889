#include "core/check.h"
#include "core/projection.h"
#include "estimators/estimator.h"
#include "estimators/feature_map.h"
#include "estimators/kernels/ard.h"
#include "estimators/kernels/composition.h"
#include "estimators/law.h"
#include "estimators/registry.h"
#include "python/src/arrays.h"
#include "python/src/bind.h"
#include "python/src/execution.h"
#include "python/src/plugins.h"
#include "python/src/python_function.h"

#include <pybind11/stl.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

namespace bochner::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

/// pybind11 holds objects as non-const; none of the methods bound here changes one.
template <class Part>
std::shared_ptr<Part> share(std::shared_ptr<const Part> part) {
  return std::const_pointer_cast<Part>(std::move(part));
}

template <class Part>
using Maker = std::shared_ptr<const Part> (*)(const std::string&, const Parameters&);

/// A class of one kind of component, which names and parameters of the registry build.
template <class Part, class... Bases>
py::class_<Part, Bases..., std::shared_ptr<Part>> bind_component(py::module_& module, const char* name,
                                                                 Maker<Part> make,
                                                                 const std::vector<Registered<Part>>& registered) {
  return py::class_<Part, Bases..., std::shared_ptr<Part>>(module, name)
      .def(py::init(
               [make](const std::string& part, const Parameters& parameters) { return share(make(part, parameters)); }),
           "name"_a, "parameters"_a = Parameters{})
      .def_property_readonly("name", &Part::name)
      .def_property_readonly("parameters", &Part::parameters)
      .def_static("registered", [&registered] {
        std::vector<std::tuple<std::string, Parameters, std::string>> entries;
        for (const auto& entry : registered) entries.emplace_back(entry.name, entry.defaults, entry.summary);
        return entries;
      });
}

template <class Scalar, class Class>
void bind_kernel_values(Class& kernel) {
  kernel.def(
      "gram",
      [](const Kernel& self, const Array<Scalar>& X, const Array<Scalar>& Y, int threads) {
        const auto x = as_matrix(X, "X");
        const auto y = as_matrix(Y, "Y");
        const double operations = 3.0 * static_cast<double>(x.size()) * static_cast<double>(y.rows());
        return to_numpy(without_gil([&] { return gram<Scalar>(self, x, y, execution_for(threads, operations)); }));
      },
      "X"_a.noconvert(), "Y"_a.noconvert(), "threads"_a);
  kernel.def(
      "paired",
      [](const Kernel& self, const Array<Scalar>& X, const Array<Scalar>& Y) {
        const auto x = as_matrix(X, "X");
        const auto y = as_matrix(Y, "Y");
        return to_numpy(without_gil([&] { return paired<Scalar>(self, x, y); }));
      },
      "X"_a.noconvert(), "Y"_a.noconvert());
}

using Kernels = std::vector<std::shared_ptr<Kernel>>;

std::vector<std::shared_ptr<const Kernel>> constant(const Kernels& kernels) { return {kernels.begin(), kernels.end()}; }

template <class Class>
void bind_compositions(Class& kernel) {
  kernel.def_property_readonly("stationary", &Kernel::stationary)
      .def(
          "with_length_scales",
          [](const std::shared_ptr<Kernel>& self, const std::vector<double>& length_scales) {
            return share(with_length_scales(self, length_scales));
          },
          "length_scales"_a)
      .def_static(
          "sum",
          [](const Kernels& kernels) { return share<Kernel>(std::make_shared<const SumKernel>(constant(kernels))); },
          "kernels"_a)
      .def_static(
          "product",
          [](const Kernels& kernels) {
            return share<Kernel>(std::make_shared<const ProductKernel>(constant(kernels)));
          },
          "kernels"_a)
      .def(
          "scaled",
          [](const std::shared_ptr<Kernel>& self, double amplitude) {
            return share<Kernel>(std::make_shared<const ScaledKernel>(amplitude, self));
          },
          "amplitude"_a);
}

Side side_of(bool is_key) { return is_key ? Side::kKey : Side::kQuery; }

double products(const FeatureMap& map, Index rows) {
  return 2.0 * static_cast<double>(rows) * static_cast<double>(map.features()) * static_cast<double>(map.dim());
}

template <class Scalar, class Class>
void bind_map_values(Class& map) {
  map.def(
      "transform",
      [](const FeatureMap& self, const Array<Scalar>& X, bool is_key, int threads) {
        const auto x = as_matrix(X, "X");
        const double operations = products(self, x.rows());
        // NumPy's memory: large arrays have large pages there, which come in faster than the features.
        Array<Scalar> Z({x.rows(), self.features()});
        Eigen::Map<Matrix<Scalar>> z(Z.mutable_data(), x.rows(), self.features());
        without_gil([&] { transform<Scalar>(self, x, z, side_of(is_key), execution_for(threads, operations)); });
        return Z;
      },
      "X"_a.noconvert(), "is_key"_a, "threads"_a);
  map.def(
      "transform_scaled",
      [](const FeatureMap& self, const Array<Scalar>& X, bool is_key, int threads) {
        const auto x = as_matrix(X, "X");
        const double operations = products(self, x.rows());
        auto scaled = without_gil(
            [&] { return transform_scaled<Scalar>(self, x, side_of(is_key), execution_for(threads, operations)); });
        return py::make_tuple(to_numpy(std::move(scaled.values)), to_numpy(std::move(scaled.log_scale)));
      },
      "X"_a.noconvert(), "is_key"_a, "threads"_a);
  map.def(
      "vjp",
      [](const FeatureMap& self, const Array<Scalar>& X, const Array<Scalar>& d_Z, bool is_key, int threads) {
        const auto x = as_matrix(X, "X");
        const auto d_z = as_matrix(d_Z, "d_Z");
        const double operations = 2 * products(self, x.rows());
        return to_numpy(without_gil(
            [&] { return transform_vjp<Scalar>(self, x, d_z, side_of(is_key), execution_for(threads, operations)); }));
      },
      "X"_a.noconvert(), "d_Z"_a.noconvert(), "is_key"_a, "threads"_a);
  map.def(
      "gram",
      [](const FeatureMap& self, const Array<Scalar>& X, const Array<Scalar>& Y, int threads) {
        const auto x = as_matrix(X, "X");
        const auto y = as_matrix(Y, "Y");
        const double operations =
            static_cast<double>(x.rows()) * static_cast<double>(y.rows()) * static_cast<double>(self.features());
        return to_numpy(without_gil([&] { return gram<Scalar>(self, x, y, execution_for(threads, operations)); }));
      },
      "X"_a.noconvert(), "Y"_a.noconvert(), "threads"_a);
  map.def(
      "paired",
      [](const FeatureMap& self, const Array<Scalar>& X, const Array<Scalar>& Y) {
        const auto x = as_matrix(X, "X");
        const auto y = as_matrix(Y, "Y");
        return to_numpy(without_gil([&] { return paired<Scalar>(self, x, y); }));
      },
      "X"_a.noconvert(), "Y"_a.noconvert());
}

void bind_map(py::module_& module) {
  py::class_<FeatureMap, std::shared_ptr<FeatureMap>> map(module, "FeatureMap");
  map.def(py::init([](const Kernel& kernel, const FeatureFamily& family, const Array<double>& frequencies) {
            const auto W = as_matrix(frequencies, "frequencies");
            require_points(W, "FeatureMap", "frequencies");
            return share(family.make(kernel, std::make_shared<DenseProjection>(W)));
          }),
          "kernel"_a, "features"_a, "frequencies"_a.noconvert())
      .def_property_readonly("dim", &FeatureMap::dim)
      .def_property_readonly("features", &FeatureMap::features)
      .def_property_readonly("symmetric", &FeatureMap::symmetric)
      .def_property_readonly("differentiable", &FeatureMap::differentiable)
      .def_property_readonly("exponential", [](const FeatureMap& self) { return self.form() == Form::kExponents; })
      .def_property_readonly("frequencies", [](const FeatureMap& self) { return to_numpy(self.frequencies()); });
  bind_map_values<float>(map);
  bind_map_values<double>(map);
}

/// The law of each pair of rows, as (4, n): mean, variance, bias, mse.
Matrix<double> laws_of_rows(const Estimator& estimator, const MatrixMap<double>& X, const MatrixMap<double>& Y, Index m,
                            const Execution& execution) {
  Matrix<double> laws(4, X.rows());
  parallel_for(X.rows(), execution, [&](Index i) {
    const Law law = estimator.law(row_of(X, i), row_of(Y, i), m);
    laws.col(i) << law.mean, law.variance, law.bias, law.mse;
  });
  return laws;
}

/// What the parts say of themselves: whether the mean is K (None where nobody knows), whether the coupling keeps the
/// law of each frequency, whether prefixes of a draw are draws, and whether a map is one of frequencies alone.
py::dict declared(const Estimator& estimator) {
  py::dict says;
  says["unbiased"] = py::none();
  if (const auto one = estimator.features().one_frequency(estimator.kernel())) {
    const FrequencyLaw* law = estimator.frequency_law();
    says["unbiased"] = law && estimator.coupling().unbiased() && estimator.kernel().is_mean_of(one->shape, *law);
  } else if (const auto* python = dynamic_cast<const PythonFeatures*>(&estimator.features())) {
    says["unbiased"] = python->unbiased() && (!python->needs_frequencies() || estimator.coupling().unbiased());
  }
  says["marginals"] = estimator.coupling().unbiased();
  says["prefixes"] = estimator.coupling().prefixes_are_draws();
  says["projected"] = estimator.features().projected();
  return says;
}

void bind_estimator(py::module_& module) {
  py::class_<Estimator, std::shared_ptr<Estimator>>(module, "Estimator")
      .def(py::init([](std::shared_ptr<Kernel> kernel, std::shared_ptr<FeatureFamily> features,
                       std::shared_ptr<Coupling> coupling, std::shared_ptr<RadialLaw> radial) {
             return std::make_shared<Estimator>(std::move(kernel), std::move(features), std::move(coupling),
                                                std::move(radial));
           }),
           "kernel"_a, "features"_a, "coupling"_a, "radial"_a = nullptr)
      .def_property_readonly("radial",
                             [](const Estimator& self) -> std::shared_ptr<RadialLaw> {
                               const auto law = std::dynamic_pointer_cast<const RadialLaw>(self.shared_frequency_law());
                               return std::const_pointer_cast<RadialLaw>(law);
                             })
      .def_property_readonly("has_law", &Estimator::has_law)
      .def_property_readonly("cautions", &Estimator::cautions)
      .def_property_readonly("declared", &declared)
      .def(
          "draw",
          [](const Estimator& self, Index dim, Index m, std::uint64_t seed, std::uint64_t trial) {
            return share(without_gil([&] { return self.draw(dim, m, seed, trial); }));
          },
          "dim"_a, "m"_a, "seed"_a, "trial"_a)
      .def(
          "law",
          [](const Estimator& self, const Array<double>& X, const Array<double>& Y, Index m, int threads) {
            const auto x = as_matrix(X, "X");
            const auto y = as_matrix(Y, "Y");
            require_points(x, "law", "X");
            require_points(y, "law", "Y");
            require_same_shape(x, y, "law", "X", "Y");
            const double operations = 5e3 * static_cast<double>(x.rows());
            return to_numpy(
                without_gil([&] { return laws_of_rows(self, x, y, m, execution_for(threads, operations)); }));
          },
          "X"_a.noconvert(), "Y"_a.noconvert(), "m"_a, "threads"_a);
}

}  // namespace

void bind_estimators(py::module_& module) {
  py::register_exception<NoLawError>(module, "NoLawError", PyExc_ValueError).attr("__module__") = "bochner";
  auto kernel = bind_component<Kernel>(module, "Kernel", make_kernel, registered_kernels());
  bind_kernel_values<float>(kernel);
  bind_kernel_values<double>(kernel);
  bind_compositions(kernel);
  bind_component<FeatureFamily>(module, "Features", make_features, registered_features())
      .def_property_readonly("projected", &FeatureFamily::projected)
      .def_property_readonly("fitted", &FeatureFamily::fitted)
      .def_property_readonly("fitted_parameters",
                             [](const FeatureFamily& self) {
                               std::map<std::string, Array<double>> arrays;
                               Fitted found = self.fitted_parameters();
                               for (auto& [key, value] : found) arrays[key] = to_numpy(std::move(value));
                               return arrays;
                             })
      .def(
          "with_fitted",
          [](const FeatureFamily& self, const std::map<std::string, Array<double>>& arrays) {
            Fitted parameters;
            for (const auto& [key, value] : arrays) parameters[key] = as_matrix(value, key.c_str());
            return share(self.with_fitted(parameters));
          },
          "parameters"_a)
      .def(
          "fit",
          [](const FeatureFamily& self, const Kernel& of, const Array<double>& X, const Array<double>& Y) {
            const auto x = as_matrix(X, "X");
            const auto y = as_matrix(Y, "Y");
            return share(without_gil([&] { return self.fit(of, x, y); }));
          },
          "kernel"_a, "X"_a.noconvert(), "Y"_a.noconvert());
  module.def(
      "function_features",
      [](py::object function, py::object derivative, double epsilon) {
        return std::shared_ptr<FeatureFamily>(std::make_shared<ElementwiseFeatures>(
            std::make_shared<PythonFunction>(std::move(function), std::move(derivative)), epsilon));
      },
      "function"_a, "derivative"_a, "epsilon"_a);
  bind_component<Coupling>(module, "Coupling", make_coupling, registered_couplings());
  bind_component<RadialLaw, FrequencyLaw>(module, "RadialLaw", make_radial_law, registered_radial_laws());
  module.def(
      "default_coupling",
      [](const Kernel& of, const FeatureFamily& features) { return default_coupling(of, features)->name(); },
      "kernel"_a, "features"_a);
  bind_map(module);
  bind_estimator(module);
}

}  // namespace bochner::python
