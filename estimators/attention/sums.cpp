#include "estimators/attention/sums.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <span>
#include <stdexcept>

#include "core/simd/functions.h"

namespace bochner {
namespace {

/// Below every maximum that a key can make, and finite: differences from it are minus infinity or very negative, never
/// NaN.
template <class Scalar>
constexpr Scalar kFloor = std::numeric_limits<Scalar>::lowest() / 4;

template <class Scalar>
std::span<Scalar> span_of(Vector<Scalar>& values) {
  return {values.data(), static_cast<std::size_t>(values.size())};
}

/// The largest entry; NaN if any is.
template <class Scalar>
Scalar largest(Vector<Scalar>& values) {
  return simd::max_sum<Scalar>(span_of(values), {});
}

[[noreturn]] void throw_not_finite_features() {
  throw std::domain_error(
      "attention: the features of a row are not finite; expected queries and keys whose features the scalar type can "
      "hold");
}

template <class Scalar>
void require_below_infinity(Scalar value) {
  if (!(value < std::numeric_limits<Scalar>::infinity())) throw_not_finite_features();
}

template <class Scalar>
void require_finite_features(const VectorView<Scalar>& features) {
  // Zero unless an entry is NaN or infinite; unlike allFinite, vectorised.
  if (!((features * Scalar{0}).sum() == Scalar{0})) throw_not_finite_features();
}

template <class Scalar>
Scalar quotient(Scalar numerator, Scalar denominator) {
  if (denominator != 0) return numerator / denominator;
  return numerator == 0 ? Scalar{0} : std::copysign(std::numeric_limits<Scalar>::infinity(), numerator);
}

}  // namespace

template <class Scalar>
AttentionSums<Scalar>::AttentionSums(Form form, Index features, Index values)
    : form_(form),
      sums_(Matrix<Scalar>::Zero(values + 1, features)),
      maxima_(Vector<Scalar>::Constant(form == Form::kExponents ? features : 1, kFloor<Scalar>)),
      weights_(features),
      decay_(features),
      result_(values + 1) {}

template <class Scalar>
void AttentionSums<Scalar>::append(const VectorView<Scalar>& features, Scalar log_scale,
                                   const VectorView<Scalar>& values) {
  if (!std::isfinite(log_scale)) throw_not_finite_features();
  if (form_ == Form::kExponents) {
    set_exponent_weights(features, log_scale);
  } else {
    set_value_weights(features, log_scale);
  }
  for (Index c = 0; c < values.size(); ++c) sums_.row(c) += values(c) * weights_.transpose();
  sums_.row(values.size()) += weights_.transpose();
  ++size_;
}

template <class Scalar>
void AttentionSums<Scalar>::set_exponent_weights(const VectorView<Scalar>& features, Scalar log_scale) {
  weights_ = (features.array() + log_scale) - maxima_.array();
  const Scalar excess = largest(weights_);
  require_below_infinity(excess);
  if (excess > 0) {
    // Features whose maximum stands are multiplied by exactly 1.
    decay_ = -weights_.cwiseMax(Scalar{0});
    simd::exp<Scalar>(span_of(decay_));
    for (Index c = 0; c < sums_.rows(); ++c) sums_.row(c).array() *= decay_.transpose().array();
    maxima_ = maxima_.array().max(features.array() + log_scale);
    weights_ = weights_.cwiseMin(Scalar{0});
  }
  simd::exp<Scalar>(span_of(weights_));
}

template <class Scalar>
void AttentionSums<Scalar>::set_value_weights(const VectorView<Scalar>& features, Scalar log_scale) {
  require_finite_features<Scalar>(features);
  Scalar& maximum = maxima_(0);
  if (log_scale > maximum) {
    sums_ *= std::exp(maximum - log_scale);
    maximum = log_scale;
  }
  weights_ = features * std::exp(log_scale - maximum);
}

template <class Scalar>
bool AttentionSums<Scalar>::query(const VectorView<Scalar>& features, MutableVectorView<Scalar> out) {
  if (form_ == Form::kExponents) {
    weights_ = features + maxima_;
    const Scalar maximum = largest(weights_);
    require_below_infinity(maximum);
    weights_.array() -= std::max(maximum, kFloor<Scalar>);
    simd::exp<Scalar>(span_of(weights_));
  } else {
    require_finite_features<Scalar>(features);
    weights_ = features;
  }
  result_.noalias() = sums_ * weights_;
  const Scalar denominator = result_(out.size());
  for (Index c = 0; c < out.size(); ++c) out(c) = quotient(result_(c), denominator);
  return denominator > 0;
}

template class AttentionSums<float>;
template class AttentionSums<double>;

}  // namespace bochner
