#include "core/simd/hadamard.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "core/check.h"

// The parts of a row are arrays of vectors, which the sizeless vectors of these instruction sets do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/hadamard.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

#ifndef BOCHNER_SIMD_HADAMARD_ONCE
#define BOCHNER_SIMD_HADAMARD_ONCE
namespace bochner::simd {
namespace {

/// The arguments of a chain as the kernels see them; without diagonals it is `transforms` plain transforms.
template <class Scalar>
struct Chain {
  const Scalar* in;
  std::size_t in_stride;
  Scalar* out;
  std::size_t out_stride;
  std::size_t rows, size;
  const Scalar* diagonals;
  std::size_t diagonal_stride, transforms;
};

}  // namespace
}  // namespace bochner::simd
#endif

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class Scalar>
constexpr std::size_t kLanes = hn::MaxLanes(hn::ScalableTag<Scalar>());

/// Vectors that a part of a row may take in registers: half of 32 registers of 64 bytes, half of 16 of others, so that
/// the differences of a butterfly and the signs have room.
template <class Scalar>
constexpr std::size_t kMostVectors = kLanes<Scalar> * sizeof(Scalar) == 64 ? 16 : 8;

#if HWY_TARGET == HWY_SCALAR
template <std::size_t kDistance, class D, std::size_t kVectors>
void transform_lanes(D, hn::Vec<D> (&)[kVectors]) {}
#else

/// The lanes of v in which the distance's bit is 0 exchanged with those in which it is 1.
template <std::size_t kDistance, class D>
HWY_INLINE hn::Vec<D> exchanged(D d, hn::Vec<D> v) {
  constexpr std::size_t kBytes = kDistance * sizeof(hn::TFromD<D>);
  if constexpr (2 * kDistance == hn::MaxLanes(D()) && kBytes >= 16) {
    return hn::ConcatLowerUpper(d, v, v);
  } else if constexpr (kBytes == 16) {
    return hn::SwapAdjacentBlocks(v);
  } else if constexpr (kDistance == 1) {
    return hn::Reverse2(d, v);
  } else {
    return hn::Shuffle1032(v);
  }
}

/// The transform of the lanes of every vector, from kDistance on. A lane whose bit is 1 becomes its partner minus
/// itself, which a fused multiply-add by -1 does exactly.
template <std::size_t kDistance, class D, std::size_t kVectors>
HWY_INLINE void transform_lanes(D d, hn::Vec<D> (&v)[kVectors]) {
  if constexpr (kDistance < hn::MaxLanes(D())) {
    using Scalar = hn::TFromD<D>;
    const hn::RebindToUnsigned<D> du;
    using Unsigned = hn::TFromD<decltype(du)>;
    const auto upper = hn::TestBit(hn::Iota(du, 0), hn::Set(du, Unsigned{kDistance}));
    const auto sign = hn::IfThenElse(hn::RebindMask(d, upper), hn::Set(d, Scalar{-1}), hn::Set(d, Scalar{1}));
    HWY_UNROLL(16)
    for (std::size_t i = 0; i < kVectors; ++i) v[i] = hn::MulAdd(v[i], sign, exchanged<kDistance>(d, v[i]));
    transform_lanes<2 * kDistance>(d, v);
  }
}

#endif

/// The transform across every kSpan vectors, from kDistance on.
template <std::size_t kDistance, std::size_t kSpan, class V, std::size_t kVectors>
HWY_INLINE void transform_across(V (&v)[kVectors]) {
  if constexpr (kDistance < kSpan) {
    HWY_UNROLL(16)
    for (std::size_t i = 0; i < kVectors; ++i) {
      if ((i & kDistance) != 0) continue;
      const V sum = hn::Add(v[i], v[i + kDistance]);
      v[i + kDistance] = hn::Sub(v[i], v[i + kDistance]);
      v[i] = sum;
    }
    transform_across<2 * kDistance, kSpan>(v);
  }
}

template <class D, std::size_t kVectors>
HWY_INLINE void load(D d, const hn::TFromD<D>* from, std::size_t step, hn::Vec<D> (&v)[kVectors]) {
  HWY_UNROLL(16)
  for (std::size_t i = 0; i < kVectors; ++i) v[i] = hn::LoadU(d, from + i * step);
}

template <class D, std::size_t kVectors>
HWY_INLINE void store(D d, hn::Vec<D> (&v)[kVectors], hn::TFromD<D>* to, std::size_t step) {
  HWY_UNROLL(16)
  for (std::size_t i = 0; i < kVectors; ++i) hn::StoreU(v[i], d, to + i * step);
}

