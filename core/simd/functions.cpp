#include "core/simd/functions.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>

// Highway compiles the part between HWY_BEFORE_NAMESPACE and HWY_AFTER_NAMESPACE once for every instruction set by
// including this file again.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/functions.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

#ifndef BOCHNER_SIMD_FUNCTIONS_ONCE
#define BOCHNER_SIMD_FUNCTIONS_ONCE
namespace bochner::simd {
namespace {

/// A matrix with strided rows.
template <class Scalar>
struct Rows {
  Scalar* data;
  std::size_t stride, count, width;
};

/// What every instruction set offers; one dispatch returns the table of the best one.
template <class Scalar>
struct Functions {
  void (*exp)(Scalar* values, std::size_t count);
  Scalar (*max_sum)(const Scalar* a, const Scalar* b, std::size_t count);
  void (*max_rows)(const Rows<const Scalar>& rows, const Scalar* row, const Scalar* column, Scalar* out);
  void (*exp_rows)(const Rows<const Scalar>& rows, const Scalar* row, const Scalar* column, const Rows<Scalar>& out);
  void (*exp_below_largest)(const Rows<const Scalar>& rows, const Scalar* column, const Rows<Scalar>& out,
                            Scalar* largest);
  void (*sum_exp_rows)(const Rows<const Scalar>& rows, const Scalar* row, Scalar* out);
  void (*dot_rows)(const Rows<const Scalar>& rows, const Scalar* y, Scalar* out);
  void (*sin_cos)(const Scalar* angles, Scalar* sin, Scalar* cos, std::size_t count);
  bool (*all_finite)(const Rows<const Scalar>& rows);
};

/// exp(x) = 2^n exp(r), x = n log 2 + r, |r| <= log(2) / 2, exp(r) = 1 + r + r^2 q(r); q interpolates at Chebyshev's
/// nodes, which leaves r^2 q(r) wrong by less than 0.06 eps.
template <class Scalar>
struct ExpConstants;

template <>
struct ExpConstants<float> {
  // Where the result is surely 0 and infinity: arguments are moved there first, so that n stays small.
  static constexpr float kLowest = -104.5f, kHighest = 89.0f;
  // Up to this magnitude the result is a normal number.
  static constexpr float kNormal = 87.0f;
  // The high part has so few bits that n times it is exact.
  static constexpr float kLog2High = 0.693145751953125f, kLog2Low = 1.42860682030941723e-6f;
  // 1.5 2^23: adding it rounds to an integer and leaves that integer in the lowest bits.
  static constexpr float kRounder = 12582912.0f;
  static constexpr std::int32_t kRounderBits = 0x4B400000, kBias = 127;
  static constexpr int kMantissaBits = 23;
  static constexpr float kQ[] = {0.5f, 0.16666576989698775683f, 0.041666554617204574203f, 0.0083631790527225773704f,
                                 0.0013926183587713494542f};
};

template <>
struct ExpConstants<double> {
  static constexpr double kLowest = -746.0, kHighest = 710.0;
  static constexpr double kNormal = 707.0;
  static constexpr double kLog2High = 6.93147180369123816490e-1, kLog2Low = 1.90821492927058770002e-10;
  static constexpr double kRounder = 6755399441055744.0;
  static constexpr std::int64_t kRounderBits = 0x4338000000000000, kBias = 1023;
  static constexpr int kMantissaBits = 52;
  static constexpr double kQ[] = {0.50000000000000010221,     0.16666666666666667453,   0.041666666666624127873,
                                  0.0083333333333300618325,   0.0013888888917213716901, 0.00019841269863053616878,
                                  0.000024801521295954375131, 2.7557268459997064772e-6, 2.7620088445409748161e-7,
                                  2.5100385495510319078e-8};
};

/// x = n pi/2 + r, |r| <= pi/4 (Cody and Waite): n times the first part is exact in a fused multiply-add, and so is the
/// difference. sin(r) = r + r^3 s(r^2), cos(r) = 1 - r^2/2 + r^4 c(r^2), coefficients of the Cephes library.
template <class Scalar>
struct QuarterTurnConstants;

template <>
struct QuarterTurnConstants<float> {
  static constexpr float kParts[] = {1.57079637050628662109f, -4.371138828673793e-8f, -1.7151245100058819e-15f};
  static constexpr float kSin[] = {-1.6666654611e-1f, 8.3321608736e-3f, -1.9515295891e-4f};
  static constexpr float kCos[] = {4.166664568298827e-2f, -1.388731625493765e-3f, 2.443315711809948e-5f};
};

template <>
struct QuarterTurnConstants<double> {
  static constexpr double kParts[] = {1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33};
  static constexpr double kSin[] = {-1.66666666666666307295e-1, 8.33333333332211858878e-3,  -1.98412698295895385996e-4,
                                    2.75573136213857245213e-6,  -2.50507477628578072866e-8, 1.58962301576546568060e-10};
  static constexpr double kCos[] = {4.16666666666665929218e-2, -1.38888888888730564116e-3,
                                    2.48015872888517045348e-5, -2.75573141792967388112e-7,
                                    2.08757008419747316778e-9, -1.13585365213876817300e-11};
};

}  // namespace
}  // namespace bochner::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D>
using Value = hn::TFromD<D>;

