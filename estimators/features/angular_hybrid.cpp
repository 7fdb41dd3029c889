#include "estimators/features/angular_hybrid.h"

#include "core/check.h"
#include "core/sampling.h"
#include "core/simd/functions.h"
#include "estimators/features/row_squares.h"
#include "estimators/kernels/angle.h"
#include "estimators/radial_laws/chi.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace bochner {
namespace {

/// The two estimates that are mixed.
struct Parts {
  OneFrequencyEstimate hyperbolic;
  OneFrequencyEstimate trigonometric;
};

Parts parts_of(const Kernel& kernel, const std::string& features) {
  return {estimate_for(kernel, {.shape = Shape::kCosh, .sign = 1, .exponent = -0.5}, features),
          estimate_for(kernel, {.shape = Shape::kCos, .sign = -1, .exponent = 0.5}, features)};
}

class AngularHybridMap final : public FeatureMap {
 public:
  AngularHybridMap(std::shared_ptr<const Projection> projection, std::shared_ptr<const Projection> angles,
                   const Parts& parts, std::string description)
      : projection_(std::move(projection)),
        angles_(std::move(angles)),
        squares_(parts.trigonometric.scales, 1),
        hyperbolic_exponent_(parts.hyperbolic.exponent),
        trigonometric_exponent_(parts.trigonometric.exponent),
        log_amplitude_(std::log(parts.trigonometric.amplitude)),
        description_(std::move(description)) {}

  Index dim() const override { return projection_->dim(); }
  Index features() const override { return 8 * projection_->rows() * angles_->rows(); }
  Form form() const override { return Form::kValues; }
  bool symmetric() const override { return false; }
  Matrix<double> frequencies() const override { return projection_->matrix(); }
  std::string describe() const override { return description_; }

  void tile(const MatrixView<float>& X, Side side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of<float>(X, side, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of<double>(X, side, features, log_scale);
  }

  bool differentiable() const override { return true; }
  void vjp(const MatrixView<float>& X, Side side, const MatrixView<float>&, MutableMatrixView<float> d_features,
           const VectorView<float>& d_log_scale, MutableMatrixView<float> d_X) const override {
    vjp_of<float>(X, side, d_features, d_log_scale, d_X);
  }
  void vjp(const MatrixView<double>& X, Side side, const MatrixView<double>&, MutableMatrixView<double> d_features,
           const VectorView<double>& d_log_scale, MutableMatrixView<double> d_X) const override {
    vjp_of<double>(X, side, d_features, d_log_scale, d_X);
  }

 private:
  /// What the columns of rows are copies of, relative to log_scale: H and T, each (n, 2m), and where t_l.x > 0, (n, l).
  template <class Scalar>
  struct Rows {
    Matrix<Scalar> hyperbolic;
    Matrix<Scalar> trigonometric;
    Vector<Scalar> log_scale;
    Matrix<Scalar> angles;
  };

  template <class Scalar>
  Rows<Scalar> rows_of(const MatrixView<Scalar>& X) const {
    const Index m = projection_->rows();
    const auto count = static_cast<std::size_t>(m);
    Matrix<Scalar> U(X.rows(), m);
    projection_->apply(X, U);
    Rows<Scalar> rows{Matrix<Scalar>(X.rows(), 2 * m), Matrix<Scalar>(X.rows(), 2 * m), squares_.of<Scalar>(X),
                      Matrix<Scalar>(X.rows(), angles_->rows())};
    angles_->apply(X, rows.angles);
    const double weight = 2.0 * static_cast<double>(m * angles_->rows());
    const auto log_weight = static_cast<Scalar>((log_amplitude_ - std::log(weight)) / 2);
    for (Index i = 0; i < X.rows(); ++i) {
      const auto u = U.row(i).array();
      const Scalar norm = rows.log_scale(i);
      const auto below = static_cast<Scalar>(trigonometric_exponent_ - hyperbolic_exponent_) * norm;
      // Exponentials that would endanger a product leave a power of two for the log-scale: piecewise constant.
      const Scalar excess = (u.abs().maxCoeff() - below) / std::numbers::ln2_v<Scalar>;
      const bool large = excess > static_cast<Scalar>(std::numeric_limits<Scalar>::max_exponent) / 4;
      const Scalar power = large ? std::ceil(excess) : Scalar{0};
      const Scalar shift = below + power * std::numbers::ln2_v<Scalar>;
      rows.hyperbolic.row(i).head(m) = (u - shift).exp();
      rows.hyperbolic.row(i).tail(m) = (-u - shift).exp();
      Scalar* cosines = rows.trigonometric.row(i).data();
      simd::sin_cos<Scalar>({U.row(i).data(), count}, {cosines + m, count}, {cosines, count});
      rows.trigonometric.row(i) *= std::numbers::sqrt2_v<Scalar> * std::exp2(-power);
      rows.log_scale(i) =
          static_cast<Scalar>(trigonometric_exponent_) * norm + log_weight + power * std::numbers::ln2_v<Scalar>;
    }
    return rows;
  }

  /// Where the blocks of angle l begin that are not 0: of a row on one side, H and T.
  struct Blocks {
    Index hyperbolic;
    Index trigonometric;
  };
  Blocks blocks(Index l, bool positive, Side side) const {
    const Index width = 2 * projection_->rows();
    const bool first = positive == (side == Side::kQuery);
    return {(4 * l + (first ? 0 : 1)) * width, (4 * l + (positive ? 2 : 3)) * width};
  }

  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, Side side, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    const Rows<Scalar> rows = rows_of<Scalar>(X);
    const Index width = rows.hyperbolic.cols();
    features.setZero();
    for (Index i = 0; i < X.rows(); ++i) {
      for (Index l = 0; l < angles_->rows(); ++l) {
        const Blocks at = blocks(l, rows.angles(i, l) > 0, side);
        features.row(i).segment(at.hyperbolic, width) = rows.hyperbolic.row(i);
        features.row(i).segment(at.trigonometric, width) = rows.trigonometric.row(i);
      }
    }
    log_scale = rows.log_scale;
  }

