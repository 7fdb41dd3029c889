#include "estimators/attention/sums.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>

#include "core/check.h"
#include "core/simd/functions.h"

namespace bochner {
namespace {

/// Below every exponent that an item can have, and finite: differences from it are minus infinity or very negative,
/// never NaN.
template <class Scalar>
constexpr Scalar kFloor = std::numeric_limits<Scalar>::lowest() / 4;

/// Askers of a group: whole tiles of the product, few enough that the triangle of what causal askers see is not much
/// enlarged.
constexpr Index kGroupRows = 18;

/// Features of a tile, in all its rows.
constexpr Index kTileValues = 32768;

[[noreturn]] void throw_not_finite_features() {
  throw std::domain_error(
      "attention: the features of a row are not finite; expected queries and keys whose features the scalar type can "
      "hold");
}

template <class Scalar>
bool below_infinity(Scalar value) {
  return value < std::numeric_limits<Scalar>::infinity();
}

template <class Scalar>
void require_finite_features(const MatrixView<Scalar>& features) {
  if (!detail::all_finite(features)) throw_not_finite_features();
}

std::span<const Index> part_of(const std::vector<Index>& values, Index start, Index count) {
  return std::span(values).subspan(static_cast<std::size_t>(start), static_cast<std::size_t>(count));
}

/// C = A B with zeros where the asker of a row does not see the item of a column.
template <class Scalar>
void multiply_seen(Index k, const simd::LeftFactor<Scalar>& A, const simd::RightFactor<Scalar>& B,
                   std::span<const Index> visible, MutableMatrixView<Scalar> C) {
  simd::multiply<Scalar>(C.rows(), C.cols(), k, A, B, C, false);
  for (Index i = 0; i < C.rows(); ++i) {
    const Index own = visible[static_cast<std::size_t>(i)];
    C.row(i).tail(C.cols() - own).setZero();
  }
}

/// Brings the first `end` columns of a copy up to date, of which `copied` are.
template <class Scalar>
void copy_transpose(const simd::PaddedRows<Scalar>& rows, Index end, Index& copied, simd::Panels<Scalar>& panels) {
  if (end <= copied) return;
  panels.set_transpose(rows.row(0), rows.stride(), copied, end);
  copied = end;
}

}  // namespace

template <class Scalar>
AttentionSums<Scalar>::AttentionSums(Form form, Index features, Index columns)
    : form_(form),
      sums_(columns, features),
      reference_(Vector<Scalar>::Constant(form == Form::kExponents ? features : 1, kFloor<Scalar>)),
      negative_(-reference_),
      weights_(block_rows(features), features),
      values_(block_rows(features), columns),
      sums_panels_(features, columns),
      weights_panels_(features, block_rows(features)),
      values_panels_(columns, block_rows(features)),
      excess_(block_rows(features)),
      pairs_(block_rows(features), block_rows(features)) {}

template <class Scalar>
void AttentionSums<Scalar>::reset() {
  sums_.top(columns()).setZero();
  reference_.setConstant(kFloor<Scalar>);
  negative_ = -reference_;
  open_ = closed_ = 0;
  sums_copied_ = weights_copied_ = values_copied_ = 0;
}

template <class Scalar>
Index AttentionSums<Scalar>::block_rows(Index features) {
  return std::clamp<Index>(kTileValues / features, 16, 64);
}

template <class Scalar>
Index AttentionSums<Scalar>::count_below_references(const MatrixView<Scalar>& features,
                                                    const VectorView<Scalar>& log_scale) {
  auto excess = excess_.head(features.rows());
  if (form_ == Form::kExponents) {
    simd::max_rows<Scalar>(features, log_scale, negative_, excess);
  } else {
    excess = log_scale.array() + negative_(0);
  }
  Index count = 0;
  while (count < excess.size() && excess(count) <= 0) ++count;
  return count;
}

template <class Scalar>
void AttentionSums<Scalar>::raise_references(const MatrixView<Scalar>& features, Scalar log_scale) {
  if (form_ == Form::kExponents) {
    const Vector<Scalar> exponents = features.row(0).transpose().array() + log_scale;
    if (!below_infinity(simd::max_sum<Scalar>({exponents.data(), static_cast<std::size_t>(exponents.size())}, {}))) {
      throw_not_finite_features();
    }
    // Features whose reference stands are multiplied by exactly 1.
    Vector<Scalar> decay = reference_;
    reference_ = (exponents.array() > reference_.array()).select(exponents.array() + kHeadroom, reference_);
    decay -= reference_;
    simd::exp<Scalar>({decay.data(), static_cast<std::size_t>(decay.size())});
    for (Index c = 0; c < columns(); ++c) sums_.top(columns()).row(c).array() *= decay.transpose().array();
  } else if (log_scale > reference_(0)) {
    sums_.top(columns()) *= std::exp(reference_(0) - (log_scale + kHeadroom));
    reference_(0) = log_scale + kHeadroom;
  }
  negative_ = -reference_;
  sums_copied_ = 0;
}

template <class Scalar>
Index AttentionSums<Scalar>::admit(const MatrixView<Scalar>& features, const VectorView<Scalar>& log_scale,
                                   const MatrixView<Scalar>& values) {
  const Index room = std::min(weights_.rows() - open_, features.rows());
  if (room == 0) return 0;
  if (!log_scale.head(room).allFinite()) throw_not_finite_features();
  if (form_ == Form::kValues) require_finite_features<Scalar>(features.topRows(room));
  Index count = count_below_references(features.topRows(room), log_scale.head(room));
  if (count == 0) {
    if (open_ > 0) return 0;
    raise_references(features, log_scale(0));
    count = count_below_references(features.topRows(room), log_scale.head(room));
  }
  auto weights = weights_.top(open_ + count).bottomRows(count);
  if (form_ == Form::kExponents) {
    simd::exp_rows<Scalar>(features.topRows(count), log_scale.head(count), negative_, weights);
  } else {
    weights = (log_scale.head(count).array() + negative_(0)).exp().matrix().asDiagonal() * features.topRows(count);
  }
  values_.top(open_ + count).bottomRows(count) = values.topRows(count);
  open_ += count;
  return count;
}

template <class Scalar>
void AttentionSums<Scalar>::close() {
  simd::multiply<Scalar>(columns(), features(), open_, values_.left_transpose(), weights_.right(), sums_.top(columns()),
                         true);
  closed_ += open_;
  open_ = 0;
  sums_copied_ = 0;
  weights_copied_ = 0;
  values_copied_ = 0;
}

template <class Scalar>
void AttentionSums<Scalar>::add_askers_of(const AttentionSums& other, Index count,
                                          const simd::PaddedRows<Scalar>& weights,
                                          const simd::PaddedRows<Scalar>& values) {
  // Weights of the askers hold exp(+R), so that here the references are -R.
  reference_ = other.negative_;
  negative_ = other.reference_;
  simd::multiply<Scalar>(columns(), features(), count, values.left_transpose(), weights.right(), sums_.top(columns()),
                         true);
  closed_ += count;
  sums_copied_ = 0;
}

template <class Scalar>
void AttentionSums<Scalar>::weigh(const MatrixView<Scalar>& features, MutableMatrixView<Scalar> out,
                                  MutableVectorView<Scalar> shift) const {
  if (form_ == Form::kValues) {
    require_finite_features<Scalar>(features);
    out = features;
    shift.setConstant(reference_(0));
    return;
  }
  simd::exp_below_largest<Scalar>(features, reference_, out, shift);
  for (const Scalar largest : shift) {
    if (!below_infinity(largest)) throw_not_finite_features();
  }
}

template <class Scalar>
void AttentionSums<Scalar>::weigh_by(const MatrixView<Scalar>& features, const VectorView<Scalar>& log_scale,
                                     MutableMatrixView<Scalar> out) const {
  if (form_ == Form::kExponents) {
    simd::exp_rows<Scalar>(features, log_scale, reference_, out);
  } else {
    out = (log_scale.array() + reference_(0)).exp().matrix().asDiagonal() * features;
  }
}

template <class Scalar>
template <class Body>
void AttentionSums<Scalar>::for_groups(const std::vector<Index>& visible, const Body& body) const {
  const auto count = static_cast<Index>(visible.size());
  for (Index start = 0; start < count; start += kGroupRows) {
    const Index rows = std::min(kGroupRows, count - start);
    if (const Index seen = visible[static_cast<std::size_t>(start + rows - 1)]; seen > 0) body(start, rows, seen);
  }
}

template <class Scalar>
void AttentionSums<Scalar>::scores(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible,
                                   simd::PaddedRows<Scalar>& P) {
  for_groups(visible, [&](Index start, Index rows, Index seen) {
    copy_transpose(weights_, seen, weights_copied_, weights_panels_);
    multiply_seen<Scalar>(features(), weights.left(start), weights_panels_.right(), part_of(visible, start, rows),
                          P.top(start + rows).bottomRows(rows).leftCols(seen));
  });
}

template <class Scalar>
void AttentionSums<Scalar>::collect(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible,
                                    const simd::PaddedRows<Scalar>& P, MutableMatrixView<Scalar> out) {
  if (closed_ > 0) {
    copy_transpose(sums_, columns(), sums_copied_, sums_panels_);
    simd::multiply<Scalar>(out.rows(), out.cols(), features(), weights.left(), sums_panels_.right(), out, false);
  } else {
    out.setZero();
  }
  for_groups(visible, [&](Index start, Index rows, Index seen) {
    simd::multiply<Scalar>(rows, out.cols(), seen, P.left(start), values_.right(), out.middleRows(start, rows), true);
  });
}

template <class Scalar>
void AttentionSums<Scalar>::collect_column(const simd::PaddedRows<Scalar>& weights, const std::vector<Index>& visible,
                                           const simd::PaddedRows<Scalar>& P, Index column,
                                           MutableVectorView<Scalar> out) const {
  simd::dot_rows<Scalar>(weights.top(out.size()), this->column(column), out);
  for (Index i = 0; i < out.size(); ++i) {
    for (Index j = 0; j < visible[static_cast<std::size_t>(i)]; ++j) out(i) += P.row(i)[j] * values_.row(j)[column];
  }
}

template <class Scalar>
void AttentionSums<Scalar>::spread(const simd::PaddedRows<Scalar>& y, const std::vector<Index>& visible,
                                   simd::PaddedRows<Scalar>& H) {
  const auto count = static_cast<Index>(visible.size());
  simd::multiply<Scalar>(count, features(), columns(), y.left(), sums_.right(), H.top(count), false);
  for_groups(visible, [&](Index start, Index rows, Index seen) {
    copy_transpose(values_, seen, values_copied_, values_panels_);
    multiply_seen<Scalar>(columns(), y.left(start), values_panels_.right(), part_of(visible, start, rows),
                          pairs_.top(start + rows).bottomRows(rows).leftCols(seen));
    simd::multiply<Scalar>(rows, features(), seen, pairs_.left(start), weights_.right(),
                           H.top(start + rows).bottomRows(rows), true);
  });
}

template <class Scalar>
std::vector<Scalar> AttentionSums<Scalar>::to_numbers() const {
  std::vector<Scalar> numbers{static_cast<Scalar>(open_)};
  // Counts beyond the whole numbers of Scalar are kept in two parts.
  constexpr Index kPart = Index{1} << 20;
  for (const Index part : {closed_ / kPart, closed_ % kPart}) numbers.push_back(static_cast<Scalar>(part));
  const auto add = [&](const auto& rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index l = 0; l < rows.cols(); ++l) numbers.push_back(rows(i, l));
    }
  };
  add(reference_);
  add(sums_.top(columns()));
  add(weights_.top(open_));
  add(values_.top(open_));
  return numbers;
}

