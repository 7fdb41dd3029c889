#include "estimators/laws/attention.h"

#include "core/check.h"
#include "core/signed_log.h"
#include "estimators/laws/one_frequency.h"
#include "estimators/laws/pair_covariance.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <vector>

namespace bochner {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
/// Points of a tile: its matrices stay in a level-two cache.
constexpr Index kTile = 64;
/// Queries of a task.
constexpr Index kQueries = 8;
/// Beyond this no sum of terms in [-1, 1] brings a result back into the range of a double.
constexpr double kOverflow = 1500;

double exp_times(double log, double value) { return value == 0 ? 0 : value * std::exp(log); }

/// The coupling's pairs for each m: variance = (independent + sum_c weight(c) at cosine c) / m.
struct PairWeights {
  std::vector<double> cosines;
  Matrix<double> weights;  // (|m|, cosines)
};

PairWeights pair_weights(const Estimator& estimator, std::span<const Index> m, Index dim) {
  PairWeights result;
  std::vector<std::vector<PairGroup>> all;
  for (const Index size : m) {
    const auto groups = estimator.coupling().dependent_pairs(size, dim);
    if (!groups) throw NoLawError("attention_law: no law is known of " + estimator.describe());
    all.push_back(*groups);
    for (const PairGroup& group : *groups) {
      if (group.pairs > 0 && group.norms != NormRelation::kIndependent) {
        throw NoLawError("attention_law: no law is known of pairs whose norms depend on one another, as in " +
                         estimator.describe());
      }
      const auto& known = result.cosines;
      const bool is_new = std::find(known.begin(), known.end(), group.cosine) == known.end();
      if (group.pairs > 0 && is_new) result.cosines.push_back(group.cosine);
    }
  }
  result.weights = Matrix<double>::Zero(static_cast<Index>(m.size()), static_cast<Index>(result.cosines.size()));
  for (std::size_t row = 0; row < m.size(); ++row) {
    for (const PairGroup& group : all[row]) {
      const auto place = std::find(result.cosines.begin(), result.cosines.end(), group.cosine);
      if (place == result.cosines.end()) continue;
      const auto column = place - result.cosines.begin();
      result.weights(static_cast<Index>(row), column) += group.pairs / static_cast<double>(m[row]);
    }
  }
  return result;
}

/// What one query makes of its keys: the estimates X_j = e^{h_j} f(w.z_j) and their first two moments.
struct Estimates {
  Matrix<double> z;          // (k, d)
  Vector<double> q;          // |z_j|^2
  Vector<double> prefactor;  // h_j
  std::vector<SignedLog> mean;
  Vector<double> half_second;  // log(E f(w.z_j)^2) / 2
};

/// E f(w.z_i) f(w.z_j) from moments at z_i + z_j and z_i - z_j.
class SecondMoment {
 public:
  SecondMoment(const RadialLaw& radial, Shape shape, Index dim) : radial_(radial), shape_(shape), dim_(dim) {}

  SignedLog of_square(double q) const {
    const SignedLog doubled = radial_.mean(shape_, dim_, 4 * q);
    return shape_ == Shape::kExp ? doubled : (doubled + SignedLog{1, 0}).scaled(-std::log(2.0));
  }

  /// e^{-scale} (E f(w.z_i) f(w.z_j) - product), where product = E f(w.z_i) E f(w.z_j) and dot = z_i.z_j.
  double centred(double q_sum, double dot, const SignedLog& product, double scale) const {
    const auto part = [&](double q) {
      const SignedLog second = radial_.mean(shape_, dim_, std::max(0.0, q));
      const auto ratio = static_cast<double>(second.log - product.log);
      // Their difference where they are close, as for short z.
      if (second.sign > 0 && product.sign > 0 && std::fabs(ratio) < 1) {
        return std::expm1(ratio) * std::exp(static_cast<double>(product.log) - scale);
      }
      return second.scaled(-scale).value() - product.scaled(-scale).value();
    };
    const double plus = part(q_sum + 2 * dot);
    return shape_ == Shape::kExp ? plus : (plus + part(q_sum - 2 * dot)) / 2;
  }

