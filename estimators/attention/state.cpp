#include "estimators/attention/state.h"

#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

#include "core/check.h"
#include "estimators/attention/options.h"

namespace bochner {
namespace {

std::shared_ptr<const FeatureMap> checked(std::shared_ptr<const FeatureMap> map) {
  if (map) return map;
  throw std::invalid_argument("AttentionState: map is null; expected a feature map");
}

Index checked_values(Index values) {
  require_at_least(values, 1, "AttentionState", "values");
  return values;
}

double checked_scale(double scale) {
  require_positive(scale, "AttentionState", "scale");
  return scale;
}

void require_equal_rows(Index rows, Index expected, const char* function, const char* parameter) {
  if (rows == expected) return;
  throw std::invalid_argument(std::string(function) + ": " + parameter + " has " + std::to_string(rows) +
                              " rows; expected " + std::to_string(expected));
}

}  // namespace

template <class Scalar>
AttentionState<Scalar>::AttentionState(std::shared_ptr<const FeatureMap> map, Index values, std::optional<double> scale)
    : map_(checked(std::move(map))),
      values_(checked_values(values)),
      scale_(checked_scale(attention_scale(scale, map_->dim()))),
      sums_(map_->form(), map_->features(), values),
      keys_(new_tile(Side::kKey)),
      queries_(new_tile(Side::kQuery)) {}

template <class Scalar>
void AttentionState<Scalar>::append(const MatrixView<Scalar>& K, const MatrixView<Scalar>& V) {
  constexpr const char* kFunction = "AttentionState::append";
  require_columns(K.cols(), map_->dim(), kFunction, "K");
  require_columns(V.cols(), values_, kFunction, "V");
  require_equal_rows(V.rows(), K.rows(), kFunction, "V");
  require_points(K, kFunction, "K");
  require_points(V, kFunction, "V");
  for (Index start = 0; start < K.rows();) {
    const Index rows = keys_.load(K.rows() - start, [&](Index i) { return K.row(start + i); });
    for (Index i = 0; i < rows; ++i) {
      sums_.append(keys_.features(i), keys_.log_scale(i), V.row(start + i).transpose());
    }
    start += rows;
  }
}

template <class Scalar>
Index AttentionState<Scalar>::query(const MatrixView<Scalar>& Q, MutableMatrixView<Scalar> out) {
  constexpr const char* kFunction = "AttentionState::query";
  require_columns(Q.cols(), map_->dim(), kFunction, "Q");
  require_columns(out.cols(), values_, kFunction, "out");
  require_equal_rows(out.rows(), Q.rows(), kFunction, "out");
  require_points(Q, kFunction, "Q");
  require_at_least(size(), 1, kFunction, "the number of keys");
  Index nonpositive = 0;
  for (Index start = 0; start < Q.rows();) {
    const Index rows = queries_.load(Q.rows() - start, [&](Index i) { return Q.row(start + i); });
    for (Index i = 0; i < rows; ++i) {
      if (!sums_.query(queries_.features(i), out.row(start + i).transpose())) ++nonpositive;
    }
    start += rows;
  }
  return nonpositive;
}

template class AttentionState<float>;
template class AttentionState<double>;

}  // namespace bochner