  template <class Scalar>
  void vjp_of(const MatrixView<Scalar>& X, Side side, const MutableMatrixView<Scalar>& d_features,
              const VectorView<Scalar>& d_log_scale, MutableMatrixView<Scalar>& d_X) const {
    const Rows<Scalar> rows = rows_of<Scalar>(X);
    const Index m = projection_->rows(), width = 2 * m;
    Matrix<Scalar> d_U(X.rows(), m);
    Vector<Scalar> d_norms(X.rows());
    Vector<Scalar> d_hyperbolic(width), d_trigonometric(width);
    for (Index i = 0; i < X.rows(); ++i) {
      d_hyperbolic.setZero();
      d_trigonometric.setZero();
      for (Index l = 0; l < angles_->rows(); ++l) {
        const Blocks at = blocks(l, rows.angles(i, l) > 0, side);
        d_hyperbolic += d_features.row(i).segment(at.hyperbolic, width);
        d_trigonometric += d_features.row(i).segment(at.trigonometric, width);
      }
      // Of the logarithms of H.
      d_hyperbolic = d_hyperbolic.cwiseProduct(rows.hyperbolic.row(i).transpose());
      d_U.row(i) = d_hyperbolic.head(m) - d_hyperbolic.tail(m) +
                   d_trigonometric.tail(m).cwiseProduct(rows.trigonometric.row(i).head(m).transpose()) -
                   d_trigonometric.head(m).cwiseProduct(rows.trigonometric.row(i).tail(m).transpose());
      d_norms(i) = static_cast<Scalar>(trigonometric_exponent_) * d_log_scale(i) -
                   static_cast<Scalar>(trigonometric_exponent_ - hyperbolic_exponent_) * d_hyperbolic.sum();
    }
    projection_->apply_transpose(d_U, d_X);
    squares_.add_gradient<Scalar>(X, d_norms, d_X);
  }