 private:
  const RadialLaw& radial_;
  Shape shape_;
  Index dim_;
};

/// The sums over pairs of keys of one kind of covariance, relative to the scales of their weights.
struct PairSums {
  double variance = 0;     // sum Cov u.u
  double denominator = 0;  // sum Cov
  Vector<double> toward;   // (k): sum_l Cov(j, l), of which the bias is made

  explicit PairSums(Index keys) : toward(Vector<double>::Zero(keys)) {}

  /// Adds a tile of covariances between the points from `first` and those from `second` on, and its mirror image.
  void add(const Matrix<double>& tile, Index first, Index second, const Matrix<double>& u, const Vector<double>& one) {
    const double twice = first == second ? 1 : 2;
    const auto rows = u.middleRows(first, tile.rows());
    const auto columns = u.middleRows(second, tile.cols());
    variance += twice * rows.cwiseProduct(tile * columns).sum();
    toward.segment(first, tile.rows()) += tile * one.segment(second, tile.cols());
    if (first != second) {
      toward.segment(second, tile.cols()) += tile.transpose() * one.segment(first, tile.rows());
    }
  }
};

class HeadLaw {
 public:
  /// Of the keys of the task at these positions.
  HeadLaw(const Estimator& estimator, std::span<const Index> m, double scale, const AttentionTask<double>& task,
          const std::vector<Index>& positions)
      : estimator_(estimator),
        m_(m),
        estimate_(*estimator.features().one_frequency(estimator.kernel())),
        dim_(task.queries.cols()),
        root_(std::sqrt(scale) * estimate_.scales.front()),
        pairs_(pair_weights(estimator, m, dim_)),
        moment_(*estimator.frequency_law()->isotropic(), estimate_.shape, dim_),
        keys_(root_ * task.keys(positions, Eigen::all)),
        values_(task.values(positions, Eigen::all)) {}

  /// Columns `index` of the law for one query that sees the first `seen` keys; `limit` (dv) is the output as m grows.
  template <class Query, class Limit>
  void fill(const Query& query, Index seen, Index index, AttentionLaw& law, Limit limit) const {
    const Vector<double> x = root_ * query.transpose();
    const Estimates estimates = estimates_of(x, seen);
    Vector<double> log_mean(seen), sign(seen);
    for (Index j = 0; j < seen; ++j) {
      const SignedLog mean = estimates.mean[static_cast<std::size_t>(j)].scaled(estimates.prefactor(j));
      log_mean(j) = static_cast<double>(mean.log);
      sign(j) = mean.sign;
    }
    Index dominant = 0;
    const double largest = log_mean.maxCoeff(&dominant);
    const Vector<double> weights = sign.array() * (log_mean.array() - largest).exp();
    const double total = weights.sum();
    // Values relative to that of the heaviest key: its own distance from the average may be far below rounding of the
    // values, and have the largest variance of all before it.
    const Matrix<double> relative = values_.topRows(seen).rowwise() - values_.row(dominant);
    const Vector<double> average = relative.transpose() * weights / total;
    limit = values_.row(dominant) + average.transpose();

    // Scores are (x / scale).(k / scale): a kernel's own scaling of its projections is no part of softmax.
    const Vector<double> scores = keys_.topRows(seen) * x / (estimate_.scales.front() * estimate_.scales.front());
    const Vector<double> softmax = (scores.array() - scores.maxCoeff()).exp();
    const Vector<double> exact = relative.transpose() * softmax / softmax.sum();
    const auto columns = static_cast<double>(values_.cols());
    law.farthest(index) = (relative.rowwise() - exact.transpose()).rowwise().squaredNorm().maxCoeff() / columns;

    // A mean denominator that is not positive, which only a foreign radial law has, leaves no law.
    const double log_total = total > 0 ? largest + std::log(total) : -kInfinity;
    fill_sums(estimates, log_total, relative.rowwise() - average.transpose(), average - exact, index, law);
  }

