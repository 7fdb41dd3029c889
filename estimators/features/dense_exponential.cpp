#include "estimators/features/dense_exponential.h"

#include "core/check.h"
#include "estimators/laws/dense_exponential.h"
#include "estimators/radial_laws/chi.h"

#include <Eigen/Dense>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

/// T^-T; T itself where it is orthogonal to rounding, so that both sides are the same to the last bit.
Matrix<double> inverse_transpose(const Matrix<double>& T) {
  if (T.rows() <= 1) return T.cwiseInverse();
  constexpr double kRounding = 1e-12;
  const auto identity = Matrix<double>::Identity(T.rows(), T.cols());
  if ((T * T.transpose() - identity).cwiseAbs().maxCoeff() <= kRounding) return T;
  return T.inverse().transpose();
}

/// T times a diagonal matrix, as T has it: dense, a diagonal as (1, d), or nothing for the identity.
Matrix<double> times_diagonal(const Matrix<double>& T, const Vector<double>& diagonal) {
  if (T.size() == 0) return diagonal.transpose();
  return T * diagonal.asDiagonal();
}

Vector<double> scales_of(const Kernel& kernel, Index dim) {
  const std::vector<double> scales = kernel.projection_form().scales;
  require_scales(scales.size(), dim, "FeatureMap", "the kernel's bandwidth");
  if (scales.size() == 1) return Vector<double>::Constant(dim, scales.front());
  return Eigen::Map<const Vector<double>>(scales.data(), dim);
}

Vector<double> each(const Vector<double>& a, Index dim) {
  return a.size() == 1 ? Vector<double>::Constant(dim, a(0)) : a;
}

/// (1 - 4 a_j)^(1/2).
Vector<double> roots_of(const Vector<double>& a) { return (1 - 4 * a.array()).sqrt(); }

/// T x for rows of the kernel's scale, T dense, diagonal or nothing; wider than a double but for the products with a
/// dense T, whose rounding is that of a fitted T.
Vector<long double> transformed(const Matrix<double>& T, const Vector<double>& scales, std::span<const double> x) {
  Vector<long double> wide = Eigen::Map<const Vector<double>>(x.data(), scales.size())
                                 .cast<long double>()
                                 .cwiseProduct(scales.cast<long double>());
  if (T.size() == 0) return wide;
  if (T.rows() == 1) return wide.cwiseProduct(T.transpose().cast<long double>());
  return (T * wide.cast<double>()).cast<long double>();
}

/// What a row on one side of K(x, y) meets.
struct MapSide {
  std::shared_ptr<const Projection> projection;  // (m, d): what is linear in x
  Matrix<double> square;                         // of what is quadratic in x: (d, d), or a diagonal as (1, d)

  /// x^T square x of every row.
  template <class Scalar>
  Vector<Scalar> squares(const MatrixView<Scalar>& X) const {
    if (square.rows() == 1) return X.cwiseAbs2() * square.transpose().cast<Scalar>();
    return (X * square.cast<Scalar>()).cwiseProduct(X).rowwise().sum();
  }
  /// Half its gradient.
  template <class Scalar>
  Matrix<Scalar> half_gradient(const MatrixView<Scalar>& X) const {
    if (square.rows() == 1) return X * square.row(0).cast<Scalar>().asDiagonal();
    return X * square.cast<Scalar>();
  }
};

class DenseExponentialMap final : public FeatureMap {
 public:
  DenseExponentialMap(std::shared_ptr<const Projection> frequencies, std::array<MapSide, 2> sides, bool symmetric,
                      Vector<double> weights, double log_factor, std::string description)
      : frequencies_(std::move(frequencies)),
        sides_(std::move(sides)),
        symmetric_(symmetric),
        weights_(std::move(weights)),
        log_factor_(log_factor),
        description_(std::move(description)) {}

  Index dim() const override { return frequencies_->dim(); }
  Index features() const override { return frequencies_->rows(); }
  Form form() const override { return Form::kExponents; }
  bool symmetric() const override { return symmetric_; }
  Matrix<double> frequencies() const override { return frequencies_->matrix(); }
  std::string describe() const override { return description_; }

