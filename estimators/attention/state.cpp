#include "estimators/attention/state.h"

#include <algorithm>
#include <numeric>
#include <span>
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
      sums_(map_->form(), map_->features(), values + 1),
      keys_(*map_, Side::kKey, scale_, values + 1),
      queries_(*map_, Side::kQuery, scale_),
      readout_(map_->features(), values) {}

template <class Scalar>
void AttentionState<Scalar>::append(const MatrixView<Scalar>& K, const MatrixView<Scalar>& V) {
  constexpr const char* kFunction = "AttentionState::append";
  require_columns(K.cols(), map_->dim(), kFunction, "K");
  require_columns(V.cols(), values_, kFunction, "V");
  require_equal_rows(V.rows(), K.rows(), kFunction, "V");
  require_points(K, kFunction, "K");
  require_points(V, kFunction, "V");
  const auto load = [&](std::span<const Index> positions) {
    keys_.load(K, positions, [&](Index, Index key, auto&& row) {
      row.head(values_) = V.row(key);
      row(values_) = 1;
    });
    return keys_.items();
  };
  const auto nobody = [](const auto&...) { return false; };
  walk(sums_, Cursor::forward(K.rows()), Cursor::forward(0), false, nobody, load, nobody);
}

template <class Scalar>
DenominatorCounts AttentionState<Scalar>::query(const MatrixView<Scalar>& Q, MutableMatrixView<Scalar> out) {
  constexpr const char* kFunction = "AttentionState::query";
  require_columns(Q.cols(), map_->dim(), kFunction, "Q");
  require_columns(out.cols(), values_, kFunction, "out");
  require_equal_rows(out.rows(), Q.rows(), kFunction, "out");
  require_points(Q, kFunction, "Q");
  require_at_least(size(), 1, kFunction, "the number of keys");
  DenominatorCounts counts;
  std::vector<Index> positions;
  for (Index start = 0; start < Q.rows(); start += queries_.capacity()) {
    positions.resize(static_cast<std::size_t>(std::min(queries_.capacity(), Q.rows() - start)));
    std::iota(positions.begin(), positions.end(), start);
    counts +=
        readout_.attend(sums_, queries_, Q, positions, std::vector<Index>(positions.size(), sums_.open()), true, out);
  }
  return counts;
}

template class AttentionState<float>;
template class AttentionState<double>;

}  // namespace bochner
