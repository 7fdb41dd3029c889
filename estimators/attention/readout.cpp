#include "estimators/attention/readout.h"

#include <cmath>
#include <cstddef>
#include <limits>

namespace bochner {
namespace {

/// A denominator that is so small a share of what cancelled in it is mostly error.
constexpr double kNearZero = 0.01;

/// value / 0: infinite with the sign of the value, and 0 for 0/0.
template <class Scalar>
Scalar over_zero(Scalar value) {
  return value == 0 ? Scalar{0} : std::copysign(std::numeric_limits<Scalar>::infinity(), value);
}

/// value exp(log), where exp(log) may overflow while the value is 0.
template <class Scalar>
Scalar scaled(Scalar value, Scalar log) {
  return value == 0 ? Scalar{0} : std::copysign(std::exp(std::log(std::abs(value)) + log), value);
}

}  // namespace

template <class Scalar>
Readout<Scalar>::Readout(Index features, Index values)
    : weights_(AttentionSums<Scalar>::block_rows(features), features),
      scores_(weights_.rows(), weights_.rows()),
      shift_(weights_.rows()),
      denominator_(weights_.rows()),
      output_(weights_.rows(), values),
      values_(values) {}

template <class Scalar>
void Readout<Scalar>::read(AttentionSums<Scalar>& sums, const FeatureTile<Scalar>& queries,
                           const std::vector<Index>& visible) {
  rows_ = queries.rows();
  sums.weigh(queries.features(), weights_.top(rows_), shift_.head(rows_));
  sums.scores(weights_, visible, scores_);
  sums.collect_column(weights_, visible, scores_, values_, denominator_.head(rows_));
}

template <class Scalar>
DenominatorCounts Readout<Scalar>::count(const AttentionSums<Scalar>& sums, const std::vector<Index>& visible) const {
  DenominatorCounts counts;
  counts.nonpositive = rows_ - (denominator().array() > 0).count();
  // Exponential features cannot cancel.
  if (sums.form() == Form::kExponents) return counts;
  const auto column = sums.column(values_).cwiseAbs();
  for (Index i = 0; i < rows_; ++i) {
    Scalar moduli = weights_.top(rows_).row(i).cwiseAbs().dot(column.transpose());
    for (Index j = 0; j < visible[static_cast<std::size_t>(i)]; ++j) moduli += std::abs(scores_.row(i)[j]);
    if (denominator_(i) > 0 && denominator_(i) < static_cast<Scalar>(kNearZero) * moduli) ++counts.near_zero;
  }
  return counts;
}

template <class Scalar>
void Readout<Scalar>::finish(AttentionSums<Scalar>& sums, const FeatureTile<Scalar>& queries,
                             const std::vector<Index>& visible, bool renormalize) {
  auto out = output_.top(rows_);
  sums.collect(weights_, visible, scores_, out);
  for (Index i = 0; i < rows_; ++i) {
    if (!renormalize) {
      const Scalar log = shift_(i) + queries.log_scale()(i);
      out.row(i) = out.row(i).unaryExpr([&](Scalar value) { return scaled(value, log); });
    } else if (denominator_(i) != 0) {
      out.row(i) /= denominator_(i);
    } else {
      out.row(i) = out.row(i).unaryExpr([](Scalar value) { return over_zero(value); });
    }
  }
}

template class Readout<float>;
template class Readout<double>;

}  // namespace bochner