/// The first `count` < Lanes(d) values, the other lanes zero; never reads beyond them.
template <class D>
HWY_INLINE hn::Vec<D> load_tail(D d, const Value<D>* from, std::size_t count) {
  HWY_ALIGN Value<D> buffer[hn::MaxLanes(d)] = {};
  std::copy_n(from, count, buffer);
  return hn::Load(d, buffer);
}

template <class D>
HWY_INLINE void store_tail(D d, hn::Vec<D> vector, Value<D>* to, std::size_t count) {
  HWY_ALIGN Value<D> buffer[hn::MaxLanes(d)];
  hn::Store(vector, d, buffer);
  std::copy_n(buffer, count, to);
}

/// `y` with the lanes where `valid` is false replaced by function(x). Out of line: this path is rare.
template <class D>
HWY_NOINLINE hn::Vec<D> repair(D d, hn::Vec<D> x, hn::Vec<D> y, hn::Mask<D> valid, Value<D> (*function)(Value<D>)) {
  HWY_ALIGN Value<D> arguments[hn::MaxLanes(d)];
  HWY_ALIGN Value<D> results[hn::MaxLanes(d)];
  HWY_ALIGN Value<D> keep[hn::MaxLanes(d)];
  hn::Store(x, d, arguments);
  hn::Store(y, d, results);
  hn::Store(hn::IfThenElseZero(valid, hn::Set(d, Value<D>{1})), d, keep);
  for (std::size_t lane = 0; lane < hn::Lanes(d); ++lane) {
    if (keep[lane] == Value<D>{0}) results[lane] = function(arguments[lane]);
  }
  return hn::Load(d, results);
}

/// sum_k kCoefficients[k] x^k; even and odd powers apart, as two independent chains.
template <std::size_t kSize, class D>
HWY_INLINE hn::Vec<D> polynomial(D d, const Value<D> (&coefficients)[kSize], hn::Vec<D> x, hn::Vec<D> x_squared) {
  hn::Vec<D> last = hn::Set(d, coefficients[kSize - 1]), other = hn::Set(d, coefficients[kSize - 2]);
  HWY_UNROLL(16)
  for (std::size_t k = kSize - 2; k > 0; --k) {
    const auto next = hn::MulAdd(last, x_squared, hn::Set(d, coefficients[k - 1]));
    last = other;
    other = next;
  }
  return hn::MulAdd(last, x, other);
}

