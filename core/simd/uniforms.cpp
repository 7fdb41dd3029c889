#include "core/simd/uniforms.h"

#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>

// Structures of vectors, which the sizeless vectors of these instruction sets do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "core/simd/uniforms.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bochner::simd {
namespace HWY_NAMESPACE {
namespace {

// In narrow registers this is slower than the processor's own product of words.
#if HWY_CAP_GE256
namespace hn = hwy::HWY_NAMESPACE;
using Tag = hn::ScalableTag<std::uint64_t>;
using Words = hn::Vec<Tag>;

/// Both words of x * multiplier, from products of halves: no instruction set has the high word in vectors.
HWY_INLINE void multiply_wide(Words x, std::uint64_t multiplier, Words& high, Words& low) {
  const Tag tag;
  const hn::Repartition<std::uint32_t, Tag> halves;
  const auto product = [&](Words a, Words b)
                           HWY_ATTR { return hn::MulEven(hn::BitCast(halves, a), hn::BitCast(halves, b)); };
  const Words mask = hn::Set(tag, 0xFFFFFFFF), m_low = hn::Set(tag, multiplier), m_high = hn::ShiftRight<32>(m_low);
  const Words x_high = hn::ShiftRight<32>(x);
  const Words low_low = product(x, m_low);
  const Words middle = hn::Add(product(x_high, m_low), hn::ShiftRight<32>(low_low));
  const Words other_middle = hn::Add(product(x, m_high), hn::And(middle, mask));
  high = hn::Add(hn::Add(product(x_high, m_high), hn::ShiftRight<32>(middle)), hn::ShiftRight<32>(other_middle));
  low = hn::Or(hn::ShiftLeft<32>(other_middle), hn::And(low_low, mask));
}

/// Lanes blocks on their way, word by word.
struct Blocks {
  Words word0, word1, word2, word3;

  HWY_INLINE void round(Words key0, Words key1) {
    Words high0, low0, high1, low1;
    multiply_wide(word0, kPhiloxMultiplier0, high0, low0);
    multiply_wide(word2, kPhiloxMultiplier1, high1, low1);
    word0 = hn::Xor(hn::Xor(high1, word1), key0);
    word1 = low1;
    word2 = hn::Xor(hn::Xor(high0, word3), key1);
    word3 = low0;
  }

  HWY_INLINE void store(double* uniforms) const {
    const hn::RebindToFloat<Tag> tag;
    const hn::RebindToSigned<Tag> integers;
    const auto uniform = [&](Words word) HWY_ATTR {
      // Below 2^53, so that the sign does not matter.
      return hn::Mul(hn::ConvertTo(tag, hn::BitCast(integers, hn::ShiftRight<11>(word))), hn::Set(tag, 0x1p-53));
    };
    hn::StoreInterleaved4(uniform(word0), uniform(word1), uniform(word2), uniform(word3), tag, uniforms);
  }
};

/// Fills as many of the uniforms as whole registers make; returns how many.
std::size_t fill(PhiloxCounter counter, const PhiloxKey& key, double* uniforms, std::size_t count) {
  const Tag tag;
  const std::size_t lanes = hn::Lanes(tag), step = 8 * lanes;
  std::size_t i = 0;
  for (; i + step <= count; i += step, counter[0] += 2 * lanes) {
    // Two registers of blocks, since each round waits for the one before it.
    Blocks first{hn::Iota(tag, counter[0]), hn::Set(tag, counter[1]), hn::Set(tag, counter[2]),
                 hn::Set(tag, counter[3])};
    Blocks second = first;
    second.word0 = hn::Iota(tag, counter[0] + lanes);
    Words key0 = hn::Set(tag, key[0]), key1 = hn::Set(tag, key[1]);
    for (int round = 0; round < kPhiloxRounds; ++round) {
      first.round(key0, key1);
      second.round(key0, key1);
      key0 = hn::Add(key0, hn::Set(tag, kPhiloxWeyl0));
      key1 = hn::Add(key1, hn::Set(tag, kPhiloxWeyl1));
    }
    first.store(uniforms + i);
    second.store(uniforms + i + 4 * lanes);
  }
  return i;
}
#else
std::size_t fill(const PhiloxCounter&, const PhiloxKey&, double*, std::size_t) { return 0; }
#endif

}  // namespace

std::size_t fill_target(const PhiloxCounter& counter, const PhiloxKey& key, double* uniforms, std::size_t count) {
  return fill(counter, key, uniforms, count);
}

}  // namespace HWY_NAMESPACE
}  // namespace bochner::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner::simd {
namespace {

HWY_EXPORT(fill_target);

}  // namespace

void philox_uniforms(PhiloxCounter counter, PhiloxKey key, std::span<double> uniforms) {
  if (uniforms.size() % counter.size() != 0) {
    throw std::invalid_argument("philox_uniforms: uniforms has " + std::to_string(uniforms.size()) +
                                " elements; expected a multiple of 4");
  }
  std::size_t i = HWY_DYNAMIC_DISPATCH(fill_target)(counter, key, uniforms.data(), uniforms.size());
  counter[0] += i / counter.size();
  for (; i < uniforms.size(); ++counter[0]) {
    for (const std::uint64_t word : philox4x64(counter, key)) uniforms[i++] = unit_uniform(word);
  }
}

}  // namespace bochner::simd
#endif  // HWY_ONCE