/// v times a diagonal of kSpan vectors, which every kSpan of them have.
template <std::size_t kSpan, class D, std::size_t kVectors>
HWY_INLINE void scale(D d, const hn::TFromD<D>* by, std::size_t step, hn::Vec<D> (&v)[kVectors]) {
  HWY_UNROLL(16)
  for (std::size_t i = 0; i < kVectors; ++i) v[i] = hn::Mul(v[i], hn::LoadU(d, by + i % kSpan * step));
}

/// The whole chain of kRows rows of exactly kVectors vectors in registers.
template <bool kScaled, std::size_t kRows, std::size_t kVectors, class D>
HWY_INLINE void rows_in_registers(D d, const Chain<hn::TFromD<D>>& c, std::size_t row) {
  constexpr std::size_t kStep = hn::MaxLanes(D());
  hn::Vec<D> v[kRows * kVectors];
  HWY_UNROLL(16)
  for (std::size_t i = 0; i < kRows * kVectors; ++i) {
    v[i] = hn::LoadU(d, c.in + (row + i / kVectors) * c.in_stride + i % kVectors * kStep);
  }
  if constexpr (kScaled) scale<kVectors>(d, c.diagonals, kStep, v);
  for (std::size_t t = 1; t <= c.transforms; ++t) {
    transform_lanes<1>(d, v);
    transform_across<1, kVectors>(v);
    if constexpr (kScaled) scale<kVectors>(d, c.diagonals + t * c.diagonal_stride, kStep, v);
  }
  HWY_UNROLL(16)
  for (std::size_t i = 0; i < kRows * kVectors; ++i) {
    hn::StoreU(v[i], d, c.out + (row + i / kVectors) * c.out_stride + i % kVectors * kStep);
  }
}

/// Rows of exactly kVectors vectors, as many together as keep the units busy while one waits for itself.
template <bool kScaled, std::size_t kVectors, class D>
void chain_in_registers(D d, const Chain<hn::TFromD<D>>& c) {
  constexpr std::size_t kTogether = kMostVectors<hn::TFromD<D>> / 2 / kVectors;
  std::size_t row = 0;
  if constexpr (kTogether > 1) {
    for (; row + kTogether <= c.rows; row += kTogether) rows_in_registers<kScaled, kTogether, kVectors>(d, c, row);
  }
  for (; row < c.rows; ++row) rows_in_registers<kScaled, 1, kVectors>(d, c, row);
}

/// The butterflies across kRadix parts of `part` elements, each transformed already.
template <bool kScaled, std::size_t kRadix, class Scalar>
HWY_NOINLINE void combine(Scalar* x, std::size_t part, const Scalar* after) {
  const hn::ScalableTag<Scalar> d;
  for (std::size_t j = 0; j < part; j += kLanes<Scalar>) {
    hn::Vec<decltype(d)> v[kRadix];
    load(d, x + j, part, v);
    transform_across<1, kRadix>(v);
    if constexpr (kScaled) scale<kRadix>(d, after + j, part, v);
    store(d, v, x + j, part);
  }
}

template <bool kScaled, class Scalar>
HWY_INLINE void combine(Scalar* x, std::size_t part, std::size_t radix, const Scalar* after) {
  switch (radix) {
    case 2:
      return combine<kScaled, 2>(x, part, after);
    case 4:
      return combine<kScaled, 4>(x, part, after);
    default:
      return combine<kScaled, 8>(x, part, after);
  }
}

/// Into how many parts, 2, 4 or 8, a row too long for the registers is cut: all cuts down to registers are about equal.
template <class Scalar>
std::size_t radix_of(std::size_t size) {
  constexpr std::size_t kWhole = kMostVectors<Scalar> * kLanes<Scalar>;
  // Rows as long as these put the lines of all parts into few sets of a cache, which holds 8 of a set.
  constexpr std::size_t kMostStages = 3;
  std::size_t stages = 0;
  while (kWhole << stages < size) ++stages;
  const std::size_t cuts = (stages + kMostStages - 1) / kMostStages;
  return std::size_t{1} << (stages + cuts - 1) / cuts;
}

/// out = H (before * in), the first diagonal where kScaled.
template <bool kScaled, class Scalar>
void transform(const Scalar* in, const Scalar* before, Scalar* out, std::size_t size) {
  constexpr std::size_t kWhole = kMostVectors<Scalar> * kLanes<Scalar>;
  if (size > kWhole) {
    const std::size_t radix = radix_of<Scalar>(size);
    const std::size_t part = size / radix;
    for (std::size_t first = 0; first < size; first += part) {
      transform<kScaled>(in + first, before + (kScaled ? first : 0), out + first, part);
    }
    combine<false>(out, part, radix, out);
  } else {
    const hn::ScalableTag<Scalar> d;
    hn::Vec<decltype(d)> v[kMostVectors<Scalar>];
    load(d, in, kLanes<Scalar>, v);
    if constexpr (kScaled) scale<kMostVectors<Scalar>>(d, before, kLanes<Scalar>, v);
    transform_lanes<1>(d, v);
    transform_across<1, kMostVectors<Scalar>>(v);
    store(d, v, out, kLanes<Scalar>);
  }
}