/// exp(r) of x = n log 2 + r; `rounded` holds n in its lowest bits.
template <class D>
HWY_INLINE hn::Vec<D> exp_of_rest(D d, hn::Vec<D> x, hn::Vec<D>& rounded) {
  using Constants = ExpConstants<Value<D>>;
  const auto rounder = hn::Set(d, Constants::kRounder);
  rounded = hn::MulAdd(x, hn::Set(d, static_cast<Value<D>>(1.44269504088896340736)), rounder);
  const auto n = hn::Sub(rounded, rounder);
  const auto r =
      hn::NegMulAdd(n, hn::Set(d, Constants::kLog2Low), hn::NegMulAdd(n, hn::Set(d, Constants::kLog2High), x));
  const auto r_squared = hn::Mul(r, r);
  const auto q = polynomial(d, Constants::kQ, r, r_squared);
  return hn::Add(hn::MulAdd(q, r_squared, r), hn::Set(d, Value<D>{1}));
}

/// Any x. Out of line: arguments whose exponential is not a normal number are rare.
template <class D>
HWY_NOINLINE hn::Vec<D> exp_anywhere(D d, hn::Vec<D> x) {
  using Constants = ExpConstants<Value<D>>;
  constexpr int kMantissaBits = Constants::kMantissaBits;
  const hn::RebindToUnsigned<D> du;
  hn::Vec<D> rounded;
  const auto inside = hn::Min(hn::Max(x, hn::Set(d, Constants::kLowest)), hn::Set(d, Constants::kHighest));
  const auto y = exp_of_rest(d, inside, rounded);
  // 2^n as a product of two powers: subnormal results are rounded once, at the last multiplication.
  const auto twice_biased =
      hn::Sub(hn::BitCast(du, rounded),
              hn::Set(du, static_cast<hn::TFromD<decltype(du)>>(Constants::kRounderBits - 2 * Constants::kBias)));
  const auto half = hn::ShiftRight<1>(twice_biased);
  const auto scale = hn::BitCast(d, hn::ShiftLeft<kMantissaBits>(half));
  const auto other_scale = hn::BitCast(d, hn::ShiftLeft<kMantissaBits>(hn::Sub(twice_biased, half)));
  return hn::IfThenElse(hn::Eq(x, x), hn::Mul(hn::Mul(y, scale), other_scale), x);
}

/// Highway has an Exp of the same accuracy, but it takes longer and is wrong for NaN and above 104 or 706.
template <class D>
HWY_INLINE hn::Vec<D> exp_vector(D d, hn::Vec<D> x) {
  using Constants = ExpConstants<Value<D>>;
  if (HWY_UNLIKELY(!hn::AllTrue(d, hn::Le(hn::Abs(x), hn::Set(d, Constants::kNormal))))) return exp_anywhere(d, x);
  const hn::RebindToUnsigned<D> du;
  hn::Vec<D> rounded;
  const auto y = exp_of_rest(d, x, rounded);
  // Adds n to the exponent of y; of `rounded` nothing but n survives the shift.
  return hn::BitCast(d, hn::Add(hn::BitCast(du, y), hn::ShiftLeft<Constants::kMantissaBits>(hn::BitCast(du, rounded))));
}

template <class Scalar>
void exp_array(Scalar* values, std::size_t count) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) hn::StoreU(exp_vector(d, hn::LoadU(d, values + i)), d, values + i);
  if (i < count) store_tail(d, exp_vector(d, load_tail(d, values + i, count - i)), values + i, count - i);
}

/// (a + shift) + b, where b may be null and then counts as zero.
template <class D>
HWY_INLINE hn::Vec<D> sum_vector(D d, const Value<D>* a, hn::Vec<D> shift, const Value<D>* b, std::size_t i) {
  const auto first = hn::Add(hn::LoadU(d, a + i), shift);
  return b == nullptr ? first : hn::Add(first, hn::LoadU(d, b + i));
}

