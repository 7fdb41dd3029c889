#include "core/check.h"
#include "estimators/feature_family.h"
#include "python/src/arrays.h"
#include "python/src/bind.h"
#include "python/src/execution.h"
#include "python/src/plugins.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bochner::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

constexpr std::uint64_t kPythonLanes = std::uint64_t{1} << 63;
constexpr std::uint64_t kCouplingLane = kPythonLanes, kFeaturesLane = kPythonLanes + 1, kLawLanes = kPythonLanes + 2;

/// The map of one draw: an object whose _transform(X, is_key) returns features (n, p) and log-scales (n, 1), and whose
/// _vjp(X, is_key, d_features, d_log_scale) returns d_X (n, d), checked.
class PythonMap final : public FeatureMap {
 public:
  PythonMap(const py::object& object, Index dim, Matrix<double> frequencies, std::string description)
      : object_(object),
        dim_(dim),
        features_(object.attr("features").cast<Index>()),
        symmetric_(object.attr("symmetric").cast<bool>()),
        differentiable_(object.attr("differentiable").cast<bool>()),
        frequencies_(std::move(frequencies)),
        description_(std::move(description)) {}

  Index dim() const override { return dim_; }
  Index features() const override { return features_; }
  Form form() const override { return Form::kValues; }
  bool symmetric() const override { return symmetric_; }
  Matrix<double> frequencies() const override {
    if (frequencies_.size() > 0) return frequencies_;
    throw std::invalid_argument("frequencies: " + description_ + " has none");
  }
  std::string describe() const override { return description_; }
  void tile(const MatrixView<float>& X, Side side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    fill<float>(X, side, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    fill<double>(X, side, features, log_scale);
  }
  bool differentiable() const override { return differentiable_; }
  void vjp(const MatrixView<float>& X, Side side, const MatrixView<float>& features,
           MutableMatrixView<float> d_features, const VectorView<float>& d_log_scale,
           MutableMatrixView<float> d_X) const override {
    if (!differentiable_) return FeatureMap::vjp(X, side, features, d_features, d_log_scale, d_X);
    pull_back<float>(X, side, d_features, d_log_scale, d_X);
  }
  void vjp(const MatrixView<double>& X, Side side, const MatrixView<double>& features,
           MutableMatrixView<double> d_features, const VectorView<double>& d_log_scale,
           MutableMatrixView<double> d_X) const override {
    if (!differentiable_) return FeatureMap::vjp(X, side, features, d_features, d_log_scale, d_X);
    pull_back<double>(X, side, d_features, d_log_scale, d_X);
  }

 private:
  template <class Scalar>
  static Array<Scalar> copy_of(const MatrixView<Scalar>& X) {
    Array<Scalar> copy({X.rows(), X.cols()});
    Eigen::Map<Matrix<Scalar>>(copy.mutable_data(), X.rows(), X.cols()) = X;
    return copy;
  }

  template <class Scalar>
  void fill(const MatrixView<Scalar>& X, Side side, MutableMatrixView<Scalar>& features,
            MutableVectorView<Scalar>& log_scale) const {
    const py::gil_scoped_acquire acquire;
    const py::tuple result = object_.get().attr("_transform")(copy_of<Scalar>(X), side == Side::kKey);
    const auto values = result[0].template cast<Array<Scalar>>();
    const auto scales = result[1].template cast<Array<Scalar>>();
    features = as_matrix(values, "features");
    log_scale = as_matrix(scales, "log_scale").col(0);
  }

  template <class Scalar>
  void pull_back(const MatrixView<Scalar>& X, Side side, const MatrixView<Scalar>& d_features,
                 const VectorView<Scalar>& d_log_scale, MutableMatrixView<Scalar>& d_X) const {
    const py::gil_scoped_acquire acquire;
    const Array<Scalar> d_scale(d_log_scale.size(), d_log_scale.data());
    const py::object result =
        object_.get().attr("_vjp")(copy_of<Scalar>(X), side == Side::kKey, copy_of<Scalar>(d_features), d_scale);
    const auto gradient = result.cast<Array<Scalar>>();
    d_X = as_matrix(gradient, "d_X");
  }

  Shared object_;
  Index dim_;
  Index features_;
  bool symmetric_;
  bool differentiable_;
  Matrix<double> frequencies_;
  std::string description_;
};

Plugin plugin_of(const py::object& object) {
  return {object.attr("name").cast<std::string>(), object.attr("parameters").cast<Parameters>(), Shared(object)};
}

std::vector<Shape> shapes_of(const std::vector<std::string>& names) {
  std::vector<Shape> shapes;
  for (const std::string& name : names) {
    if (name == "exp") {
      shapes.push_back(Shape::kExp);
    } else if (name == "cosh") {
      shapes.push_back(Shape::kCosh);
    } else if (name == "cos") {
      shapes.push_back(Shape::kCos);
    } else {
      throw std::invalid_argument("shapes has '" + name + "'; expected 'exp', 'cosh' or 'cos'");
    }
  }
  return shapes;
}

py::object law_object(const FrequencyLaw& law) { return py::cast(&law, py::return_value_policy::reference); }

}  // namespace