/// Rows longer than the registers. The last butterflies of a transform multiply by the diagonal behind it.
template <bool kScaled, class Scalar>
void chain_in_memory(const Chain<Scalar>& c) {
  const std::size_t radix = radix_of<Scalar>(c.size);
  const std::size_t part = c.size / radix;
  for (std::size_t row = 0; row < c.rows; ++row) {
    Scalar* out = c.out + row * c.out_stride;
    for (std::size_t t = 1; t <= c.transforms; ++t) {
      const Scalar* in = t == 1 ? c.in + row * c.in_stride : out;
      for (std::size_t first = 0; first < c.size; first += part) {
        if (kScaled && t == 1) {
          transform<kScaled>(in + first, c.diagonals + first, out + first, part);
        } else {
          transform<false>(in + first, in, out + first, part);
        }
      }
      combine<kScaled>(out, part, radix, c.diagonals + t * c.diagonal_stride);
    }
  }
}

/// The kernel for the size of the rows, which is kSize or more.
template <bool kScaled, std::size_t kSize, class Scalar>
void chain_of_size(const Chain<Scalar>& c) {
  constexpr std::size_t kWhole = kMostVectors<Scalar> * kLanes<Scalar>;
  if (c.size == kSize) {
    constexpr std::size_t kWidth = kSize < kLanes<Scalar> ? kSize : kLanes<Scalar>;
    chain_in_registers<kScaled, kSize / kWidth>(hn::CappedTag<Scalar, kWidth>(), c);
  } else if constexpr (kSize < kWhole) {
    chain_of_size<kScaled, 2 * kSize>(c);
  } else {
    chain_in_memory<kScaled>(c);
  }
}

template <class Scalar>
void chain_array(const Chain<Scalar>& c) {
  if (c.diagonals != nullptr) {
    chain_of_size<true, 1>(c);
  } else {
    chain_of_size<false, 1>(c);
  }
}

}  // namespace

void chain_float(const Chain<float>& c) { chain_array(c); }
void chain_double(const Chain<double>& c) { chain_array(c); }

}  // namespace HWY_NAMESPACE
}  // namespace bochner::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner::simd {
namespace {

HWY_EXPORT(chain_float);
HWY_EXPORT(chain_double);

std::size_t size_of(Index value) { return static_cast<std::size_t>(value); }

void require_power_of_two(Index columns, const char* function, const char* parameter) {
  if (columns >= 1 && columns <= kLongestHadamard && (columns & (columns - 1)) == 0) return;
  throw std::invalid_argument(std::string(function) + ": " + parameter + " has " + std::to_string(columns) +
                              " columns; expected a power of two of at most " + std::to_string(kLongestHadamard));
}

template <class Scalar>
void run(const Chain<Scalar>& chain) {
  if constexpr (std::is_same_v<Scalar, float>) {
    HWY_DYNAMIC_DISPATCH(chain_float)(chain);
  } else {
    HWY_DYNAMIC_DISPATCH(chain_double)(chain);
  }
}

}  // namespace

template <class Scalar>
void hadamard(MutableMatrixView<Scalar> X) {
  require_power_of_two(X.cols(), "hadamard", "X");
  const std::size_t stride = size_of(X.outerStride());
  run<Scalar>({X.data(), stride, X.data(), stride, size_of(X.rows()), size_of(X.cols()), nullptr, 0, 1});
}

template <class Scalar>
void hadamard_chain(const MatrixView<Scalar>& X, const MatrixView<Scalar>& diagonals, MutableMatrixView<Scalar> out) {
  require_power_of_two(X.cols(), "hadamard_chain", "X");
  require_at_least(diagonals.rows(), 2, "hadamard_chain", "diagonals.rows");
  require_columns(diagonals.cols(), X.cols(), "hadamard_chain", "diagonals");
  require_same_shape(out, X, "hadamard_chain", "out", "X");
  run<Scalar>({X.data(), size_of(X.outerStride()), out.data(), size_of(out.outerStride()), size_of(X.rows()),
               size_of(X.cols()), diagonals.data(), size_of(diagonals.outerStride()), size_of(diagonals.rows() - 1)});
}

#define BOCHNER_INSTANTIATE(Scalar)                  \
  template void hadamard(MutableMatrixView<Scalar>); \
  template void hadamard_chain(const MatrixView<Scalar>&, const MatrixView<Scalar>&, MutableMatrixView<Scalar>);
BOCHNER_INSTANTIATE(float)
BOCHNER_INSTANTIATE(double)
#undef BOCHNER_INSTANTIATE

}  // namespace bochner::simd
#endif  // HWY_ONCE