template <class D>
HWY_INLINE hn::Vec<D> sum_tail(D d, const Value<D>* a, hn::Vec<D> shift, const Value<D>* b, std::size_t i,
                               std::size_t count) {
  const auto first = hn::Add(load_tail(d, a + i, count), shift);
  return b == nullptr ? first : hn::Add(first, load_tail(d, b + i, count));
}

/// The largest of sum_vector's, NaN where one of them is.
template <class Scalar>
HWY_INLINE Scalar largest_sum(const Scalar* a, Scalar a_shift, const Scalar* b, std::size_t count) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto shift = hn::Set(d, a_shift);
  const auto lowest = hn::Set(d, -std::numeric_limits<Scalar>::infinity());
  // Two of each, since one would wait for itself. Max drops NaN on some instruction sets, so it is remembered apart.
  auto largest = lowest, other_largest = lowest;
  auto unordered = hn::IsNaN(lowest), other_unordered = unordered;
  const auto take = [](hn::Vec<decltype(d)> sums, auto& top, auto& nan) HWY_ATTR {
    top = hn::Max(top, sums);
    nan = hn::Or(nan, hn::IsNaN(sums));
  };
  std::size_t i = 0;
  for (; i + 2 * lanes <= count; i += 2 * lanes) {
    take(sum_vector(d, a, shift, b, i), largest, unordered);
    take(sum_vector(d, a, shift, b, i + lanes), other_largest, other_unordered);
  }
  if (i + lanes <= count) {
    take(sum_vector(d, a, shift, b, i), largest, unordered);
    i += lanes;
  }
  if (i < count) {
    const auto sums = hn::IfThenElse(hn::FirstN(d, count - i), sum_tail(d, a, shift, b, i, count - i), lowest);
    take(sums, largest, unordered);
  }
  if (!hn::AllFalse(d, hn::Or(unordered, other_unordered))) return std::numeric_limits<Scalar>::quiet_NaN();
  return hn::GetLane(hn::MaxOfLanes(d, hn::Max(largest, other_largest)));
}

template <class Scalar>
Scalar max_sum_array(const Scalar* a, const Scalar* b, std::size_t count) {
  return largest_sum(a, Scalar{0}, b, count);
}

template <class Scalar>
void max_rows_array(const Rows<const Scalar>& rows, const Scalar* row, const Scalar* column, Scalar* out) {
  for (std::size_t i = 0; i < rows.count; ++i) {
    out[i] = largest_sum(rows.data + i * rows.stride, row[i], column, rows.width);
  }
}

template <class Scalar>
void exp_rows_array(const Rows<const Scalar>& rows, const Scalar* row, const Scalar* column, const Rows<Scalar>& out) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Scalar* x = rows.data + i * rows.stride;
    Scalar* y = out.data + i * out.stride;
    const auto shift = hn::Set(d, row[i]);
    std::size_t l = 0;
    for (; l + lanes <= rows.width; l += lanes) {
      hn::StoreU(exp_vector(d, sum_vector(d, x, shift, column, l)), d, y + l);
    }
    if (const std::size_t left = rows.width - l; left > 0) {
      store_tail(d, exp_vector(d, sum_tail(d, x, shift, column, l, left)), y + l, left);
    }
  }
}

template <class Scalar>
void exp_below_largest_array(const Rows<const Scalar>& rows, const Scalar* column, const Rows<Scalar>& out,
                             Scalar* largest) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Scalar* x = rows.data + i * rows.stride;
    Scalar* y = out.data + i * out.stride;
    // NaN passes.
    largest[i] = std::max(largest_sum(x, Scalar{0}, column, rows.width), std::numeric_limits<Scalar>::lowest());
    const auto top = hn::Set(d, largest[i]);
    std::size_t l = 0;
    for (; l + lanes <= rows.width; l += lanes) {
      hn::StoreU(exp_vector(d, hn::Sub(sum_vector(d, x, zero, column, l), top)), d, y + l);
    }
    if (const std::size_t left = rows.width - l; left > 0) {
      store_tail(d, exp_vector(d, hn::Sub(sum_tail(d, x, zero, column, l, left), top)), y + l, left);
    }
  }
}