std::array<std::uint64_t, 2> generator_key(const Stream& stream, std::uint64_t lane) {
  Stream own = stream.lane(lane);
  const std::uint64_t first = own.next();
  return {first, own.next()};
}

bool PythonKernel::allows(Shape shape) const { return std::ranges::find(shapes_, shape) != shapes_.end(); }

void PythonFrequencyLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  for (Index begin = 0; begin < W.rows(); begin += kRows) {
    const auto key = generator_key(stream, kLawLanes + static_cast<std::uint64_t>(begin / kRows));
    const Index rows = std::min(kRows, W.rows() - begin);
    W.middleRows(begin, rows) = plugin_.matrix<double>("_rows", kRows, W.cols(), key).topRows(rows);
  }
}

std::optional<double> PythonFrequencyLaw::cosine_gap(std::span<const double> u) const {
  if (!has_gap_) return std::nullopt;
  return plugin_.number("_gap", u);
}

std::optional<double> PythonFrequencyLaw::cosine_variance(std::span<const double> u) const {
  if (!has_gap_) return std::nullopt;
  return plugin_.number("_variance", u);
}

std::optional<Vector<double>> PythonFrequencyLaw::mean_squares(Index dim) const {
  if (!has_squares_) return std::nullopt;
  return plugin_.matrix<double>("_squares", dim).col(0);
}

void PythonRadialLaw::draw_norms(Stream& stream, Index dim, std::span<double> norms) const {
  for (std::size_t begin = 0; begin < norms.size(); begin += kNorms) {
    const std::uint64_t first = stream.next();
    const std::array<std::uint64_t, 2> key{first, stream.next()};
    const auto drawn = plugin_.matrix<double>("_norms", static_cast<Index>(kNorms), dim, key);
    for (std::size_t i = begin; i < std::min(norms.size(), begin + kNorms); ++i) {
      norms[i] = drawn(static_cast<Index>(i - begin), 0);
    }
  }
}

SignedLog PythonRadialLaw::mean(Shape, Index, double) const {
  throw std::invalid_argument("mean: the moments of the radial law '" + name() + "' are not known");
}

SignedLog PythonRadialLaw::variance(Shape, Index, double) const {
  throw std::invalid_argument("variance: the moments of the radial law '" + name() + "' are not known");
}

std::shared_ptr<const Projection> PythonCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                       const Stream& stream) const {
  const py::gil_scoped_acquire acquire;
  return std::make_shared<DenseProjection>(
      plugin_.matrix<double>("_draw", law_object(law), m, dim, generator_key(stream, kCouplingLane)));
}

std::shared_ptr<const FeatureMap> PythonFeatures::draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                       const Coupling& coupling, Index m, Index dim,
                                                       const Stream& stream) const {
  const auto key = generator_key(stream, kFeaturesLane);
  Matrix<double> W;
  if (needs_frequencies()) {
    W = scaled(coupling.draw(*frequencies, m, dim, stream), kernel.projection_form().scales)->matrix();
  }
  const std::string description = describe() + " features of " + kernel.describe();
  const py::gil_scoped_acquire acquire;
  py::object given = py::none();
  if (needs_frequencies()) given = to_numpy(Matrix<double>(W));
  const py::object map = plugin_.object.get().attr("_draw")(dim, m, py::make_tuple(key[0], key[1]), given);
  return std::make_shared<PythonMap>(map, dim, std::move(W), description);
}