  void tile(const MatrixView<float>& X, Side side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of<float>(X, side, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of<double>(X, side, features, log_scale);
  }
  void pair_tile(const MatrixView<float>& X, const MatrixView<float>& Y, MutableMatrixView<float> features,
                 MutableVectorView<float> log_scale) const override {
    pair_tile_of<float>(X, Y, features, log_scale);
  }
  void pair_tile(const MatrixView<double>& X, const MatrixView<double>& Y, MutableMatrixView<double> features,
                 MutableVectorView<double> log_scale) const override {
    pair_tile_of<double>(X, Y, features, log_scale);
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
  const MapSide& on(Side side) const { return sides_[side == Side::kQuery ? 0 : 1]; }

  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, Side side, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    on(side).projection->apply(X, features);
    features.rowwise() += weights_.transpose().cast<Scalar>();
    log_scale = on(side).squares<Scalar>(X).array() + static_cast<Scalar>(log_factor_);
  }

  template <class Scalar>
  void pair_tile_of(const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y, MutableMatrixView<Scalar>& features,
                    MutableVectorView<Scalar>& log_scale) const {
    if (!symmetric_) {
      FeatureMap::pair_tile(X, Y, features, log_scale);
      return;
    }
    // What is linear in x and in y is linear in x + y: one projection instead of two.
    const MapSide& side = sides_.front();
    const Matrix<Scalar> sums = X + Y;
    side.projection->apply(sums, features);
    features.rowwise() += 2 * weights_.transpose().cast<Scalar>();
    log_scale = (side.squares<Scalar>(X) + side.squares<Scalar>(Y)).array() + static_cast<Scalar>(2 * log_factor_);
  }

  template <class Scalar>
  void vjp_of(const MatrixView<Scalar>& X, Side side, const MutableMatrixView<Scalar>& d_features,
              const VectorView<Scalar>& d_log_scale, MutableMatrixView<Scalar>& d_X) const {
    on(side).projection->apply_transpose(d_features, d_X);
    d_X += (2 * d_log_scale).asDiagonal() * on(side).half_gradient<Scalar>(X);
  }

  std::shared_ptr<const Projection> frequencies_;
  std::array<MapSide, 2> sides_;
  bool symmetric_;
  Vector<double> weights_;  // (m): w_l^T A w_l
  double log_factor_;       // of all features
  std::string description_;
};

/// Moments of rows x' = scales x.
SideMoments moments_of(const MatrixView<double>& X, const MatrixView<double>& Y, const Vector<double>& scales) {
  const Matrix<double> queries = X * scales.asDiagonal();
  const Matrix<double> keys = Y * scales.asDiagonal();
  return {queries.transpose() * queries / static_cast<double>(X.rows()),
          keys.transpose() * keys / static_cast<double>(Y.rows()), queries.colwise().mean(), keys.colwise().mean()};
}

/// The mean over pairs of (T x' + T^-T y')_j^2.
Vector<double> mean_squares(const SideMoments& moments, const Matrix<double>& T) {
  const auto side = [](const Matrix<double>& transform, const Matrix<double>& squares, const Vector<double>& mean) {
    if (transform.size() == 0) return std::pair<Vector<double>, Vector<double>>(squares.diagonal(), mean);
    const Matrix<double> full = transform.rows() == 1 ? Matrix<double>(transform.row(0).asDiagonal()) : transform;
    return std::pair<Vector<double>, Vector<double>>((full * squares * full.transpose()).diagonal(), full * mean);
  };
  const auto [query_squares, query_mean] = side(T, moments.query_squares, moments.query_mean);
  const auto [key_squares, key_mean] = side(inverse_transpose(T), moments.key_squares, moments.key_mean);
  return query_squares + key_squares + 2 * query_mean.cwiseProduct(key_mean);
}

/// The a that minimises the mean logarithm of the second moment where (x'' + y'')_j^2 has the mean f [Bochner, 1].
double best_a(double f) {
  // t - 1 = ((2f - 1) + sqrt(1 + 12 f + 4 f^2)) / 2, without the ones that cancel.
  const double root = std::sqrt(1 + 12 * f + 4 * f * f);
  return 0 - (f + (6 * f + 2 * f * f) / (1 + root)) / 8;
}

}  // namespace