template <class Scalar>
void sum_exp_rows_array(const Rows<const Scalar>& rows, const Scalar* row, Scalar* out) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Scalar* x = rows.data + i * rows.stride;
    const auto shift = hn::Set(d, row[i]);
    auto total = hn::Zero(d);
    std::size_t l = 0;
    for (; l + lanes <= rows.width; l += lanes) {
      total = hn::Add(total, exp_vector(d, hn::Add(hn::LoadU(d, x + l), shift)));
    }
    if (const std::size_t left = rows.width - l; left > 0) {
      const auto terms = exp_vector(d, hn::Add(load_tail(d, x + l, left), shift));
      total = hn::Add(total, hn::IfThenElseZero(hn::FirstN(d, left), terms));
    }
    out[i] = hn::GetLane(hn::SumOfLanes(d, total));
  }
}

template <class Scalar>
void dot_rows_array(const Rows<const Scalar>& rows, const Scalar* y, Scalar* out) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Scalar* x = rows.data + i * rows.stride;
    auto even = hn::Zero(d), odd = hn::Zero(d);
    std::size_t l = 0;
    for (; l + 2 * lanes <= rows.width; l += 2 * lanes) {
      even = hn::MulAdd(hn::LoadU(d, x + l), hn::LoadU(d, y + l), even);
      odd = hn::MulAdd(hn::LoadU(d, x + l + lanes), hn::LoadU(d, y + l + lanes), odd);
    }
    for (; l < rows.width; l += lanes) {
      const std::size_t left = std::min(lanes, rows.width - l);
      even = hn::MulAdd(load_tail(d, x + l, left), load_tail(d, y + l, left), even);
    }
    out[i] = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  }
}

/// 0 times a finite value is 0, times any other NaN, which sums keep. Four sums, since one would wait for itself.
template <class Scalar>
bool all_finite_array(const Rows<const Scalar>& rows) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto zero = hn::Zero(d);
  auto s0 = zero, s1 = zero, s2 = zero, s3 = zero;
  for (std::size_t i = 0; i < rows.count; ++i) {
    const Scalar* x = rows.data + i * rows.stride;
    std::size_t l = 0;
    for (; l + 4 * lanes <= rows.width; l += 4 * lanes) {
      s0 = hn::MulAdd(hn::LoadU(d, x + l), zero, s0);
      s1 = hn::MulAdd(hn::LoadU(d, x + l + lanes), zero, s1);
      s2 = hn::MulAdd(hn::LoadU(d, x + l + 2 * lanes), zero, s2);
      s3 = hn::MulAdd(hn::LoadU(d, x + l + 3 * lanes), zero, s3);
    }
    for (; l + lanes <= rows.width; l += lanes) s0 = hn::MulAdd(hn::LoadU(d, x + l), zero, s0);
    if (l < rows.width) s1 = hn::MulAdd(load_tail(d, x + l, rows.width - l), zero, s1);
  }
  return hn::AllTrue(d, hn::Eq(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), zero));
}