std::optional<Law> PythonFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling&, Index m,
                                       std::span<const double> x, std::span<const double> y) const {
  if (!traits_.has_law || (frequencies && !frequencies->same_as(*kernel.frequency_law()))) return std::nullopt;
  // One row (mean, variance), or none where the user knows no law.
  const auto known = plugin_.matrix<double>("_law", x, y, m);
  if (known.rows() == 0) return std::nullopt;
  const double bias = known(0) - kernel.value(x, y).value();
  return Law{known(0), known(1), bias, known(1) + bias * bias, {}};
}

Index PythonFeatures::features(Index m) const {
  const py::gil_scoped_acquire acquire;
  return plugin_.object.get().attr("_features")(m).cast<Index>();
}

void bind_frequency_law(py::module_& module) {
  py::class_<FrequencyLaw, std::shared_ptr<FrequencyLaw>>(module, "FrequencyLaw")
      .def_property_readonly("name", &FrequencyLaw::name)
      .def_property_readonly("parameters", &FrequencyLaw::parameters)
      .def_property_readonly("isotropic", [](const FrequencyLaw& self) { return self.isotropic() != nullptr; })
      .def(
          "independent",
          [](const FrequencyLaw& self, Index m, Index dim, std::uint64_t seed, std::uint64_t index) {
            return to_numpy(without_gil([&] {
              Matrix<double> W(m, dim);
              self.fill_independent(Stream(seed, Purpose::kFrequencies, index), W);
              return W;
            }));
          },
          "m"_a, "dim"_a, "seed"_a, "index"_a)
      .def(
          "norms",
          [](const FrequencyLaw& self, Index count, Index dim, std::uint64_t seed, std::uint64_t index) {
            return to_numpy(without_gil([&] {
              Stream stream(seed, Purpose::kFrequencies, index);
              Vector<double> norms(count);
              const std::span<double> all(norms.data(), static_cast<std::size_t>(count));
              require_isotropic(self, "norms").draw_norms(stream, dim, all);
              return norms;
            }));
          },
          "count"_a, "dim"_a, "seed"_a, "index"_a);
}

void bind_plugins(py::module_& module) {
  module.def(
      "plugin_kernel",
      [](const py::object& object, std::shared_ptr<FrequencyLaw> law, double scale, double exponent, double amplitude,
         const std::vector<std::string>& shapes) -> std::shared_ptr<Kernel> {
        require_positive(scale, "KernelPlugin", "scale");
        require_positive(amplitude, "KernelPlugin", "amplitude");
        return std::make_shared<PythonKernel>(plugin_of(object), std::move(law),
                                              ProjectionForm{{scale}, exponent, amplitude}, shapes_of(shapes));
      },
      "object"_a, "law"_a, "scale"_a, "exponent"_a, "amplitude"_a, "shapes"_a);
  module.def(
      "plugin_frequency_law",
      [](const py::object& object, bool has_gap, bool has_squares) -> std::shared_ptr<FrequencyLaw> {
        return std::make_shared<PythonFrequencyLaw>(plugin_of(object), has_gap, has_squares);
      },
      "object"_a, "has_gap"_a, "has_squares"_a);
  module.def(
      "plugin_radial_law",
      [](const py::object& object) -> std::shared_ptr<RadialLaw> {
        return std::make_shared<PythonRadialLaw>(plugin_of(object));
      },
      "object"_a);
  module.def(
      "plugin_coupling",
      [](const py::object& object, bool unbiased, bool prefixes_are_draws, bool independent,
         bool needs_isotropic) -> std::shared_ptr<Coupling> {
        return std::make_shared<PythonCoupling>(
            plugin_of(object), CouplingTraits{unbiased, prefixes_are_draws, independent, needs_isotropic});
      },
      "object"_a, "unbiased"_a, "prefixes_are_draws"_a, "independent"_a, "needs_isotropic"_a);
  module.def(
      "plugin_features",
      [](const py::object& object, bool needs_frequencies, bool unbiased,
         bool has_law) -> std::shared_ptr<FeatureFamily> {
        return std::make_shared<PythonFeatures>(plugin_of(object),
                                                FeaturesTraits{needs_frequencies, unbiased, has_law});
      },
      "object"_a, "needs_frequencies"_a, "unbiased"_a, "has_law"_a);
}

}  // namespace bochner::python
