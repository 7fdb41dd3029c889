#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/sampling.h"
#include "core/stream.h"
#include "core/types.h"
#include "estimators/attention/attention.h"
#include "estimators/estimator.h"
#include "estimators/registry.h"

/// Quadratic references for attention, in double and in the log domain, and the inputs of its tests.
namespace bochner::attention_reference {

using Rows = Matrix<double>;
using Mask = std::vector<std::uint8_t>;  // contiguous, unlike std::vector<bool>; empty: all keys count

inline std::span<const bool> span_of(const Mask& mask) {
  static_assert(sizeof(bool) == sizeof(std::uint8_t));
  return {reinterpret_cast<const bool*>(mask.data()), mask.size()};
}

inline Rows normal_rows(Index rows, Index cols, std::uint64_t index, double factor = 1) {
  Rows result(rows, cols);
  Stream stream(7, Purpose::kData, index);
  fill_normal(stream, {result.data(), static_cast<std::size_t>(result.size())});
  return factor * result;
}

inline std::shared_ptr<const FeatureMap> draw(const std::string& features, Index dim, Index m,
                                              std::uint64_t trial = 0) {
  const Estimator estimator(make_kernel("softmax"), make_features(features), make_coupling("orthogonal"));
  return estimator.draw(dim, m, 11, trial);
}

/// Logarithms of the weights of every query and key, up to a term of the query's own, and their signs.
struct Weights {
  Rows log;
  Rows sign;
};

inline double log_sum_exp(const Eigen::RowVectorXd& a) {
  const double largest = a.maxCoeff();
  return largest + std::log((a.array() - largest).exp().sum());
}

/// Of softmax: scale q.k.
inline Weights exact_weights(const Rows& Q, const Rows& K, double scale) {
  return {scale * Q * K.transpose(), Rows::Ones(Q.rows(), K.rows())};
}

/// Of positive, hyperbolic and trigonometric features of the frequencies W, by their formulas.
inline Weights feature_weights(const std::string& features, const Rows& W, Rows Q, Rows K, double scale) {
  Q *= std::sqrt(scale);
  K *= std::sqrt(scale);
  const Rows u = Q * W.transpose();
  const Rows v = K * W.transpose();
  Weights weights{Rows(Q.rows(), K.rows()), Rows::Ones(Q.rows(), K.rows())};
  for (Index i = 0; i < Q.rows(); ++i) {
    for (Index j = 0; j < K.rows(); ++j) {
      const double square = K.row(j).squaredNorm() / 2;
      if (features == "trigonometric") {
        const double sum = (u.row(i) - v.row(j)).array().cos().sum();
        weights.log(i, j) = std::log(std::abs(sum)) + square;
        weights.sign(i, j) = sum < 0 ? -1 : 1;
        continue;
      }
      const Eigen::RowVectorXd plus = u.row(i) + v.row(j);
      const double first = log_sum_exp(plus);
      const double second = features == "hyperbolic" ? log_sum_exp(-plus) : first;
      const double larger = std::max(first, second);
      weights.log(i, j) = larger + std::log(std::exp(first - larger) + std::exp(second - larger)) - square;
    }
  }
  return weights;
}

struct Output {
  Rows rows;
  Index nonpositive = 0;
};

/// sum_j a_ij v_j / sum_j a_ij over the keys that query i sees; zeros where it sees none.
inline Output weighted_average(const Weights& weights, const Rows& V, const Mask& mask = {}, bool causal = false) {
  const Index queries = weights.log.rows();
  const Index keys = V.rows();
  Output output{Rows::Zero(queries, V.cols())};
  for (Index i = 0; i < queries; ++i) {
    std::vector<Index> seen;
    for (Index j = 0; j < keys; ++j) {
      const bool counts = mask.empty() || mask[static_cast<std::size_t>(j)] != 0;
      if (counts && (!causal || j <= i + keys - queries)) seen.push_back(j);
    }
    if (seen.empty()) continue;
    double largest = weights.log(i, seen.front());
    for (const Index j : seen) largest = std::max(largest, weights.log(i, j));
    double denominator = 0;
    for (const Index j : seen) {
      const double weight = weights.sign(i, j) * std::exp(weights.log(i, j) - largest);
      denominator += weight;
      output.rows.row(i) += weight * V.row(j);
    }
    output.rows.row(i) /= denominator;
    if (denominator <= 0) ++output.nonpositive;
  }
  return output;
}

inline double relative_rms(const Rows& got, const Rows& expected) { return (got - expected).norm() / expected.norm(); }

template <class Left, class Right>
bool same_bits(const Left& left, const Right& right) {
  return left.rows() == right.rows() && left.cols() == right.cols() && (left.array() == right.array()).all();
}

/// A map given by functions of one row: features (p) and log-scale.
class FunctionMap final : public FeatureMap {
 public:
  using Function = void (*)(const Eigen::RowVectorXd& x, Side side, Eigen::RowVectorXd& features, double& log_scale);
  FunctionMap(Index dim, Index features, Form form, Function function)
      : dim_(dim), features_(features), form_(form), function_(function) {}