template <class Scalar>
void AttentionSums<Scalar>::restore(const std::vector<Scalar>& numbers) {
  constexpr Index kPart = Index{1} << 20;
  const auto fail = [](const std::string& what) {
    throw std::invalid_argument("AttentionSums::restore: " + what + "; expected the numbers of a state of this form");
  };
  if (numbers.size() < 3) fail("there are " + std::to_string(numbers.size()) + " numbers");
  const auto whole = [&](Scalar number, Index most) {
    if (!(number >= 0 && number <= static_cast<Scalar>(most) && number == std::floor(number))) {
      fail("a count is " + std::to_string(number));
    }
    return static_cast<Index>(number);
  };
  const Index open = whole(numbers[0], weights_.rows());
  const Index closed = whole(numbers[1], kPart) * kPart + whole(numbers[2], kPart - 1);
  const Index expected = 3 + reference_.size() + columns() * features() + open * (features() + columns());
  if (static_cast<Index>(numbers.size()) != expected) {
    fail("there are " + std::to_string(numbers.size()) + " numbers where " + std::to_string(expected) + " belong");
  }
  const Scalar* next = numbers.data() + 3;
  const auto take = [&](auto&& rows) {
    for (Index i = 0; i < rows.rows(); ++i) {
      for (Index l = 0; l < rows.cols(); ++l) {
        if (!std::isfinite(*next)) fail("a number is not finite");
        rows(i, l) = *next++;
      }
    }
  };
  take(reference_);
  take(sums_.top(columns()));
  take(weights_.top(open));
  take(values_.top(open));
  negative_ = -reference_;
  open_ = open;
  closed_ = closed;
  sums_copied_ = 0;
  weights_copied_ = 0;
  values_copied_ = 0;
}

template class AttentionSums<float>;
template class AttentionSums<double>;

}  // namespace bochner
