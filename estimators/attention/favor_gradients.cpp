#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <vector>

#include "estimators/attention/heads.h"
#include "estimators/attention/readout.h"
#include "estimators/attention/valued_tile.h"
#include "estimators/attention/walk.h"

// With weights p_ij = phi(q_i).phi(k_j) / D_i, out_i = sum_j p_ij v_j and G_i the gradient of out_i,
//
//   dL/dp_ij D_i = G_i.v_j - G_i.out_i,     dL/dv_j = sum_i p_ij G_i.
//
// The first pass lets keys into sums and goes through the queries that see them, as attention itself does: it yields
// the gradients of queries and log D_i. The second lets queries into sums, last first, with the exponents u_i - log D_i
// and the values [G_i, -G_i.out_i], and goes through the keys, each of which sees the queries that see it. Without
// causality the order is free, and the first pass sums the queries as it meets them.
//
// Without renormalisation D_i is 1 and dL/dp_ij = G_i.v_j: the units of a row, which otherwise cancel, remain, those of
// the sums as exp(shift_i) and those of its own features as their log-scale.

namespace bochner {
namespace {

template <class Scalar>
class Gradients {
 public:
  Gradients(const FeatureMap& map, double scale, bool renormalize, const GradientTask<Scalar>& task)
      : map_(map),
        renormalize_(renormalize),
        task_(task),
        values_(task.values.cols()),
        queries_(map, Side::kQuery, scale, values_ + 1),
        keys_(map, Side::kKey, scale, values_ + 1),
        capacity_(queries_.features().capacity()),
        y_(capacity_, values_ + 1),
        product_(capacity_, map.features()),
        query_sums_(map.form(), map.features(), values_ + 1),
        log_denominators_(task.queries.rows()),
        signs_(task.queries.rows()),
        first_answered_(task.queries.rows()) {}

  void run() {
    through_queries();
    through_keys();
  }

 private:
  bool sees(Index query, Index key) const { return key < task_.visible.limit(query); }

  void through_queries() {
    AttentionSums<Scalar> sums(map_.form(), map_.features(), values_ + 1);
    Readout<Scalar> readout(map_.features(), values_);
    Vector<Scalar> d_log_scale = Vector<Scalar>::Zero(capacity_);
    const auto load = [&](std::span<const Index> keys) {
      keys_.load(task_.keys, keys, [&](Index, Index key, auto&& row) {
        row.head(values_) = task_.values.row(key);
        row(values_) = 1;
      });
      return keys_.items();
    };
    const auto answer = [&](std::span<const Index> queries, const std::vector<Index>& visible) {
      if (sums.open() + sums.closed() == 0) return;
      first_answered_ = std::min(first_answered_, queries.front());
      FeatureTile<Scalar>& tile = queries_.features();
      tile.load(task_.queries, queries);
      readout.read(sums, tile, visible);
      for (Index i = 0; i < tile.rows(); ++i) {
        const Index query = queries[static_cast<std::size_t>(i)];
        auto y = y_.top(tile.rows()).row(i);
        if (!renormalize_) {
          const Scalar log_scale = tile.log_scale()(i);
          log_denominators_(query) = -log_scale;
          signs_(query) = 1;
          fill_gradient(query, std::exp(readout.shift()(i) + log_scale), y);
          d_log_scale(i) = task_.d_out.row(query).dot(task_.out.row(query));
          continue;
        }
        // The log-scale of a query cancels.
        const Scalar denominator = readout.denominator()(i);
        log_denominators_(query) = denominator == 0 ? 0 : std::log(std::abs(denominator)) + readout.shift()(i);
        signs_(query) = static_cast<Scalar>((denominator > 0) - (denominator < 0));
        fill_gradient(query, denominator == 0 ? 0 : 1 / denominator, y);
      }
      if (!task_.visible.causal) query_sums_.add_askers_of(sums, tile.rows(), readout.weights(), y_);
      sums.spread(y_, visible, product_);
      auto d_features = product_.top(tile.rows());
      if (map_.form() == Form::kExponents) d_features.array() *= readout.weights().top(tile.rows()).array();
      tile.add_gradient(d_features, d_log_scale.head(tile.rows()), queries, task_.d_queries);
    };
    walk(
        sums, Cursor::forward(task_.visible.keys, task_.visible.mask), Cursor::forward(task_.visible.queries),
        !task_.visible.causal, [&](Index key, Index query) { return sees(query, key); }, load, answer);
  }