  Index dim() const override { return dim_; }
  Index features() const override { return features_; }
  Form form() const override { return form_; }
  Matrix<double> frequencies() const override { return Matrix<double>::Zero(features_, dim_); }
  std::string describe() const override { return "a map of a test"; }
  void tile(const MatrixView<float>& X, Side side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of(X, side, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of(X, side, features, log_scale);
  }

 private:
  template <class Input, class Output, class Scales>
  void tile_of(const Input& X, Side side, Output& features, Scales& log_scale) const {
    using Scalar = typename Input::Scalar;
    for (Index i = 0; i < X.rows(); ++i) {
      Eigen::RowVectorXd row(features_);
      double log = 0;
      function_(X.row(i).template cast<double>(), side, row, log);
      features.row(i) = row.cast<Scalar>();
      log_scale(i) = static_cast<Scalar>(log);
    }
  }

  Index dim_;
  Index features_;
  Form form_;
  Function function_;
};

/// One head of inputs, rounded to Scalar, with the same numbers in double.
template <class Scalar>
struct Inputs {
  Matrix<Scalar> Q, K, V;

  Inputs(Index queries, Index keys, Index dim, Index values, double factor = 1)
      : Q(normal_rows(queries, dim, 1, factor).template cast<Scalar>()),
        K(normal_rows(keys, dim, 2, factor).template cast<Scalar>()),
        V(normal_rows(keys, values, 3).template cast<Scalar>()) {}

  double scale() const { return 1 / std::sqrt(static_cast<double>(Q.cols())); }
  Weights weights(const std::string& features, const FeatureMap& map) const {
    return feature_weights(features, map.frequencies(), Q.template cast<double>(), K.template cast<double>(), scale());
  }
  Weights exact() const { return exact_weights(Q.template cast<double>(), K.template cast<double>(), scale()); }
  Rows values() const { return V.template cast<double>(); }
};

template <class Scalar>
Matrix<Scalar> favor(const Inputs<Scalar>& inputs, const FeatureMap& map, const AttentionOptions& options = {}) {
  return attention<Scalar>(inputs.Q, inputs.K, inputs.V, map, options).output;
}

/// The three kinds of attention under one name, for what must hold of each.
template <class Scalar>
std::vector<Matrix<Scalar>> every_attention(const Inputs<Scalar>& inputs, const AttentionOptions& options) {
  const Index dim = inputs.Q.cols();
  return {favor(inputs, *draw("positive", dim, 128), options), favor(inputs, *draw("trigonometric", dim, 64), options),
          favor(inputs, *draw("hyperbolic", dim, 64), options),
          exact_attention<Scalar>(inputs.Q, inputs.K, inputs.V, options),
          uniform_attention<Scalar>(inputs.Q, inputs.K, inputs.V, options)};
}

/// A batch whose arrays are owned: B = 3, Hq = 4, Hk = 2.
template <class Scalar>
struct OwnedBatch {
  static constexpr Index kItems = 3, kQueryHeads = 4, kKeyHeads = 2, kQueries = 300, kKeys = 310, kDim = 8, kValues = 3;
  Matrix<Scalar> Q = normal_rows(kItems * kQueryHeads * kQueries, kDim, 4).template cast<Scalar>();
  Matrix<Scalar> K = normal_rows(kItems * kKeyHeads * kKeys, kDim, 5).template cast<Scalar>();
  Matrix<Scalar> V = normal_rows(kItems * kKeyHeads * kKeys, kValues, 6).template cast<Scalar>();
  Matrix<Scalar> out = Matrix<Scalar>::Constant(kItems * kQueryHeads * kQueries, kValues, Scalar{-77});

  AttentionBatch<Scalar> view() {
    return {{Q.data(), kItems, kQueryHeads, kQueries, kDim},
            {K.data(), kItems, kKeyHeads, kKeys, kDim},
            {V.data(), kItems, kKeyHeads, kKeys, kValues},
            {out.data(), kItems, kQueryHeads, kQueries, kValues}};
  }
};

template <class Function>
void expect_message(const Function& function, const std::string& part) {
  try {
    function();
    ADD_FAILURE() << "nothing thrown; expected: " << part;
  } catch (const std::exception& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << error.what() << "\nexpected: " << part;
  }
}

}  // namespace bochner::attention_reference