  std::shared_ptr<const Projection> projection_;
  std::shared_ptr<const Projection> angles_;
  RowSquares squares_;  // |x'|^2
  double hyperbolic_exponent_;
  double trigonometric_exponent_;
  double log_amplitude_;
  std::string description_;
};

/// P(sgn(t.x) != sgn(t.y)) and its complement; sgn(0) counts as negative, as half of all other signs do.
std::pair<double, double> chances(std::span<const double> x, std::span<const double> y) {
  const Angle angle = angle_between(x, y);
  constexpr long double kPi = std::numbers::pi_v<long double>;
  if (angle.defined) return {static_cast<double>(angle.theta / kPi), static_cast<double>(angle.supplement / kPi)};
  const auto is_zero = [](std::span<const double> row) {
    return std::ranges::all_of(row, [](double entry) { return entry == 0; });
  };
  if (is_zero(x) && is_zero(y)) return {0, 1};
  return {0.5, 0.5};
}

std::vector<double> scaled_row(const OneFrequencyEstimate& estimate, std::span<const double> x) {
  std::vector<double> result(x.begin(), x.end());
  for (std::size_t j = 0; j < x.size(); ++j) result[j] *= estimate.scale(j);
  return result;
}

/// Cov(H, T) for Gaussian frequencies that are independent but for opposite ones; none for others.
std::optional<double> covariance(const Parts& parts, const FrequencyLaw& frequencies, const Coupling& coupling, Index m,
                                 std::span<const double> x, std::span<const double> y) {
  if (!frequencies.same_as(ChiRadialLaw())) return std::nullopt;
  const auto groups = coupling.dependent_pairs(m, static_cast<Index>(x.size()));
  if (!groups) return std::nullopt;
  auto terms = static_cast<double>(m);
  for (const PairGroup& group : *groups) {
    if (group.pairs != 0 && !group.opposite()) return std::nullopt;
    terms += group.pairs;
  }
  long double difference = 0;  // |x'|^2 - |y'|^2
  long double dot = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const long double scale = parts.hyperbolic.scale(j);
    const long double a = scale * x[j], b = scale * y[j];
    difference += (a - b) * (a + b);
    dot += a * b;
  }
  const long double sine = std::sin(difference / 2);
  const auto count = static_cast<long double>(m);
  const long double log_means =
      parts.hyperbolic.log_prefactor(x, y) + parts.trigonometric.log_prefactor(x, y) + 2 * dot;
  return SignedLog::from(-2 * sine * sine * terms / (count * count)).scaled(log_means).value();
}

/// factor * value, 0 for a factor of 0 whatever the value.
double share(double factor, double value) { return factor == 0 ? 0 : factor * value; }

}  // namespace

AngularHybridFeatures::AngularHybridFeatures(double angles)
    : angles_(require_integer(angles, 1, 1000, "angular_hybrid", "angles")) {}

void AngularHybridFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  FeatureFamily::require_compatible(kernel, coupling);
  static_cast<void>(parts_of(kernel, name()));
}

std::shared_ptr<const FeatureMap> AngularHybridFeatures::draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                              const Coupling& coupling, Index m, Index dim,
                                                              const Stream& stream) const {
  const std::vector<double> scales = kernel.projection_form().scales;
  Matrix<double> normals(angles_, dim);
  Stream numbers = stream.purpose(Purpose::kPhases);
  fill_normal(numbers, {normals.data(), static_cast<std::size_t>(normals.size())});
  return std::make_shared<AngularHybridMap>(scaled(coupling.draw(*frequencies, m, dim, stream), scales),
                                            scaled(std::make_shared<DenseProjection>(std::move(normals)), scales),
                                            parts_of(kernel, name()), describe_map(kernel, dim, m, features(m)));
}

std::optional<Law> AngularHybridFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                              const Coupling& coupling, Index m, std::span<const double> x,
                                              std::span<const double> y) const {
  const Parts parts = parts_of(kernel, name());
  const auto hyperbolic = one_frequency_law(parts.hyperbolic, kernel, *frequencies, coupling, m, x, y);
  const auto trigonometric = one_frequency_law(parts.trigonometric, kernel, *frequencies, coupling, m, x, y);
  const auto together = covariance(parts, *frequencies, coupling, m, x, y);
  if (!hyperbolic || !trigonometric || !together) return std::nullopt;

  const auto [p, q] = chances(scaled_row(parts.hyperbolic, x), scaled_row(parts.hyperbolic, y));
  const auto n = static_cast<double>(angles_);
  const double spread = p * q / n;
  // Both may be infinite, where a difference of them says nothing; without any spread it does not matter.
  const double apart = hyperbolic->bias - trigonometric->bias;
  Law law;
  law.bias = share(p, hyperbolic->bias) + share(q, trigonometric->bias);
  law.mean = share(p, hyperbolic->mean) + share(q, trigonometric->mean);
  law.variance = share(p * p + spread, hyperbolic->variance) + share(q * q + spread, trigonometric->variance) +
                 share(spread, apart * apart);
  if (!std::isinf(law.variance)) law.variance += share(2 * p * q * (1 - 1 / n), *together);
  law.mse = law.variance + law.bias * law.bias;
  return law;
}

}  // namespace bochner
