#pragma once

#include "core/projection.h"
#include "estimators/coupling.h"
#include "estimators/feature_family.h"
#include "estimators/feature_map.h"
#include "estimators/kernel.h"
#include "estimators/radial_law.h"
#include "python/src/arrays.h"

#include <pybind11/pybind11.h>

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bochner::python {

/// A Python object that any thread may hold, copy and drop.
class Shared {
 public:
  explicit Shared(pybind11::object object) : object_(std::move(object)) {}
  Shared(const Shared& other) {
    const pybind11::gil_scoped_acquire acquire;
    object_ = other.object_;
  }
  Shared& operator=(const Shared&) = delete;
  ~Shared() {
    const pybind11::gil_scoped_acquire acquire;
    object_ = {};
  }
  /// Only with the interpreter held.
  const pybind11::object& get() const { return object_; }

 private:
  pybind11::object object_;
};

/// What every part written in Python has: its name, its parameters, and the object whose underscored methods call the
/// user's and check what they return (bochner/_plugins.py). Any thread may call it: each call acquires the interpreter
/// for itself, and what it raises passes through the loops of the library to the caller.
struct Plugin {
  std::string name;
  Parameters parameters;
  Shared object;

  /// The matrix that object.method(arguments...) returns.
  template <class Scalar, class... Arguments>
  Matrix<Scalar> matrix(const char* method, const Arguments&... arguments) const {
    const pybind11::gil_scoped_acquire acquire;
    return as_matrix(object.get().attr(method)(to_python(arguments)...).template cast<Array<Scalar>>(), method);
  }
  template <class... Arguments>
  double number(const char* method, const Arguments&... arguments) const {
    const pybind11::gil_scoped_acquire acquire;
    return object.get().attr(method)(to_python(arguments)...).template cast<double>();
  }

 private:
  template <class Scalar>
  static Array<Scalar> to_python(const MatrixView<Scalar>& X) {
    Array<Scalar> copy({X.rows(), X.cols()});
    Eigen::Map<Matrix<Scalar>>(copy.mutable_data(), X.rows(), X.cols()) = X;
    return copy;
  }
  static Array<double> to_python(const std::span<const double>& x) {
    return Array<double>(static_cast<pybind11::ssize_t>(x.size()), x.data());
  }
  static pybind11::int_ to_python(std::uint64_t number) { return number; }
  static pybind11::int_ to_python(Index number) { return number; }
  static pybind11::str to_python(const std::string& text) { return text; }
  /// The words that name a stream for NumPy's generator.
  static pybind11::tuple to_python(const std::array<std::uint64_t, 2>& words) {
    return pybind11::make_tuple(words[0], words[1]);
  }
  static pybind11::object to_python(const pybind11::object& object) { return object; }
};

/// The key of the NumPy generator that a part in Python draws from: a function of the stream's name and the lane.
/// Lanes from 2^63 on are those of parts in Python.
std::array<std::uint64_t, 2> generator_key(const Stream& stream, std::uint64_t lane);

class PythonKernel final : public Kernel {
 public:
  PythonKernel(Plugin plugin, std::shared_ptr<const FrequencyLaw> law, ProjectionForm form, std::vector<Shape> shapes)
      : plugin_(std::move(plugin)), law_(std::move(law)), form_(std::move(form)), shapes_(std::move(shapes)) {}

  std::string name() const override { return plugin_.name; }
  Parameters parameters() const override { return plugin_.parameters; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override {
    return SignedLog::from(plugin_.number("_value", x, y));
  }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return law_; }
  ProjectionForm projection_form() const override { return form_; }
  bool allows(Shape shape) const override;

 private:
  Plugin plugin_;
  std::shared_ptr<const FrequencyLaw> law_;
  ProjectionForm form_;
  std::vector<Shape> shapes_;
};

/// Rows are drawn in whole groups of kRows, each from a generator of its own, so that fewer rows are a prefix however
/// the user's function uses its generator.
class PythonFrequencyLaw final : public FrequencyLaw {
 public:
  static constexpr Index kRows = 64;
  PythonFrequencyLaw(Plugin plugin, bool has_gap, bool has_squares)
      : plugin_(std::move(plugin)), has_gap_(has_gap), has_squares_(has_squares) {}

  std::string name() const override { return plugin_.name; }
  Parameters parameters() const override { return plugin_.parameters; }
  void fill_independent(const Stream& stream, Matrix<double>& W) const override;
  std::optional<double> cosine_gap(std::span<const double> u) const override;
  std::optional<double> cosine_variance(std::span<const double> u) const override;
  std::optional<Vector<double>> mean_squares(Index dim) const override;

 private:
  Plugin plugin_;
  bool has_gap_;
  bool has_squares_;
};

/// A radial law of which only norms are known, not the moments.
class PythonRadialLaw final : public RadialLaw {
 public:
  static constexpr std::size_t kNorms = 64;
  explicit PythonRadialLaw(Plugin plugin) : plugin_(std::move(plugin)) {}

  std::string name() const override { return plugin_.name; }
  Parameters parameters() const override { return plugin_.parameters; }
  void draw_norms(Stream& stream, Index dim, std::span<double> norms) const override;
  std::optional<double> cosine_variance(std::span<const double>) const override { return std::nullopt; }
  bool has_moments(Shape) const override { return false; }
  SignedLog mean(Shape, Index, double) const override;
  SignedLog variance(Shape, Index, double) const override;
  std::optional<SignedLog> covariance(Shape, Index, double, double) const override { return std::nullopt; }

 private:
  Plugin plugin_;
};

/// What a coupling says of itself.
struct CouplingTraits {
  bool unbiased = true;
  bool prefixes_are_draws = false;
  bool independent = false;
  bool needs_isotropic = false;
};

class PythonCoupling final : public Coupling {
 public:
  PythonCoupling(Plugin plugin, CouplingTraits traits) : plugin_(std::move(plugin)), traits_(traits) {}

  std::string name() const override { return plugin_.name; }
  Parameters parameters() const override { return plugin_.parameters; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  void require_drawable(const FrequencyLaw& law, const std::string& who) const override {
    if (traits_.needs_isotropic) Coupling::require_drawable(law, who);
  }
  bool unbiased() const override { return traits_.unbiased; }
  bool prefixes_are_draws() const override { return traits_.prefixes_are_draws; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override {
    if (!traits_.independent) return std::nullopt;
    return std::vector<PairGroup>{};
  }

 private:
  Plugin plugin_;
  CouplingTraits traits_;
};

/// What features say of themselves.
struct FeaturesTraits {
  bool needs_frequencies = true;  ///< otherwise they draw from their generator alone
  bool unbiased = true;
  bool has_law = false;
};

class PythonFeatures final : public FeatureFamily {
 public:
  PythonFeatures(Plugin plugin, FeaturesTraits traits) : plugin_(std::move(plugin)), traits_(traits) {}
  bool needs_frequencies() const { return traits_.needs_frequencies; }
  /// Whether the user says that the mean of K^ is K.
  bool unbiased() const { return traits_.unbiased; }

  std::string name() const override { return plugin_.name; }
  Parameters parameters() const override { return plugin_.parameters; }
  std::shared_ptr<const FeatureMap> draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                         const Coupling& coupling, Index m, Index dim,
                                         const Stream& stream) const override;
  bool has_frequencies() const override { return traits_.needs_frequencies; }
  bool projected() const override { return false; }
  Index features(Index m) const override;
  /// The user's mean and variance, with the kernel's own frequencies; of other ones they say nothing.
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const override;

 private:
  Plugin plugin_;
  FeaturesTraits traits_;
};

}  // namespace bochner::python
