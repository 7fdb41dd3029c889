#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace bochner {

/// The second half of a stream's name: what its numbers are for. Streams of different purposes never share a number,
/// so data made with seed s is independent of the frequencies drawn with seed s. The values are part of the format of
/// stored results and never change.
enum class Purpose : std::uint64_t { kFrequencies = 1, kTilt = 2, kData = 3, kBootstrap = 4, kPhases = 5 };

using PhiloxCounter = std::array<std::uint64_t, 4>;
using PhiloxKey = std::array<std::uint64_t, 2>;

inline constexpr std::uint64_t kPhiloxMultiplier0 = 0xD2E7470EE14C6C93, kPhiloxMultiplier1 = 0xCA5A826395121157;
inline constexpr std::uint64_t kPhiloxWeyl0 = 0x9E3779B97F4A7C15, kPhiloxWeyl1 = 0xBB67AE8584CAA73B;
inline constexpr int kPhiloxRounds = 10;

namespace detail {

__extension__ using Uint128 = unsigned __int128;

inline std::uint64_t high_word(Uint128 product) { return static_cast<std::uint64_t>(product >> 64); }
inline std::uint64_t low_word(Uint128 product) { return static_cast<std::uint64_t>(product); }

}  // namespace detail

/// Philox4x64-10: a keyed bijection of 256-bit counters whose values pass as independent random bits.
/// Takes a counter of 4 words and a key of 2 words, returns 4 words. Throws nothing.
/// Cost: 20 multiplications, about 12 ns. Integers only, so bit-identical on every machine; agrees with Random123's
/// known-answer vectors. Source: [Salmon11].
inline PhiloxCounter philox4x64(PhiloxCounter counter, PhiloxKey key) {
  for (int round = 0; round < kPhiloxRounds; ++round) {
    const detail::Uint128 product0 = detail::Uint128{kPhiloxMultiplier0} * counter[0];
    const detail::Uint128 product1 = detail::Uint128{kPhiloxMultiplier1} * counter[2];
    counter = {detail::high_word(product1) ^ counter[1] ^ key[0], detail::low_word(product1),
               detail::high_word(product0) ^ counter[3] ^ key[1], detail::low_word(product0)};
    key[0] += kPhiloxWeyl0;
    key[1] += kPhiloxWeyl1;
  }
  return counter;
}

/// The multiple of 2^-53 in [0, 1) that the highest 53 bits of a word make.
inline double unit_uniform(std::uint64_t word) { return static_cast<double>(word >> 11) * 0x1p-53; }

/// A counter-based random stream named by (seed, purpose, index, lane): number k of a stream is a pure function of its
/// name and k, never of other streams, threads or time. The words of block p are
/// philox4x64(counter = (p, index, lane, 0), key = (seed, purpose)), used in order.
/// The index is the trial; lanes are sub-streams of one trial (a block of rows, say). A value type of 88 bytes, cheap
/// to make and to copy; a copy continues on its own. Nothing throws but `below`.
/// Cost: about 3 ns a word. Integers and uniforms are bit-identical on every machine. Source: [Salmon11].
class Stream {
 public:
  Stream(std::uint64_t seed, Purpose purpose, std::uint64_t index, std::uint64_t lane = 0)
      : key_{seed, static_cast<std::uint64_t>(purpose)}, counter_{0, index, lane, 0} {}

  /// The sibling with the same (seed, purpose, index) and another lane, at its beginning.
  Stream lane(std::uint64_t lane) const { return Stream(key_[0], static_cast<Purpose>(key_[1]), counter_[1], lane); }

  /// The one with the same (seed, index) and lane 0 for another purpose, at its beginning.
  Stream purpose(Purpose purpose) const { return Stream(key_[0], purpose, counter_[1]); }

  /// The next 64 random bits.
  std::uint64_t next() {
    if (used_ == block_.size()) refill();
    return block_[used_++];
  }

  /// Uniform on the multiples of 2^-53 in [0, 1); so 1 - uniform() lies in (0, 1], exactly. Uses one word.
  double uniform() { return unit_uniform(next()); }

  /// The next values.size() numbers of `uniform`, the same bits. Cost: about 2 ns a number in long runs.
  void fill_uniform(std::span<double> values);

  /// Uniform integer in [0, n), without bias. Throws std::invalid_argument when n = 0.
  /// Uses one word, or with probability below n / 2^64 more. Source: [Lemire19, Algorithm 5].
  std::uint64_t below(std::uint64_t n);

 private:
  void refill() {
    block_ = philox4x64(counter_, key_);
    ++counter_[0];
    used_ = 0;
  }

  PhiloxKey key_;
  PhiloxCounter counter_;  // of the next block
  PhiloxCounter block_{};
  std::size_t used_ = 4;  // words of block_ that were handed out
};

}  // namespace bochner