  void through_keys() {
    AttentionSums<Scalar>& sums = query_sums_;
    simd::PaddedRows<Scalar> weights(capacity_, map_.features()), scores(capacity_, capacity_);
    simd::PaddedRows<Scalar> d_values(capacity_, values_);
    Vector<Scalar> log_scale(capacity_), d_log_scale(capacity_);
    const auto load = [&](std::span<const Index> queries) {
      queries_.load(task_.queries, queries, [&](Index i, Index query, auto&& row) {
        log_scale(i) = -log_denominators_(query);
        fill_gradient(query, signs_(query), row);
      });
      const ItemTile<Scalar> items = queries_.items();
      return ItemTile<Scalar>{items.features, log_scale.head(items.features.rows()), items.values};
    };
    const auto answer = [&](std::span<const Index> keys, const std::vector<Index>& visible) {
      if (sums.open() + sums.closed() == 0) return;
      FeatureTile<Scalar>& tile = keys_.features();
      tile.load(task_.keys, keys);
      const Index rows = tile.rows();
      sums.weigh_by(tile.features(), tile.log_scale(), weights.top(rows));
      sums.scores(weights, visible, scores);
      sums.collect(weights, visible, scores, d_values.top(rows));
      for (Index j = 0; j < rows; ++j) {
        const Index key = keys[static_cast<std::size_t>(j)];
        task_.d_values.row(key) += d_values.top(rows).row(j);
        y_.top(rows).row(j).head(values_) = task_.values.row(key);
        y_.top(rows)(j, values_) = 1;
      }
      sums.spread(y_, visible, product_);
      auto d_features = product_.top(rows);
      d_log_scale.head(rows) = d_features.cwiseProduct(weights.top(rows)).rowwise().sum();
      if (map_.form() == Form::kExponents) {
        d_features.array() *= weights.top(rows).array();
      } else {
        d_features.array().colwise() *= (tile.log_scale().array() + sums.reference()).exp();
      }
      tile.add_gradient(d_features, d_log_scale.head(rows), keys, task_.d_keys);
    };
    // Where every key is seen by every query, the first pass has summed the queries already.
    const Cursor queries =
        task_.visible.causal ? Cursor::backward(task_.visible.queries, {}, first_answered_) : Cursor::forward(0);
    const auto key_sees = [&](Index query, Index key) { return sees(query, key); };
    walk(sums, queries, Cursor::backward(task_.visible.keys, task_.visible.mask), !task_.visible.causal, key_sees, load,
         answer);
  }

  /// row (dv + 1) = factor [G, -G.out] of a query, [G, 0] without a denominator; zeros for a factor 0, where the output
  /// may be infinite.
  template <class Row>
  void fill_gradient(Index query, Scalar factor, Row row) const {
    if (factor == 0) {
      row.setZero();
      return;
    }
    row.head(values_) = factor * task_.d_out.row(query);
    row(values_) = renormalize_ ? -factor * task_.d_out.row(query).dot(task_.out.row(query)) : Scalar{0};
  }

  const FeatureMap& map_;
  bool renormalize_;
  const GradientTask<Scalar>& task_;
  Index values_;
  ValuedTile<Scalar> queries_;
  ValuedTile<Scalar> keys_;
  Index capacity_;
  simd::PaddedRows<Scalar> y_;        // (capacity, dv + 1)
  simd::PaddedRows<Scalar> product_;  // (capacity, p)
  AttentionSums<Scalar> query_sums_;
  Vector<Scalar> log_denominators_;  // (n): log |D_i| in units of exp(log-scale) of the query, 0 where D_i is
  Vector<Scalar> signs_;             // (n): of D_i; a row without a denominator has no gradient
  Index first_answered_;
};

}  // namespace

template <class Scalar>
void favor_gradients(const FeatureMap& map, double scale, bool renormalize, const GradientTask<Scalar>& task) {
  Gradients<Scalar>(map, scale, renormalize, task).run();
}

template void favor_gradients(const FeatureMap&, double, bool, const GradientTask<float>&);
template void favor_gradients(const FeatureMap&, double, bool, const GradientTask<double>&);

}  // namespace bochner