/// Both at once: Highway's Sin and Cos reduce the argument once each. Without a fused multiply-add the reduction would
/// not be exact; there Highway's serve, which cut pi into more parts.
template <class D>
HWY_INLINE void reduced_sin_cos(D d, hn::Vec<D> x, hn::Vec<D>& sine, hn::Vec<D>& cosine) {
#if HWY_NATIVE_FMA
  using Constants = QuarterTurnConstants<Value<D>>;
  constexpr int kTopBit = 8 * sizeof(Value<D>) - 1;
  const hn::RebindToUnsigned<D> du;
  using Unsigned = hn::TFromD<decltype(du)>;
  const auto rounder = hn::Set(d, ExpConstants<Value<D>>::kRounder);
  const auto rounded = hn::MulAdd(x, hn::Set(d, static_cast<Value<D>>(0.63661977236758134308)), rounder);
  const auto n = hn::Sub(rounded, rounder);
  const auto quarter = hn::BitCast(du, rounded);
  auto r = x;
  for (const Value<D> part : Constants::kParts) r = hn::NegMulAdd(n, hn::Set(d, part), r);
  const auto r2 = hn::Mul(r, r), r4 = hn::Mul(r2, r2);
  const auto s = hn::MulAdd(polynomial(d, Constants::kSin, r2, r4), hn::Mul(r2, r), r);
  const auto c = hn::MulAdd(polynomial(d, Constants::kCos, r2, r4), r4,
                            hn::NegMulAdd(r2, hn::Set(d, Value<D>{0.5}), hn::Set(d, Value<D>{1})));
  // Each quarter of a turn takes (cos, sin) to (-sin, cos).
  const auto one = hn::Set(du, Unsigned{1});
  const auto top = hn::Set(du, Unsigned{1} << kTopBit);
  const auto odd = hn::RebindMask(d, hn::TestBit(quarter, one));
  const auto sine_sign = hn::And(hn::ShiftLeft<kTopBit - 1>(quarter), top);
  const auto cosine_sign = hn::And(hn::ShiftLeft<kTopBit - 1>(hn::Add(quarter, one)), top);
  sine = hn::Xor(hn::IfThenElse(odd, c, s), hn::BitCast(d, sine_sign));
  cosine = hn::Xor(hn::IfThenElse(odd, s, c), hn::BitCast(d, cosine_sign));
#else
  sine = hn::Sin(d, x);
  cosine = hn::Cos(d, x);
#endif
}

template <class D>
HWY_INLINE void sin_cos_vector(D d, hn::Vec<D> x, hn::Vec<D>& sine, hn::Vec<D>& cosine) {
  reduced_sin_cos(d, x, sine, cosine);
  const auto valid = hn::Le(hn::Abs(x), hn::Set(d, static_cast<Value<D>>(kSinCosContract<Value<D>>.highest)));
  if (HWY_UNLIKELY(!hn::AllTrue(d, valid))) {
    sine = repair(d, x, sine, valid, std::sin);
    cosine = repair(d, x, cosine, valid, std::cos);
  }
}

template <class Scalar>
void sin_cos_array(const Scalar* angles, Scalar* sin, Scalar* cos, std::size_t count) {
  const hn::ScalableTag<Scalar> d;
  const std::size_t lanes = hn::Lanes(d);
  hn::Vec<decltype(d)> sine, cosine;
  std::size_t i = 0;
  for (; i + lanes <= count; i += lanes) {
    sin_cos_vector(d, hn::LoadU(d, angles + i), sine, cosine);
    hn::StoreU(sine, d, sin + i);
    hn::StoreU(cosine, d, cos + i);
  }
  if (i < count) {
    sin_cos_vector(d, load_tail(d, angles + i, count - i), sine, cosine);
    store_tail(d, sine, sin + i, count - i);
    store_tail(d, cosine, cos + i, count - i);
  }
}

HWY_INLINE void box_muller_vector(double* uniforms) {
  const hn::ScalableTag<double> d;
  hn::Vec<decltype(d)> u1, u2, sine, cosine;
  hn::LoadInterleaved2(d, uniforms, u1, u2);
  const auto radius = hn::Sqrt(hn::Mul(hn::Set(d, -2.0), hn::Log(d, hn::Sub(hn::Set(d, 1.0), u1))));
  // Taking whole turns away is exact and halves the largest angle, and with it the largest rounding error.
  const auto turns = hn::Sub(u2, hn::Round(u2));
  reduced_sin_cos(d, hn::Mul(hn::Set(d, 6.283185307179586476925), turns), sine, cosine);
  hn::StoreInterleaved2(hn::Mul(radius, cosine), hn::Mul(radius, sine), d, uniforms);
}