DenseExponentialFeatures::DenseExponentialFeatures(Exponents exponents) : exponents_(std::move(exponents)) {
  const auto& [a, T] = *exponents_;
  for (Index j = 0; j < a.size(); ++j) {
    if (a(j) < 0.25 && std::isfinite(a(j))) continue;
    throw std::domain_error("Features: A is " + component_number(a(j)) + "; expected a finite number below 1/4");
  }
  require_finite(T, "Features", "T");
  const bool square = T.rows() <= 1 || T.rows() == T.cols();
  if (a.size() < 1 || !square || (a.size() > 1 && T.size() > 0 && a.size() != T.cols())) {
    throw std::invalid_argument("Features: A has " + std::to_string(a.size()) + " entries and T has shape (" +
                                std::to_string(T.rows()) + ", " + std::to_string(T.cols()) +
                                "); expected T (d, d) or (d), and 1 or d entries");
  }
  of_keys_ = inverse_transpose(T);
  if (!of_keys_.allFinite()) throw std::domain_error("Features: T is singular; expected an inverse");
}

void DenseExponentialFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  FeatureFamily::require_compatible(kernel, coupling);
  if (kernel.is_mean_of(Shape::kExp, ChiRadialLaw())) return;
  throw std::invalid_argument("Estimator: the kernel '" + kernel.describe() + "' is not estimated by features '" +
                              name() + "', which need one of Gaussian frequencies such as 'softmax'");
}

void DenseExponentialFeatures::require_frequencies(const Kernel& kernel, const FrequencyLaw& law) const {
  if (kernel.is_mean_of(Shape::kExp, law)) return;
  throw std::invalid_argument("Estimator: the frequency law is '" + law.describe() + "'; expected the kernel's own, '" +
                              kernel.frequency_law()->describe() + "', since the weights of features '" + name() +
                              "' are right for no other");
}

std::optional<Index> DenseExponentialFeatures::fitted_dim() const {
  if (!exponents_ || exponents_->T.size() == 0) return std::nullopt;
  return exponents_->T.cols();
}

std::vector<Trait> DenseExponentialFeatures::traits(const Kernel&) const {
  if (!exponents_ || exponents_->a.isZero(0)) return {};
  return {Trait::kWeightsNorms};
}

Fitted DenseExponentialFeatures::fitted_parameters() const {
  if (!exponents_ || !transforms()) return {};
  return {{"A", exponents_->a.transpose()}, {"T", exponents_->T}};
}

std::shared_ptr<const FeatureFamily> DenseExponentialFeatures::with_fitted(const Fitted& parameters) const {
  if (!transforms()) return FeatureFamily::with_fitted(parameters);
  for (const auto& [key, value] : parameters) {
    if (key != "A" && key != "T") throw unknown_name("parameter of " + name(), key, std::vector<std::string>{"A", "T"});
  }
  if (parameters.size() != 2) {
    throw std::invalid_argument("Features: '" + name() + "' has only '" + parameters.begin()->first +
                                "'; expected both A and T, as fit finds them");
  }
  const Matrix<double>& a = parameters.at("A");
  if (a.rows() != 1) throw std::invalid_argument("Features: A is a matrix; expected 1 or d numbers");
  return with({a.transpose(), parameters.at("T")});
}

const Exponents& DenseExponentialFeatures::require_fitted(const char* function, const Kernel& kernel, Index dim) const {
  if (!exponents_) {
    throw std::invalid_argument(std::string(function) + ": features '" + name() +
                                "' are not fitted; expected those of estimator.fit(X, Y)");
  }
  const Index own = fitted_dim().value_or(dim);
  if (own != dim) {
    throw std::invalid_argument(std::string(function) + ": dim is " + std::to_string(dim) + "; expected " +
                                std::to_string(own) + ", that of the data to which features '" + name() +
                                "' are fitted");
  }
  require_scales(kernel.projection_form().scales.size(), dim, function, "the kernel's bandwidth");
  return *exponents_;
}