 private:
  Estimates estimates_of(const Vector<double>& x, Index seen) const {
    Estimates estimates;
    estimates.z = (estimate_.sign * keys_.topRows(seen)).rowwise() + x.transpose();
    estimates.q = estimates.z.rowwise().squaredNorm();
    estimates.prefactor =
        estimate_.exponent * (keys_.topRows(seen).rowwise().squaredNorm().array() + x.squaredNorm()).matrix();
    estimates.mean.resize(static_cast<std::size_t>(seen));
    estimates.half_second.resize(seen);
    const RadialLaw& radial = *estimator_.frequency_law()->isotropic();
    for (Index j = 0; j < seen; ++j) {
      estimates.mean[static_cast<std::size_t>(j)] = radial.mean(estimate_.shape, dim_, estimates.q(j));
      estimates.half_second(j) = static_cast<double>(moment_.of_square(estimates.q(j)).log) / 2;
    }
    return estimates;
  }

  /// The law from the u_j, and the difference of limit and exact output.
  void fill_sums(const Estimates& estimates, double log_total, Matrix<double> u, const Vector<double>& offset,
                 Index index, AttentionLaw& law) const {
    // Weights of numerator and denominator, each relative to its largest; |weight| <= 1 and |Cov| <= 1.
    const Vector<double> log_one = (estimates.prefactor + estimates.half_second).array() - log_total;
    const Vector<double> length = u.rowwise().norm();
    const Vector<double> log_length = length.array().log();
    const double log_denominator = log_one.maxCoeff();
    const double log_numerator = (log_one + log_length).maxCoeff();
    const auto first = offset.size() * index;
    if (!(log_denominator < kOverflow / 2 && log_numerator < kOverflow / 2)) {
      law.mse.col(index).setConstant(kInfinity);
      law.denominator.col(index).setConstant(kInfinity);
      law.bias.middleCols(first, offset.size()).setConstant(kInfinity);
      return;
    }
    const Vector<double> one = (log_one.array() - log_denominator).exp();
    for (Index j = 0; j < u.rows(); ++j) {
      if (length(j) > 0) u.row(j) *= std::exp(log_one(j) + log_length(j) - log_numerator) / length(j);
    }
    // Where all values are alike nothing can go wrong.
    const double numerator_shift = std::isinf(log_numerator) ? 0 : log_numerator;

    const std::vector<PairSums> sums = pair_sums(estimates, u, one);
    const auto columns = static_cast<double>(offset.size());
    for (std::size_t k = 0; k < m_.size(); ++k) {
      const auto row = static_cast<Index>(k);
      PairSums total = sums.front();
      for (std::size_t c = 1; c < sums.size(); ++c) {
        const double weight = pairs_.weights(row, static_cast<Index>(c) - 1);
        total.variance += weight * sums[c].variance;
        total.denominator += weight * sums[c].denominator;
        total.toward += weight * sums[c].toward;
      }
      const double log_m = std::log(static_cast<double>(m_[k]));
      const double variance = exp_times(2 * numerator_shift - log_m, total.variance);
      const Vector<double> toward = -u.transpose() * total.toward;
      Vector<double> bias(offset.size());
      for (Index c = 0; c < bias.size(); ++c) {
        bias(c) = offset(c) + exp_times(numerator_shift + log_denominator - log_m, toward(c));
      }
      // Variances that are zero may round below it.
      const double mse = variance + 2 * offset.dot(bias) - offset.squaredNorm();
      law.mse(row, index) = std::isfinite(mse) ? std::max(0.0, mse) / columns : kInfinity;
      law.denominator(row, index) = exp_times(2 * log_denominator - log_m, std::max(0.0, total.denominator));
      law.bias.row(row).segment(first, bias.size()) = bias;
    }
  }

  /// Sums of independent frequencies, then of pairs at each cosine.
  std::vector<PairSums> pair_sums(const Estimates& estimates, const Matrix<double>& u,
                                  const Vector<double>& one) const {
    const Index keys = one.size();
    std::vector<PairSums> sums(pairs_.cosines.size() + 1, PairSums(keys));
    std::vector<PairCovariance> covariances;
    for (const double cosine : pairs_.cosines) {
      covariances.emplace_back(*estimator_.frequency_law()->isotropic(), estimate_.shape, dim_, estimates.q,
                               estimates.half_second, cosine);
    }
    const Vector<double> length = estimates.q.cwiseSqrt();
    for (Index first = 0; first < keys; first += kTile) {
      const Index rows = std::min(kTile, keys - first);
      for (Index second = first; second < keys; second += kTile) {
        const Index columns = std::min(kTile, keys - second);
        Matrix<double> dots = estimates.z.middleRows(first, rows) * estimates.z.middleRows(second, columns).transpose();
        sums.front().add(independent_tile(estimates, dots, first, second), first, second, u, one);
        if (covariances.empty()) continue;
        for (Index i = 0; i < rows; ++i) {
          for (Index j = 0; j < columns; ++j) {
            const double product = length(first + i) * length(second + j);
            dots(i, j) = product == 0 ? 0 : std::clamp(dots(i, j) / product, -1.0, 1.0);
          }
        }
        Matrix<double> tile(rows, columns);
        for (std::size_t c = 0; c < covariances.size(); ++c) {
          covariances[c].fill(first, second, dots, tile);
          sums[c + 1].add(tile, first, second, u, one);
        }
      }
    }
    for (PairSums& sum : sums) sum.denominator = sum.toward.dot(one);
    return sums;
  }