template <class Scalar>
Functions<Scalar> all_functions() {
  return {exp_array<Scalar>,      max_sum_array<Scalar>,           max_rows_array<Scalar>,
          exp_rows_array<Scalar>, exp_below_largest_array<Scalar>, sum_exp_rows_array<Scalar>,
          dot_rows_array<Scalar>, sin_cos_array<Scalar>,           all_finite_array<Scalar>};
}

}  // namespace

Functions<float> float_functions() { return all_functions<float>(); }
Functions<double> double_functions() { return all_functions<double>(); }

void box_muller_array(double* uniforms, std::size_t pairs) {
  const hn::ScalableTag<double> d;
  const std::size_t lanes = hn::Lanes(d);
  std::size_t i = 0;
  for (; i + lanes <= pairs; i += lanes) box_muller_vector(uniforms + 2 * i);
  if (i < pairs) {
    HWY_ALIGN double buffer[2 * hn::MaxLanes(d)];
    std::fill(std::begin(buffer), std::end(buffer), 0.0);
    std::copy_n(uniforms + 2 * i, 2 * (pairs - i), buffer);
    box_muller_vector(buffer);
    std::copy_n(buffer, 2 * (pairs - i), uniforms + 2 * i);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace bochner::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner::simd {
namespace {

HWY_EXPORT(float_functions);
HWY_EXPORT(double_functions);
HWY_EXPORT(box_muller_array);

template <class Scalar>
Functions<Scalar> best() {
  if constexpr (std::is_same_v<Scalar, float>) {
    return HWY_DYNAMIC_DISPATCH(float_functions)();
  } else {
    return HWY_DYNAMIC_DISPATCH(double_functions)();
  }
}

void check_length(const char* function, const char* parameter, std::size_t got, std::size_t expected) {
  if (got == expected) return;
  throw std::invalid_argument(std::string(function) + ": " + parameter + " has " + std::to_string(got) +
                              " elements; expected " + std::to_string(expected));
}

std::size_t length(Index size) { return static_cast<std::size_t>(size); }

template <class Scalar>
Rows<const Scalar> rows_of(const MatrixView<Scalar>& X) {
  return {X.data(), length(X.outerStride()), length(X.rows()), length(X.cols())};
}

}  // namespace

template <class Scalar>
void exp(std::span<Scalar> values) {
  best<Scalar>().exp(values.data(), values.size());
}

template <class Scalar>
Scalar max_sum(std::span<const Scalar> a, std::span<const Scalar> b) {
  if (!b.empty()) check_length("max_sum", "b", b.size(), a.size());
  return best<Scalar>().max_sum(a.data(), b.empty() ? nullptr : b.data(), a.size());
}

template <class Scalar>
void max_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, const VectorView<Scalar>& column,
              MutableVectorView<Scalar> out) {
  check_length("max_rows", "row", length(row.size()), length(X.rows()));
  check_length("max_rows", "column", length(column.size()), length(X.cols()));
  check_length("max_rows", "out", length(out.size()), length(X.rows()));
  best<Scalar>().max_rows(rows_of<Scalar>(X), row.data(), column.data(), out.data());
}

template <class Scalar>
void exp_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, const VectorView<Scalar>& column,
              MutableMatrixView<Scalar> out) {
  check_length("exp_rows", "row", length(row.size()), length(X.rows()));
  check_length("exp_rows", "column", length(column.size()), length(X.cols()));
  check_length("exp_rows", "a column of out", length(out.rows()), length(X.rows()));
  check_length("exp_rows", "a row of out", length(out.cols()), length(X.cols()));
  best<Scalar>().exp_rows(rows_of<Scalar>(X), row.data(), column.data(),
                          {out.data(), length(out.outerStride()), length(out.rows()), length(out.cols())});
}

template <class Scalar>
void exp_below_largest(const MatrixView<Scalar>& X, const VectorView<Scalar>& column, MutableMatrixView<Scalar> out,
                       MutableVectorView<Scalar> largest) {
  check_length("exp_below_largest", "column", length(column.size()), length(X.cols()));
  check_length("exp_below_largest", "a column of out", length(out.rows()), length(X.rows()));
  check_length("exp_below_largest", "a row of out", length(out.cols()), length(X.cols()));
  check_length("exp_below_largest", "largest", length(largest.size()), length(X.rows()));
  best<Scalar>().exp_below_largest(rows_of<Scalar>(X), column.data(),
                                   {out.data(), length(out.outerStride()), length(out.rows()), length(out.cols())},
                                   largest.data());
}

template <class Scalar>
void sum_exp_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& row, MutableVectorView<Scalar> out) {
  check_length("sum_exp_rows", "row", length(row.size()), length(X.rows()));
  check_length("sum_exp_rows", "out", length(out.size()), length(X.rows()));
  best<Scalar>().sum_exp_rows(rows_of<Scalar>(X), row.data(), out.data());
}