std::shared_ptr<const FeatureMap> DenseExponentialFeatures::make(const Kernel& kernel,
                                                                 std::shared_ptr<const Projection> projection) const {
  const Index dim = projection->dim(), m = projection->rows();
  const auto& [a, T] = require_fitted("draw", kernel, dim);
  const Vector<double> scales = scales_of(kernel, dim);
  const Matrix<double> W = projection->matrix() * scales.cwiseInverse().asDiagonal();
  const Vector<double> all = each(a, dim);
  const Vector<double> roots = roots_of(all);
  const ProjectionForm form = kernel.projection_form();

  const auto side = [&](const Matrix<double>& transform, bool orthogonal) {
    MapSide result;
    if (transform.rows() <= 1 && a.size() == 1) {
      const Vector<double> factors =
          transform.size() == 0 ? roots : Vector<double>(roots.cwiseProduct(transform.row(0).transpose()));
      result.projection = scaled(projection, {factors.data(), factors.data() + factors.size()});
    } else if (transform.rows() <= 1) {
      const Matrix<double> B = times_diagonal(transform, scales);
      result.projection = std::make_shared<DenseProjection>(W * B.row(0).transpose().cwiseProduct(roots).asDiagonal());
    } else {
      result.projection = std::make_shared<DenseProjection>(W * roots.asDiagonal() * times_diagonal(transform, scales));
    }
    const Vector<double> squares = scales.cwiseAbs2();
    const Matrix<double> scaled_transform = times_diagonal(transform, scales);
    if (orthogonal) {
      result.square = (form.exponent - 0.5) * squares.transpose();
    } else if (transform.rows() == 1) {
      result.square = form.exponent * squares.transpose() - scaled_transform.cwiseAbs2() / 2;
    } else {
      result.square = -scaled_transform.transpose() * scaled_transform / 2;
      result.square.diagonal() += form.exponent * squares;
    }
    return result;
  };
  const bool symmetric = of_keys_ == T;
  const Vector<double> weights = W.cwiseAbs2() * all;
  const double log_factor =
      ((-4 * all.array()).log1p().sum() / 2 + std::log(form.amplitude) - std::log(static_cast<double>(m))) / 2;
  const MapSide queries = side(T, symmetric);
  return std::make_shared<DenseExponentialMap>(
      projection, std::array<MapSide, 2>{queries, symmetric ? queries : side(of_keys_, false)}, symmetric, weights,
      log_factor, describe_map(kernel, dim, m, m));
}

std::shared_ptr<const FeatureFamily> DenseExponentialFeatures::fit(const Kernel& kernel, const MatrixView<double>& X,
                                                                   const MatrixView<double>& Y) const {
  require_points(X, "fit", "X");
  require_points(Y, "fit", "Y");
  require_columns(Y.cols(), X.cols(), "fit", "Y");
  const SideMoments moments = moments_of(X, Y, scales_of(kernel, X.cols()));
  Matrix<double> T = best_transform(moments);
  const Vector<double> squares = mean_squares(moments, T);
  if (!squares.allFinite()) throw std::domain_error("fit: X and Y are too large; expected finite squares");
  Vector<double> a = one_a() ? Vector<double>::Constant(1, squares.mean()) : squares;
  return with({a.unaryExpr(&best_a), std::move(T)});
}

std::optional<Law> DenseExponentialFeatures::law(const Kernel& kernel, const FrequencyLaw*, const Coupling& coupling,
                                                 Index m, std::span<const double> x, std::span<const double> y) const {
  const auto dim = static_cast<Index>(x.size());
  const auto& [a, T] = require_fitted("law", kernel, dim);
  const Vector<double> scales = scales_of(kernel, dim);
  const Vector<long double> sum = transformed(T, scales, x) + transformed(of_keys_, scales, y);
  return dense_exponential_law(kernel.value(x, y), a, sum, coupling, m);
}