  Matrix<double> independent_tile(const Estimates& estimates, const Matrix<double>& dots, Index first,
                                  Index second) const {
    Matrix<double> tile(dots.rows(), dots.cols());
    for (Index i = 0; i < dots.rows(); ++i) {
      const SignedLog& mean = estimates.mean[static_cast<std::size_t>(first + i)];
      for (Index j = 0; j < dots.cols(); ++j) {
        const SignedLog& other = estimates.mean[static_cast<std::size_t>(second + j)];
        tile(i, j) = moment_.centred(estimates.q(first + i) + estimates.q(second + j), dots(i, j),
                                     {mean.sign * other.sign, mean.log + other.log},
                                     estimates.half_second(first + i) + estimates.half_second(second + j));
      }
    }
    return tile;
  }

  const Estimator& estimator_;
  std::span<const Index> m_;
  OneFrequencyEstimate estimate_;
  Index dim_;
  double root_;
  PairWeights pairs_;
  SecondMoment moment_;
  Matrix<double> keys_;
  Matrix<double> values_;
};

/// The keys that count.
std::vector<Index> positions_of(const VisibleKeys& visible) {
  std::vector<Index> positions;
  for (Cursor keys = Cursor::forward(visible.keys, visible.mask); !keys.done(); keys.advance()) {
    positions.push_back(keys.at());
  }
  return positions;
}

}  // namespace

AttentionLaw attention_law(const Estimator& estimator, const AttentionBatch<double>& batch, std::span<const Index> m,
                           const AttentionOptions& options, const Execution& execution) {
  require_attention_batch(batch, options, "attention_law");
  require_at_least(static_cast<Index>(m.size()), 1, "attention_law", "the number of m");
  for (const Index size : m) require_at_least(size, 1, "attention_law", "m");
  const auto estimate = estimator.features().one_frequency(estimator.kernel());
  const RadialLaw* radial = estimate ? estimator.frequency_law()->isotropic() : nullptr;
  if (!radial || estimate->scales.size() != 1 || !radial->has_moments(estimate->shape)) {
    throw NoLawError("attention_law: no law is known of " + estimator.describe());
  }
  const double scale = attention_scale(options.scale, batch.Q.cols);
  const auto sizes = static_cast<Index>(m.size());
  const Index queries = batch.Q.batch * batch.Q.heads * batch.Q.rows;
  AttentionLaw law{Matrix<double>::Zero(sizes, queries), Matrix<double>::Zero(sizes, queries * batch.V.cols),
                   Matrix<double>::Zero(sizes, queries), Vector<double>::Zero(queries)};
  const auto fill = [&](AttentionTask<double>& task) {
    const std::vector<Index> positions = positions_of(task.visible);
    const HeadLaw head(estimator, m, scale, task, positions);
    const Index first = (task.out.data() - batch.out.data) / batch.out.cols;
    for (Index i = 0; i < task.queries.rows(); ++i) {
      const Index limit = task.visible.limit(task.first_query + i);
      const Index seen = std::lower_bound(positions.begin(), positions.end(), limit) - positions.begin();
      if (seen == 0) {
        task.out.row(i).setZero();
      } else {
        head.fill(task.queries.row(i), seen, first + i, law, task.out.row(i));
      }
    }
  };
  for_attention_tasks<double>(batch, options, {.queries = kQueries}, execution, [&] { return fill; });
  return law;
}

}  // namespace bochner
