#include "experiments/ascents.h"

#include "core/check.h"
#include "core/sampling.h"
#include "core/simd/functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>

namespace bochner {
namespace {

constexpr double kFirstStep = 0.25, kLastStep = 1e-5;  // in radii
constexpr double kDifference = 1e-5;                   // in radii

/// Pairs (x_i, y_i) as rows [x_i | y_i], (n, 2 d).
using PairRows = Matrix<double>;

Matrix<double> first_of(const PairRows& pairs) { return pairs.leftCols(pairs.cols() / 2); }
Matrix<double> second_of(const PairRows& pairs) { return pairs.rightCols(pairs.cols() / 2); }

Vector<double> estimates(const FeatureMap& map, const PairRows& pairs) {
  return detail::paired<double>(map, first_of(pairs), second_of(pairs));
}

Vector<double> truths(const Kernel& kernel, const PairRows& pairs) {
  return paired<double>(kernel, first_of(pairs), second_of(pairs));
}

/// Central differences of a function of pairs, (n, 2 d).
template <class Function>
Matrix<double> differences(const Function& function, const PairRows& pairs, double step) {
  Matrix<double> gradient(pairs.rows(), pairs.cols());
  PairRows moved = pairs;
  for (Index j = 0; j < pairs.cols(); ++j) {
    moved.col(j).array() = pairs.col(j).array() + step;
    const Vector<double> above = function(moved);
    moved.col(j).array() = pairs.col(j).array() - step;
    gradient.col(j) = (above - function(moved)) / (2 * step);
    moved.col(j) = pairs.col(j);
  }
  return gradient;
}

/// The gradient of phi(x_i).phi(y_i) with respect to the side `own`, whose tile is (features, log_scale), from the tile
/// of the other side.
void side_gradient(const FeatureMap& map, const Matrix<double>& own, Side side, const Matrix<double>& features,
                   const Matrix<double>& others, const Vector<double>& log_scales, MutableMatrixView<double> gradient) {
  Matrix<double> d_features;
  Vector<double> d_log_scale;
  const Vector<double> factor = log_scales.array().exp();
  if (map.form() == Form::kExponents) {
    d_features = (features + others).colwise() + log_scales;
    simd::exp<double>({d_features.data(), static_cast<std::size_t>(d_features.size())});
    d_log_scale = d_features.rowwise().sum();
  } else {
    d_features = factor.asDiagonal() * others;
    d_log_scale = features.cwiseProduct(d_features).rowwise().sum();
  }
  Matrix<double> d_own(own.rows(), own.cols());
  map.vjp(own, side, features, d_features, d_log_scale, d_own);
  gradient = d_own;
}

Matrix<double> estimate_gradient(const FeatureMap& map, const PairRows& pairs, double step) {
  if (!map.differentiable()) {
    return differences([&](const PairRows& moved) { return estimates(map, moved); }, pairs, step);
  }
  const Index d = pairs.cols() / 2;
  Matrix<double> gradient(pairs.rows(), pairs.cols());
  const Index most = tile_rows(map);
  for (Index start = 0; start < pairs.rows(); start += most) {
    const Index rows = std::min(most, pairs.rows() - start);
    const Matrix<double> X = pairs.block(start, 0, rows, d), Y = pairs.block(start, d, rows, d);
    Matrix<double> queries(rows, map.features()), keys(rows, map.features());
    Vector<double> log_scale(rows), key_scale(rows);
    map.tile(X, Side::kQuery, queries, log_scale);
    map.tile(Y, Side::kKey, keys, key_scale);
    log_scale += key_scale;
    side_gradient(map, X, Side::kQuery, queries, keys, log_scale, gradient.block(start, 0, rows, d));
    side_gradient(map, Y, Side::kKey, keys, queries, log_scale, gradient.block(start, d, rows, d));
  }
  return gradient;
}

void project(MutableMatrixView<double> points, double radius) {
  for (Index i = 0; i < points.rows(); ++i) {
    const double norm = points.row(i).stableNorm();
    if (norm > radius) points.row(i) *= radius / norm;
  }
}

/// Takes from the slopes at points on the sphere what leads out of the ball.
void turn_inward(const Matrix<double>& points, MutableMatrixView<double> slopes, double radius) {
  for (Index i = 0; i < points.rows(); ++i) {
    const double square = points.row(i).squaredNorm();
    const double outward = points.row(i).dot(slopes.row(i));
    if (outward > 0 && square >= radius * radius * (1 - 1e-12)) slopes.row(i) -= outward / square * points.row(i);
  }
}

PairRows starting_pairs(Index starts, Index d, double radius, const Stream& stream) {
  PairRows pairs(starts, 2 * d);
  for (Index i = 0; i < starts; ++i) {
    Stream own = stream.lane(static_cast<std::uint64_t>(i));
    Vector<double> x(d), y(d);
    fill_sphere(own, {x.data(), static_cast<std::size_t>(d)});
    fill_sphere(own, {y.data(), static_cast<std::size_t>(d)});
    if (i % 3 != 2) y = i % 3 == 0 ? x : -x;
    pairs.row(i) << radius * own.uniform() * x.transpose(), radius * own.uniform() * y.transpose();
  }
  return pairs;
}

/// Those rows that are named.
Matrix<double> rows_of(const Matrix<double>& matrix, const std::vector<Index>& rows) {
  return matrix(rows, Eigen::all);
}

class Ascents {
 public:
  Ascents(const FeatureMap& map, const Kernel& kernel, double radius, PairRows pairs)
      : map_(map),
        kernel_(kernel),
        radius_(radius),
        pairs_(std::move(pairs)),
        errors_(error(pairs_)),
        steps_(Vector<double>::Constant(pairs_.rows(), kFirstStep * radius)) {}

