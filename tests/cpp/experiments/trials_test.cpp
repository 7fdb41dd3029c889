#include "experiments/trials.h"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <thread>
#include <vector>

#include "pairs.h"

namespace bochner {
namespace {

TEST(Trials, BlockLengthIsTheSmallestPowerOfTwoThatGivesAtMost128Blocks) {
  constexpr Index kLargest = std::numeric_limits<Index>::max();
  for (const Index trials : std::initializer_list<Index>{1, 15, 16, 17, 2047, 2048, 2049, 10000, 131072, 131073,
                                                         1000000, kLargest - 1, kLargest}) {
    const Index length = block_length(trials);
    EXPECT_EQ(length & (length - 1), 0);
    EXPECT_GE(length, 16);
    EXPECT_LE(block_count(trials), 128);
    EXPECT_TRUE(length == 16 || length / 2 * 128 < trials) << trials;
  }
  EXPECT_EQ(block_length(2048), 16);
  EXPECT_EQ(block_length(2049), 32);
  EXPECT_THROW(block_length(0), std::invalid_argument);
}

TEST(Trials, ShardOffTheBlocksIsRefusedWithAllNumbers) {
  for (const Shard shard : {Shard{8, 64}, Shard{0, 40}, Shard{64, 64}, Shard{64, 32}, Shard{0, 1600}, Shard{-16, 32}}) {
    EXPECT_THROW(shard_blocks(1000, shard, "test"), std::invalid_argument) << shard.begin << " " << shard.end;
  }
  const auto message = message_of<std::invalid_argument>([] { shard_blocks(1000, {8, 64}, "test"); });
  EXPECT_PRED2(contains, message, "test: the shard is [8, 64) of 1000 trials");
  EXPECT_PRED2(contains, message, "multiples of the block length 16");
  EXPECT_EQ(shard_blocks(1000, {992, 1000}, "test"), 1);
  EXPECT_EQ(shard_blocks(1000, {16, 1000}, "test"), 62);
}

TEST(Trials, EveryTrialRunsOnceInOrderWithinItsBlock) {
  std::vector<std::vector<Index>> seen(5);
  for_trials(1000, {928, 1000}, {2, {}}, "test",
             [&](Index block, Index trial) { seen[static_cast<std::size_t>(block)].push_back(trial); });
  Index next = 928;
  for (const auto& block : seen) {
    for (const Index trial : block) EXPECT_EQ(trial, next++);
  }
  EXPECT_EQ(next, 1000);
  EXPECT_EQ(seen[4].size(), 8U);
}

TEST(Trials, StopTakesEffectWithinABlock) {
  std::atomic<bool> stopped = false;
  const Execution execution{1, [&](Index, Index) {
                              stopped = true;
                              return false;
                            }};
  // One block that never ends by itself before the stop: without a look at it the loop would run 2^20 naps.
  std::atomic<Index> after = 0;
  EXPECT_THROW(for_trials(Index{1} << 27, {0, Index{1} << 20}, execution, "test",
                          [&](Index, Index) {
                            std::this_thread::sleep_for(std::chrono::milliseconds(1));
                            if (stopped) ++after;
                          }),
               Interrupted);
  EXPECT_LE(after, 2);
}

}  // namespace
}  // namespace bochner
