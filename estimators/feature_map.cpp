#include "estimators/feature_map.h"

#include "core/check.h"
#include "core/simd/functions.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

namespace bochner {
namespace {

/// Values that a tile may hold, in all its columns: 256 kB of doubles.
constexpr Index kTileValues = 32768;

/// exp(log) * value for value >= 0 or of any sign, where exp(log) alone may overflow or underflow.
template <class Scalar>
Scalar scaled(Scalar value, Scalar log) {
  if (value == 0) return 0;
  // Within these bounds the factor is a normal number; beyond them the logarithms are added first.
  const Scalar limit = std::log(std::numeric_limits<Scalar>::max()) - 1;
  if (std::abs(log) < limit) return value * std::exp(log);
  return std::copysign(std::exp(std::log(std::abs(value)) + log), value);
}

[[noreturn]] void throw_no_gradient(const FeatureMap& map) {
  throw std::invalid_argument("vjp: the map (" + map.describe() + ") has no gradient; expected one that declares it");
}

/// Calls body(first row, rows) for the tiles of n rows.
template <class Body>
void for_tiles(const FeatureMap& map, Index n, const Execution& execution, const Body& body) {
  const Index rows = tile_rows(map);
  parallel_for((n + rows - 1) / rows, execution, [&](Index tile) {
    const Index start = tile * rows;
    body(start, std::min(rows, n - start));
  });
}

template <class Scalar>
void require_input(const FeatureMap& map, const MatrixView<Scalar>& X, const char* function, const char* parameter) {
  require_points(X, function, parameter);
  require_columns(X.cols(), map.dim(), function, parameter);
  require_in_range<Scalar>(map.input_range(), X, function, parameter);
}

/// One tile as values * exp(log_scale).
template <class Scalar>
void scaled_tile(const FeatureMap& map, const MatrixView<Scalar>& X, Side side, MutableMatrixView<Scalar> values,
                 MutableVectorView<Scalar> log_scale) {
  map.tile(X, side, values, log_scale);
  if (map.form() == Form::kValues) return;
  for (Index i = 0; i < values.rows(); ++i) {
    auto row = values.row(i);
    const Scalar largest = row.maxCoeff();
    row.array() -= largest;
    simd::exp<Scalar>({row.data(), static_cast<std::size_t>(row.size())});
    log_scale(i) += largest;
  }
}

/// The products of the features in two tiles.
template <class Scalar>
void product_of_tiles(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y,
                      MutableMatrixView<Scalar> features, MutableVectorView<Scalar> log_scale) {
  Matrix<Scalar> keys(Y.rows(), map.features());
  Vector<Scalar> key_scale(Y.rows());
  map.tile(X, Side::kQuery, features, log_scale);
  map.tile(Y, Side::kKey, keys, key_scale);
  log_scale += key_scale;
  if (map.form() == Form::kExponents) {
    features += keys;
  } else {
    features.array() *= keys.array();
  }
}

}  // namespace

Matrix<double> FeatureMap::frequencies() const {
  throw std::invalid_argument("frequencies: the map (" + describe() +
                              ") has none; it is made of random numbers of another kind");
}

void FeatureMap::pair_tile(const MatrixView<float>& X, const MatrixView<float>& Y, MutableMatrixView<float> features,
                           MutableVectorView<float> log_scale) const {
  product_of_tiles<float>(*this, X, Y, features, log_scale);
}

void FeatureMap::pair_tile(const MatrixView<double>& X, const MatrixView<double>& Y, MutableMatrixView<double> features,
                           MutableVectorView<double> log_scale) const {
  product_of_tiles<double>(*this, X, Y, features, log_scale);
}

void FeatureMap::vjp(const MatrixView<float>&, Side, const MatrixView<float>&, MutableMatrixView<float>,
                     const VectorView<float>&, MutableMatrixView<float>) const {
  throw_no_gradient(*this);
}

void FeatureMap::vjp(const MatrixView<double>&, Side, const MatrixView<double>&, MutableMatrixView<double>,
                     const VectorView<double>&, MutableMatrixView<double>) const {
  throw_no_gradient(*this);
}

Index tile_rows(const FeatureMap& map) { return std::clamp<Index>(kTileValues / map.features(), 8, 256); }

template <class Scalar>
ScaledFeatures<Scalar> transform_scaled(const FeatureMap& map, const MatrixView<Scalar>& X, Side side,
                                        const Execution& execution) {
  require_input<Scalar>(map, X, "transform_scaled", "X");
  ScaledFeatures<Scalar> result{Matrix<Scalar>(X.rows(), map.features()), Vector<Scalar>(X.rows())};
  for_tiles(map, X.rows(), execution, [&](Index start, Index rows) {
    scaled_tile<Scalar>(map, X.middleRows(start, rows), side, result.values.middleRows(start, rows),
                        result.log_scale.segment(start, rows));
  });
  return result;
}

template <class Scalar>
void transform(const FeatureMap& map, const MatrixView<Scalar>& X, MutableMatrixView<Scalar> Z, Side side,
               const Execution& execution) {
  require_input<Scalar>(map, X, "transform", "X");
  if (Z.rows() != X.rows() || Z.cols() != map.features()) {
    detail::throw_shapes_differ("transform", "Z", Z.rows(), Z.cols(), "phi(X)", X.rows(), map.features());
  }
  for_tiles(map, X.rows(), execution, [&](Index start, Index rows) {
    Vector<Scalar> log_scale(rows);
    auto values = Z.middleRows(start, rows);
    map.tile(X.middleRows(start, rows), side, values, log_scale);
    for (Index i = 0; i < rows; ++i) {
      auto row = values.row(i);
      if (map.form() == Form::kExponents) {
        row.array() += log_scale(i);
        simd::exp<Scalar>({row.data(), static_cast<std::size_t>(row.size())});
      } else {
        // One exponential for the row where it is a normal number.
        const Scalar factor = std::exp(log_scale(i));
        if (std::isnormal(factor)) {
          row *= factor;
        } else {
          row = row.unaryExpr([&](Scalar value) { return scaled(value, log_scale(i)); });
        }
      }
    }
  });
}

template <class Scalar>
Matrix<Scalar> transform(const FeatureMap& map, const MatrixView<Scalar>& X, Side side, const Execution& execution) {
  Matrix<Scalar> Z(X.rows(), map.features());
  transform<Scalar>(map, X, Z, side, execution);
  return Z;
}

template <class Scalar>
Matrix<Scalar> transform_vjp(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& d_Z,
                             Side side, const Execution& execution) {
  require_input<Scalar>(map, X, "vjp", "X");
  require_points(d_Z, "vjp", "d_Z");
  require_columns(d_Z.cols(), map.features(), "vjp", "d_Z");
  if (d_Z.rows() != X.rows()) {
    throw std::invalid_argument("vjp: d_Z has " + std::to_string(d_Z.rows()) + " rows; expected " +
                                std::to_string(X.rows()) + " as in X");
  }
  Matrix<Scalar> d_X(X.rows(), X.cols());
  for_tiles(map, X.rows(), execution, [&](Index start, Index rows) {
    Matrix<Scalar> features(rows, map.features());
    Matrix<Scalar> d_features = d_Z.middleRows(start, rows);
    Vector<Scalar> log_scale(rows);
    map.tile(X.middleRows(start, rows), side, features, log_scale);
    // Where log phi = feature + log_scale the factor is phi; where phi = feature exp(log_scale) it is the exponential.
    for (Index i = 0; i < rows; ++i) {
      for (Index l = 0; l < map.features(); ++l) {
        Scalar& d = d_features(i, l);
        d = map.form() == Form::kExponents ? d * std::exp(features(i, l) + log_scale(i)) : scaled(d, log_scale(i));
      }
    }
    const Vector<Scalar> d_log_scale = map.form() == Form::kExponents
                                           ? Vector<Scalar>(d_features.rowwise().sum())
                                           : Vector<Scalar>(d_features.cwiseProduct(features).rowwise().sum());
    map.vjp(X.middleRows(start, rows), side, features, d_features, d_log_scale, d_X.middleRows(start, rows));
  });
  return d_X;
}

template <class Scalar>
Matrix<Scalar> gram(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y,
                    const Execution& execution) {
  require_input<Scalar>(map, X, "gram", "X");
  require_input<Scalar>(map, Y, "gram", "Y");
  const ScaledFeatures<Scalar> keys = transform_scaled<Scalar>(map, Y, Side::kKey, execution);
  // Below this the scaled product has lost digits to underflow: both factors are at most 1.
  const Scalar faint = map.form() == Form::kExponents
                           ? std::numeric_limits<Scalar>::min() / std::numeric_limits<Scalar>::epsilon() *
                                 static_cast<Scalar>(map.features())
                           : Scalar{-1};
  Matrix<Scalar> result(X.rows(), Y.rows());
  for_tiles(map, X.rows(), execution, [&](Index start, Index rows) {
    Matrix<Scalar> values(rows, map.features());
    Vector<Scalar> log_scale(rows);
    scaled_tile<Scalar>(map, X.middleRows(start, rows), Side::kQuery, values, log_scale);
    auto block = result.middleRows(start, rows);
    block.noalias() = values * keys.values.transpose();
    for (Index i = 0; i < rows; ++i) {
      for (Index j = 0; j < Y.rows(); ++j) {
        block(i, j) = map.form() == Form::kExponents && block(i, j) <= faint
                          ? detail::paired<Scalar>(map, X.middleRows(start + i, 1), Y.middleRows(j, 1))(0)
                          : scaled(block(i, j), log_scale(i) + keys.log_scale(j));
      }
    }
  });
  return result;
}

template <class Scalar>
Vector<Scalar> paired(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y) {
  require_input<Scalar>(map, X, "paired", "X");
  require_same_shape(X, Y, "paired", "X", "Y");
  require_input<Scalar>(map, Y, "paired", "Y");
  return detail::paired<Scalar>(map, X, Y);
}

template <class Scalar>
Vector<Scalar> detail::paired(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y) {
  Vector<Scalar> result(X.rows());
  for_tiles(map, X.rows(), {}, [&](Index start, Index rows) {
    Matrix<Scalar> products(rows, map.features());
    Vector<Scalar> log_scale(rows);
    map.pair_tile(X.middleRows(start, rows), Y.middleRows(start, rows), products, log_scale);
    if (map.form() == Form::kExponents) {
      // No maximum is taken out: where one term overflows the sum does so as well.
      simd::sum_exp_rows<Scalar>(products, log_scale, result.segment(start, rows));
    } else {
      for (Index i = 0; i < rows; ++i) result(start + i) = scaled(products.row(i).sum(), log_scale(i));
    }
  });
  return result;
}

template ScaledFeatures<float> transform_scaled(const FeatureMap&, const MatrixView<float>&, Side, const Execution&);
template ScaledFeatures<double> transform_scaled(const FeatureMap&, const MatrixView<double>&, Side, const Execution&);
template void transform(const FeatureMap&, const MatrixView<float>&, MutableMatrixView<float>, Side, const Execution&);
template void transform(const FeatureMap&, const MatrixView<double>&, MutableMatrixView<double>, Side,
                        const Execution&);
template Matrix<float> transform(const FeatureMap&, const MatrixView<float>&, Side, const Execution&);
template Matrix<double> transform(const FeatureMap&, const MatrixView<double>&, Side, const Execution&);
template Matrix<float> transform_vjp(const FeatureMap&, const MatrixView<float>&, const MatrixView<float>&, Side,
                                     const Execution&);
template Matrix<double> transform_vjp(const FeatureMap&, const MatrixView<double>&, const MatrixView<double>&, Side,
                                      const Execution&);
template Matrix<float> gram(const FeatureMap&, const MatrixView<float>&, const MatrixView<float>&, const Execution&);
template Matrix<double> gram(const FeatureMap&, const MatrixView<double>&, const MatrixView<double>&, const Execution&);
template Vector<float> paired(const FeatureMap&, const MatrixView<float>&, const MatrixView<float>&);
template Vector<double> paired(const FeatureMap&, const MatrixView<double>&, const MatrixView<double>&);
template Vector<float> detail::paired(const FeatureMap&, const MatrixView<float>&, const MatrixView<float>&);
template Vector<double> detail::paired(const FeatureMap&, const MatrixView<double>&, const MatrixView<double>&);

}  // namespace bochner