std::vector<Vector<double>> DenseExponentialFeatures::tail_shifts(const Kernel& kernel, std::span<const double> x,
                                                                  std::span<const double> y) const {
  const auto dim = static_cast<Index>(x.size());
  const auto& [a, T] = require_fitted("tail_shifts", kernel, dim);
  if (a.maxCoeff() > 0) return {};
  const Vector<double> scales = scales_of(kernel, dim);
  const Vector<double> sum = (transformed(T, scales, x) + transformed(of_keys_, scales, y)).cast<double>();
  const Vector<double> all = each(a, dim), roots = roots_of(all);
  return {sum.cwiseQuotient(roots), (2 * sum.array() * roots.array() / (1 - 8 * all.array())).matrix()};
}

namespace {

Exponents one_exponent(double A) { return {Vector<double>::Constant(1, A), {}}; }

/// Squares in directions in which there are hardly any data: the best T would grow without bound there, and features of
/// other points with it. Of moments that are all 0 nothing is known, and 1 does no harm.
Vector<double> with_floor(const Vector<double>& squares) {
  constexpr double kFloor = 1e-6;
  const double mean = squares.mean();
  if (!(mean > 0)) return Vector<double>::Ones(squares.size());
  return squares.cwiseMax(kFloor * mean);
}

/// The axes of a symmetric positive matrix in columns, and its values there.
std::pair<Matrix<double>, Vector<double>> axes_of(const Matrix<double>& squares) {
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(squares);
  return {solver.eigenvectors(), solver.eigenvalues()};
}

}  // namespace

GerfFeatures::GerfFeatures(double A) : DenseExponentialFeatures(one_exponent(A)) {}

std::shared_ptr<const FeatureFamily> GerfFeatures::with(Exponents exponents) const {
  return std::make_shared<const GerfFeatures>(exponents.a(0));
}

std::shared_ptr<const FeatureFamily> SaderfFeatures::with(Exponents exponents) const {
  return std::make_shared<const SaderfFeatures>(std::move(exponents));
}

Matrix<double> SaderfFeatures::best_transform(const SideMoments& moments) const {
  const Vector<double> queries = with_floor(moments.query_squares.diagonal());
  const Vector<double> keys = with_floor(moments.key_squares.diagonal());
  return (keys.array() / queries.array()).sqrt().sqrt().matrix().transpose();
}

std::shared_ptr<const FeatureFamily> AderfFeatures::with(Exponents exponents) const {
  return std::make_shared<const AderfFeatures>(std::move(exponents));
}

Matrix<double> AderfFeatures::best_transform(const SideMoments& moments) const {
  const auto [query_axes, query_squares] = axes_of(moments.query_squares);
  const auto [key_axes, key_squares] = axes_of(moments.key_squares);
  const Vector<double> query_roots = with_floor(query_squares).cwiseSqrt();
  const Vector<double> key_roots = with_floor(key_squares).cwiseSqrt();
  // U S V^T = L_1^(1/2) Q_1^T Q_2 L_2^(1/2) makes T = S^(1/2) U^T L_1^(-1/2) Q_1^T of M_k = Q_k L_k Q_k^T.
  const Eigen::MatrixXd both = query_roots.asDiagonal() * query_axes.transpose() * key_axes * key_roots.asDiagonal();
  const Eigen::BDCSVD<Eigen::MatrixXd> svd(both, Eigen::ComputeFullU);
  return svd.singularValues().cwiseSqrt().asDiagonal() * svd.matrixU().transpose() *
         query_roots.cwiseInverse().asDiagonal() * query_axes.transpose();
}

std::shared_ptr<const FeatureFamily> SderfFeatures::with(Exponents exponents) const {
  return std::make_shared<const SderfFeatures>(std::move(exponents));
}

Matrix<double> SderfFeatures::best_transform(const SideMoments& moments) const {
  const Matrix<double> outer = moments.query_mean * moments.key_mean.transpose();
  const Matrix<double> squares = moments.query_squares + moments.key_squares + outer + outer.transpose();
  return axes_of(squares).first.transpose();
}

}  // namespace bochner
