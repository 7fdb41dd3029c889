#include "experiments/pointwise_blocks.h"

#include <array>
#include <cmath>
#include <sstream>
#include <stdexcept>
#include <string>

namespace bochner {
namespace {

constexpr double kFormat = 1;
constexpr std::size_t kFixedNumbers = 8;  // format, trials, begin, end, seed (two halves), points, |m|
constexpr std::size_t kStateNumbers = 5;
constexpr double kHalfWord = 0x1p32;

[[noreturn]] void throw_malformed(const std::string& what) {
  throw std::invalid_argument(std::string("PointwiseBlocks::from_numbers: ") + what);
}

/// A count that a double holds exactly.
Index count_from(double number, const char* name) {
  if (!(number >= 0 && number <= 0x1p53 && number == std::floor(number))) {
    std::ostringstream text;
    text << name << " is " << number << "; expected a whole number >= 0";
    throw_malformed(text.str());
  }
  return static_cast<Index>(number);
}

Moments moments_from(const double* numbers) {
  std::array<double, kStateNumbers> state{};
  std::copy(numbers, numbers + kStateNumbers, state.begin());
  return Moments::from_state(state);
}

std::string describe(const PointwiseBlocks& blocks) {
  std::ostringstream text;
  text << "trials [" << blocks.shard.begin << ", " << blocks.shard.end << ") of " << blocks.trials << ", seed "
       << blocks.seed << ", " << blocks.points << " points, m = (";
  for (std::size_t k = 0; k < blocks.m.size(); ++k) text << (k ? ", " : "") << blocks.m[k];
  text << ")";
  return text.str();
}

bool same_run(const PointwiseBlocks& a, const PointwiseBlocks& b) {
  return a.trials == b.trials && a.seed == b.seed && a.points == b.points && a.m == b.m;
}

}  // namespace

void CellMoments::add(double log_weight, double scaled_error) {
  if (log_weight == 0) {
    error.add(scaled_error);
    square.add(scaled_error * scaled_error);
    return;
  }
  // The root of the weight meets the error before it is squared: each alone may leave the range.
  const double root = std::exp(log_weight / 2);
  const double half_weighted = root * scaled_error;
  error.add(root * half_weighted);
  square.add(half_weighted * half_weighted);
}

void CellMoments::merge(const CellMoments& other) {
  error.merge(other.error);
  square.merge(other.square);
}

std::vector<CellMoments> PointwiseBlocks::merged() const {
  const auto count = static_cast<std::size_t>(cells());
  std::vector<CellMoments> result(count);
  for (std::size_t i = 0; i < moments.size(); ++i) result[i % count].merge(moments[i]);
  return result;
}

std::vector<double> PointwiseBlocks::to_numbers() const {
  std::vector<double> numbers{kFormat,
                              static_cast<double>(trials),
                              static_cast<double>(shard.begin),
                              static_cast<double>(shard.end),
                              static_cast<double>(seed >> 32),
                              static_cast<double>(seed & 0xFFFFFFFF),
                              static_cast<double>(points),
                              static_cast<double>(m.size())};
  numbers.reserve(kFixedNumbers + m.size() + 2 * kStateNumbers * moments.size());
  for (const Index size : m) numbers.push_back(static_cast<double>(size));
  for (const CellMoments& cell : moments) {
    for (const Moments* part : {&cell.error, &cell.square}) {
      const auto state = part->state();
      numbers.insert(numbers.end(), state.begin(), state.end());
    }
  }
  return numbers;
}

PointwiseBlocks PointwiseBlocks::from_numbers(std::span<const double> numbers) {
  if (numbers.size() < kFixedNumbers || numbers[0] != kFormat) {
    throw_malformed("the numbers do not begin with a description of format 1");
  }
  PointwiseBlocks blocks;
  blocks.trials = count_from(numbers[1], "trials");
  blocks.shard = {count_from(numbers[2], "begin"), count_from(numbers[3], "end")};
  blocks.seed = static_cast<std::uint64_t>(count_from(numbers[4], "seed")) << 32 |
                static_cast<std::uint64_t>(count_from(numbers[5], "seed"));
  blocks.points = count_from(numbers[6], "points");
  const auto sizes = static_cast<std::size_t>(count_from(numbers[7], "the number of m"));
  if (numbers[4] >= kHalfWord || numbers[5] >= kHalfWord) throw_malformed("half of a seed is beyond 32 bits");
  if (sizes > numbers.size() - kFixedNumbers) throw_malformed("the numbers end within m");
  for (std::size_t k = 0; k < sizes; ++k) blocks.m.push_back(count_from(numbers[kFixedNumbers + k], "m"));

  const std::span<const double> states = numbers.subspan(kFixedNumbers + sizes);
  const double expected =
      static_cast<double>(shard_blocks(blocks.trials, blocks.shard, "PointwiseBlocks::from_numbers")) *
      static_cast<double>(blocks.points) * static_cast<double>(sizes) * 2.0 * kStateNumbers;
  if (static_cast<double>(states.size()) != expected) {
    std::ostringstream text;
    text << states.size() << " numbers follow the description of " << describe(blocks) << "; expected " << expected;
    throw_malformed(text.str());
  }
  for (std::size_t i = 0; i < states.size(); i += 2 * kStateNumbers) {
    blocks.moments.push_back({moments_from(&states[i]), moments_from(&states[i + kStateNumbers])});
  }
  return blocks;
}

PointwiseBlocks join(std::span<const PointwiseBlocks> shards) {
  if (shards.empty()) throw std::invalid_argument("join: no shards were given; expected at least 1");
  PointwiseBlocks whole = shards.front();
  for (const PointwiseBlocks& next : shards.subspan(1)) {
    if (!same_run(whole, next)) {
      throw std::invalid_argument(std::string("join: shards are of different runs: ") + describe(whole) + " and " +
                                  describe(next));
    }
    if (next.shard.begin != whole.shard.end) {
      const char* fault = next.shard.begin < whole.shard.end ? "overlap" : "leave a gap";
      throw std::invalid_argument(std::string("join: shards ") + fault + ": " + describe(whole) + " and " +
                                  describe(next) + "; expected each to begin where the last one ended");
    }
    whole.shard.end = next.shard.end;
    whole.moments.insert(whole.moments.end(), next.moments.begin(), next.moments.end());
  }
  return whole;
}

}  // namespace bochner
