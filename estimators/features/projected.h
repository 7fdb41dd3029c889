#pragma once

#include "core/check.h"
#include "core/projection.h"
#include "estimators/feature_family.h"
#include "estimators/features/row_squares.h"
#include "estimators/laws/one_frequency.h"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

namespace bochner {

/// A feature map built on one projection u = W x' and the factor (amplitude / weight)^(1/2) exp(exponent |x'|^2).
///
/// `Derived` turns the m projections of a row into its p columns. It provides
///   static constexpr Form kForm;
///   static Index columns(Index m);
///   static double weight(Index m);
///   template <class Scalar> void spread(MutableMatrixView<Scalar>& features, Index m) const;  // u in the first m
///   columns
///   template <class Scalar> void pull_back(const MatrixView<Scalar>& features, MutableMatrixView<Scalar>&
///   d_features, Index m) const;  // the gradient of u, from that of the columns, into the first m columns
/// each static where it can be; with `static constexpr bool kPullsBackProjections = true`, pull_back gets u (n, m) in
/// place of the features.
template <class Derived>
class ProjectedMap : public FeatureMap {
 public:
  ProjectedMap(std::shared_ptr<const Projection> projection, const OneFrequencyEstimate& estimate,
               std::string description)
      : projection_(std::move(projection)),
        exponents_(estimate.scales, estimate.exponent),
        log_amplitude_(std::log(estimate.amplitude)),
        description_(std::move(description)) {
    require_scales(estimate.scales.size(), projection_->dim(), "FeatureMap", "the kernel's bandwidth");
  }

  Index dim() const final { return projection_->dim(); }
  Index features() const final { return Derived::columns(projection_->rows()); }
  Form form() const final { return Derived::kForm; }
  Matrix<double> frequencies() const final { return projection_->matrix(); }
  std::string describe() const final { return description_; }

  void tile(const MatrixView<float>& X, Side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const final {
    tile_of<float>(X, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const final {
    tile_of<double>(X, features, log_scale);
  }

  void pair_tile(const MatrixView<float>& X, const MatrixView<float>& Y, MutableMatrixView<float> features,
                 MutableVectorView<float> log_scale) const final {
    pair_tile_of<float>(X, Y, features, log_scale);
  }
  void pair_tile(const MatrixView<double>& X, const MatrixView<double>& Y, MutableMatrixView<double> features,
                 MutableVectorView<double> log_scale) const final {
    pair_tile_of<double>(X, Y, features, log_scale);
  }

  bool differentiable() const final { return true; }
  void vjp(const MatrixView<float>& X, Side, const MatrixView<float>& features, MutableMatrixView<float> d_features,
           const VectorView<float>& d_log_scale, MutableMatrixView<float> d_X) const final {
    vjp_of<float>(X, features, d_features, d_log_scale, d_X);
  }
  void vjp(const MatrixView<double>& X, Side, const MatrixView<double>& features, MutableMatrixView<double> d_features,
           const VectorView<double>& d_log_scale, MutableMatrixView<double> d_X) const final {
    vjp_of<double>(X, features, d_features, d_log_scale, d_X);
  }

 private:
  const Derived& derived() const { return static_cast<const Derived&>(*this); }

  template <class Scalar>
  void vjp_of(const MatrixView<Scalar>& X, const MatrixView<Scalar>& features, MutableMatrixView<Scalar>& d_features,
              const VectorView<Scalar>& d_log_scale, MutableMatrixView<Scalar>& d_X) const {
    const Index m = projection_->rows();
    if constexpr (requires { Derived::kPullsBackProjections; }) {
      Matrix<Scalar> U(X.rows(), m);
      projection_->apply(X, U);
      derived().template pull_back<Scalar>(U, d_features, m);
    } else {
      derived().template pull_back<Scalar>(features, d_features, m);
    }
    projection_->apply_transpose(d_features.leftCols(m), d_X);
    exponents_.add_gradient<Scalar>(X, d_log_scale, d_X);
  }

  template <class Scalar>
  void fill(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features) const {
    const Index m = projection_->rows();
    projection_->apply(X, features.leftCols(m));
    derived().template spread<Scalar>(features, m);
  }

  /// What a factor phi(x) has beside exponent |x'|^2 in its log-scale.
  template <class Scalar>
  Scalar log_weight() const {
    return static_cast<Scalar>((log_amplitude_ - std::log(Derived::weight(projection_->rows()))) / 2);
  }

  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    fill<Scalar>(X, features);
    log_scale = exponents_.of<Scalar>(X).array() + log_weight<Scalar>();
  }

  template <class Scalar>
  void pair_tile_of(const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y, MutableMatrixView<Scalar>& features,
                    MutableVectorView<Scalar>& log_scale) const {
    if constexpr (Derived::kForm == Form::kExponents) {
      // Exponents are linear: those of x and y add up to those of x + y, which takes one projection instead of two.
      const Matrix<Scalar> sums = X + Y;
      fill<Scalar>(sums, features);
      log_scale = (exponents_.of<Scalar>(X) + exponents_.of<Scalar>(Y)).array() + 2 * log_weight<Scalar>();
    } else {
      FeatureMap::pair_tile(X, Y, features, log_scale);
    }
  }

  std::shared_ptr<const Projection> projection_;
  RowSquares exponents_;  // exponent |x'|^2
  double log_amplitude_;
  std::string description_;
};

/// An estimate of exp(x.y) with Gaussian frequencies, made one of the kernel. Throws std::invalid_argument, naming the
/// features, where the kernel does not allow the shape.
OneFrequencyEstimate estimate_for(const Kernel& kernel, OneFrequencyEstimate of_softmax, const std::string& features);

/// A family whose estimate is a mean of one function of one projection: it has the law of laws/one_frequency.h.
class ProjectedFamily : public FeatureFamily {
 public:
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const final;
  std::optional<OneFrequencyEstimate> one_frequency(const Kernel& kernel) const final { return estimate_of(kernel); }
  /// Those of the shape.
  std::vector<Trait> traits(const Kernel& kernel) const final;
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const final;
  std::vector<Law> laws(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                        std::span<const Index> m, std::span<const double> x, std::span<const double> y) const final;

 protected:
  /// The estimate of exp(x.y) that this family makes with Gaussian frequencies.
  virtual OneFrequencyEstimate softmax_estimate() const = 0;
  /// The same for the kernel. Throws std::invalid_argument where the kernel does not allow the shape.
  OneFrequencyEstimate estimate_of(const Kernel& kernel) const;
};

/// factor * scales * (x + y): the shift of a frequency under which exp(factor w.(x' + y')) carries its own weight.
Vector<double> tail_shift(const Kernel& kernel, std::span<const double> x, std::span<const double> y, double factor);

}  // namespace bochner