  /// One step of all that are not at their end; false when there is none.
  bool step() {
    std::vector<Index> active;
    for (Index i = 0; i < pairs_.rows(); ++i) {
      if (steps_(i) >= kLastStep * radius_ && std::isfinite(errors_(i))) active.push_back(i);
    }
    if (active.empty()) return false;
    PairRows moved = rows_of(pairs_, active);
    const Matrix<double> uphill = direction(moved);
    for (Index k = 0; k < moved.rows(); ++k)
      moved.row(k) += steps_(active[static_cast<std::size_t>(k)]) * uphill.row(k);
    const Index d = moved.cols() / 2;
    project(moved.leftCols(d), radius_);
    project(moved.rightCols(d), radius_);
    const Vector<double> reached = error(moved);
    for (Index k = 0; k < moved.rows(); ++k) {
      const Index i = active[static_cast<std::size_t>(k)];
      const bool rises = reached(k) > errors_(i);
      steps_(i) *= rises ? 1.5 : 0.5;
      if (!rises) continue;
      errors_(i) = reached(k);
      pairs_.row(i) = moved.row(k);
    }
    return true;
  }

  const Vector<double>& errors() const { return errors_; }

 private:
  Vector<double> difference(const PairRows& pairs) const { return estimates(map_, pairs) - truths(kernel_, pairs); }

  Vector<double> error(const PairRows& pairs) const {
    return difference(pairs).unaryExpr(
        [](double value) { return std::isnan(value) ? std::numeric_limits<double>::infinity() : std::abs(value); });
  }

  /// Unit vectors along which the error rises, 0 where there is none.
  Matrix<double> direction(const PairRows& pairs) const {
    const double apart = kDifference * radius_;
    const Matrix<double> slope =
        differences([&](const PairRows& moved) { return truths(kernel_, moved); }, pairs, apart);
    Matrix<double> gradient = estimate_gradient(map_, pairs, apart) - slope;
    const Vector<double> signs = difference(pairs);
    for (Index i = 0; i < pairs.rows(); ++i) gradient.row(i) *= std::copysign(1, signs(i));
    const Index d = pairs.cols() / 2;
    turn_inward(first_of(pairs), gradient.leftCols(d), radius_);
    turn_inward(second_of(pairs), gradient.rightCols(d), radius_);
    for (Index i = 0; i < pairs.rows(); ++i) {
      const double norm = gradient.row(i).stableNorm();
      if (std::isfinite(norm) && norm > 0) {
        gradient.row(i) /= norm;
      } else {
        gradient.row(i).setZero();
      }
    }
    return gradient;
  }

  const FeatureMap& map_;
  const Kernel& kernel_;
  double radius_;
  PairRows pairs_;
  Vector<double> errors_;
  Vector<double> steps_;
};

}  // namespace

std::vector<double> ascend(const FeatureMap& map, const Kernel& kernel, double radius, Index starts,
                           const Stream& stream, const std::function<void()>& check) {
  require_at_least(starts, 1, "ascend", "starts");
  Ascents ascents(map, kernel, radius, starting_pairs(starts, map.dim(), radius, stream));
  // The number of rises is bounded by nothing but rounding, so this bounds it.
  constexpr int kMostSteps = 400;
  for (int step = 0; step < kMostSteps; ++step) {
    check();
    if (!ascents.step()) break;
  }
  return {ascents.errors().begin(), ascents.errors().end()};
}

}  // namespace bochner
