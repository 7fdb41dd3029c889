#include "experiments/trials.h"

#include "core/check.h"

#include <algorithm>
#include <atomic>
#include <sstream>
#include <stdexcept>
#include <string>

namespace bochner {
namespace {

constexpr Index kMostBlocks = 128;
constexpr Index kShortestBlock = 16;

/// How many pieces of `length` make `count` >= 1, the last one possibly shorter; for any count, without overflow.
Index pieces(Index count, Index length) { return (count - 1) / length + 1; }

}  // namespace

Index block_length(Index trials) {
  require_at_least(trials, 1, "block_length", "trials");
  Index length = kShortestBlock;
  while (pieces(trials, length) > kMostBlocks) length *= 2;
  return length;
}

Index block_count(Index trials) { return pieces(trials, block_length(trials)); }

Index shard_blocks(Index trials, const Shard& shard, const char* function) {
  const Index length = block_length(trials);
  const bool inside = 0 <= shard.begin && shard.begin < shard.end && shard.end <= trials;
  const bool aligned = shard.begin % length == 0 && (shard.end % length == 0 || shard.end == trials);
  if (!inside || !aligned) {
    std::ostringstream text;
    text << function << ": the shard is [" << shard.begin << ", " << shard.end << ") of " << trials
         << " trials; expected 0 <= begin < end <= " << trials << ", both multiples of the block length " << length
         << " (end may be " << trials << ")";
    throw std::invalid_argument(text.str());
  }
  return pieces(shard.end - shard.begin, length);
}

void stoppable_for(Index count, const Execution& execution, const char* function,
                   const std::function<void(Index index, const std::function<void()>& check)>& body) {
  std::atomic<bool> stopped = false;
  Execution watched = execution;
  if (execution.progress) {
    watched.progress = [&](Index done, Index total) {
      try {
        stopped = !execution.progress(done, total);
      } catch (...) {
        stopped = true;
        throw;
      }
      return !stopped;
    };
  }
  const std::function<void()> check = [&] {
    if (stopped) throw Interrupted(std::string(function) + ": stopped by the progress callback");
  };
  parallel_for(count, watched, [&](Index index) { body(index, check); });
}

void for_trials(Index trials, const Shard& shard, const Execution& execution, const char* function,
                const std::function<void(Index block, Index trial)>& body) {
  const Index blocks = shard_blocks(trials, shard, function);
  const Index length = block_length(trials);
  stoppable_for(blocks, execution, function, [&](Index block, const std::function<void()>& check) {
    const Index first = shard.begin + block * length;
    const Index last = std::min(first + length, shard.end);
    for (Index trial = first; trial < last; ++trial) {
      check();
      body(block, trial);
    }
  });
}

}  // namespace bochner