template <class Scalar>
void dot_rows(const MatrixView<Scalar>& X, const VectorView<Scalar>& y, MutableVectorView<Scalar> out) {
  check_length("dot_rows", "y", length(y.size()), length(X.cols()));
  check_length("dot_rows", "out", length(out.size()), length(X.rows()));
  best<Scalar>().dot_rows(rows_of<Scalar>(X), y.data(), out.data());
}

template <class Scalar>
void sin_cos(std::span<const Scalar> angles, std::span<Scalar> sin, std::span<Scalar> cos) {
  check_length("sin_cos", "sin", sin.size(), angles.size());
  check_length("sin_cos", "cos", cos.size(), angles.size());
  best<Scalar>().sin_cos(angles.data(), sin.data(), cos.data(), angles.size());
}

template <class Scalar>
bool all_finite(const MatrixView<Scalar>& X) {
  Rows<const Scalar> rows = rows_of<Scalar>(X);
  if (rows.stride == rows.width) rows = {rows.data, 0, 1, rows.count * rows.width};
  return best<Scalar>().all_finite(rows);
}

void box_muller(std::span<double> uniforms) {
  if (uniforms.size() % 2 != 0) {
    throw std::invalid_argument("box_muller: uniforms has " + std::to_string(uniforms.size()) +
                                " elements; expected an even number");
  }
  HWY_DYNAMIC_DISPATCH(box_muller_array)(uniforms.data(), uniforms.size() / 2);
}

#define BOCHNER_INSTANTIATE(Scalar)                                                                                \
  template void exp(std::span<Scalar>);                                                                            \
  template Scalar max_sum(std::span<const Scalar>, std::span<const Scalar>);                                       \
  template void max_rows(const MatrixView<Scalar>&, const VectorView<Scalar>&, const VectorView<Scalar>&,          \
                         MutableVectorView<Scalar>);                                                               \
  template void exp_rows(const MatrixView<Scalar>&, const VectorView<Scalar>&, const VectorView<Scalar>&,          \
                         MutableMatrixView<Scalar>);                                                               \
  template void exp_below_largest(const MatrixView<Scalar>&, const VectorView<Scalar>&, MutableMatrixView<Scalar>, \
                                  MutableVectorView<Scalar>);                                                      \
  template void sum_exp_rows(const MatrixView<Scalar>&, const VectorView<Scalar>&, MutableVectorView<Scalar>);     \
  template void dot_rows(const MatrixView<Scalar>&, const VectorView<Scalar>&, MutableVectorView<Scalar>);         \
  template void sin_cos(std::span<const Scalar>, std::span<Scalar>, std::span<Scalar>);                            \
  template bool all_finite(const MatrixView<Scalar>&);
BOCHNER_INSTANTIATE(float)
BOCHNER_INSTANTIATE(double)
#undef BOCHNER_INSTANTIATE

}  // namespace bochner::simd
#endif  // HWY_ONCE
