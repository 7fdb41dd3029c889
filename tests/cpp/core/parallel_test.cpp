#include "core/parallel.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace bochner {
namespace {

using std::chrono::milliseconds;

bool go_on(Index, Index) { return true; }

Execution with_threads(int threads, std::function<bool(Index, Index)> progress = {}) {
  return {.threads = threads, .progress = std::move(progress)};
}

// Counts the bodies that run, so that a test sees any left behind after the loop.
class Running {
 public:
  explicit Running(std::atomic<int>& count) : count_(count) { ++count_; }
  Running(const Running&) = delete;
  Running& operator=(const Running&) = delete;
  ~Running() { --count_; }

 private:
  std::atomic<int>& count_;
};

TEST(ParallelFor, CallsEachIndexOnce) {
  for (const int threads : {1, 2, 3, 8}) {
    for (const Index count : {0, 1, 2, 3, 255, 1000}) {
      for (const bool reports : {false, true}) {
        std::vector<int> calls(static_cast<std::size_t>(count));
        parallel_for(count, reports ? with_threads(threads, go_on) : with_threads(threads),
                     [&](Index i) { ++calls[static_cast<std::size_t>(i)]; });
        EXPECT_EQ(calls, std::vector<int>(calls.size(), 1)) << threads << " threads, count " << count;
      }
    }
  }
}

TEST(ParallelFor, OneThreadWithoutProgressStaysOnTheCallingThreadInOrder) {
  const std::thread::id caller = std::this_thread::get_id();
  std::vector<Index> order;
  parallel_for(5, with_threads(1), [&](Index i) {
    EXPECT_EQ(std::this_thread::get_id(), caller) << i;
    order.push_back(i);
  });
  EXPECT_EQ(order, (std::vector<Index>{0, 1, 2, 3, 4}));
}

TEST(ParallelFor, ProgressIsCalledOnTheCallingThreadEvenDuringOneLongBody) {
  const std::thread::id caller = std::this_thread::get_id();
  for (const int threads : {1, 2}) {
    std::vector<Index> reports;
    const auto progress = [&](Index done, Index total) {
      EXPECT_EQ(std::this_thread::get_id(), caller);
      EXPECT_EQ(total, 2);
      reports.push_back(done);
      return true;
    };
    parallel_for(2, with_threads(threads, progress), [&](Index i) {
      EXPECT_NE(std::this_thread::get_id(), caller);
      if (i == 0) std::this_thread::sleep_for(milliseconds(400));
    });
    EXPECT_GE(reports.size(), 3U);
    EXPECT_TRUE(std::is_sorted(reports.begin(), reports.end()));
    EXPECT_EQ(reports.back(), 2);
  }
}

TEST(ParallelFor, AShortLoopDoesNotWaitForTheNextReport) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 100; ++i) parallel_for(2, with_threads(2, go_on), [](Index) {});
  EXPECT_LT(std::chrono::steady_clock::now() - start, milliseconds(2500)) << "100 loops with a pause of 50 ms take 5 s";
}

TEST(ParallelFor, RethrowsTheFirstExceptionAfterAllHaveEnded) {
  for (const int threads : {1, 2, 4}) {
    for (const bool reports : {false, true}) {
      std::atomic<int> running = 0, calls = 0;
      try {
        parallel_for(1000000, reports ? with_threads(threads, go_on) : with_threads(threads), [&](Index i) {
          const Running guard(running);
          ++calls;
          if (i == 3) throw std::domain_error("body 3");
          if (i > 3) std::this_thread::sleep_for(milliseconds(1));
        });
        FAIL() << "expected an exception";
      } catch (const std::domain_error& error) {
        EXPECT_STREQ(error.what(), "body 3");
      }
      EXPECT_EQ(running, 0);
      EXPECT_LT(calls, 1000000);
    }
  }
}

TEST(ParallelFor, FalseFromProgressInterrupts) {
  for (const int threads : {1, 2}) {
    std::atomic<int> running = 0, calls = 0;
    int reports = 0;
    const auto stop_at_second = [&](Index, Index) { return ++reports < 2; };
    EXPECT_THROW(parallel_for(1000000, with_threads(threads, stop_at_second),
                              [&](Index) {
                                const Running guard(running);
                                ++calls;
                                std::this_thread::sleep_for(milliseconds(1));
                              }),
                 Interrupted);
    EXPECT_EQ(reports, 2);
    EXPECT_EQ(running, 0);
    EXPECT_LT(calls, 1000000);
  }
}

TEST(ParallelFor, FalseAtTheEndInterruptsToo) {
  EXPECT_THROW(parallel_for(1, with_threads(1, [](Index, Index) { return false; }), [](Index) {}), Interrupted);
}

TEST(ParallelFor, AThrowingProgressCallbackLeavesNoThreadBehind) {
  std::atomic<int> running = 0;
  const auto progress = [](Index, Index) -> bool { throw std::logic_error("from progress"); };
  EXPECT_THROW(parallel_for(1000000, with_threads(2, progress),
                            [&](Index) {
                              const Running guard(running);
                              std::this_thread::sleep_for(milliseconds(1));
                            }),
               std::logic_error);
  EXPECT_EQ(running, 0);
}

TEST(ParallelFor, LoopsMayBeNested) {
  std::atomic<int> calls = 0;
  parallel_for(4, with_threads(2), [&](Index) { parallel_for(5, with_threads(2), [&](Index) { ++calls; }); });
  EXPECT_EQ(calls, 20);
}

std::string message_of(Index count, int threads) {
  try {
    parallel_for(count, with_threads(threads), [](Index) {});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

TEST(ParallelFor, EveryThreadHasABodyOfItsOwn) {
  for (const int threads : {1, 3}) {
    std::atomic<int> bodies = 0;
    std::vector<int> own(100, -1);
    parallel_for_each_thread(100, with_threads(threads), [&]() -> std::function<void(Index)> {
      return [&own, body = bodies++, calls = 0](Index index) mutable {
        own[static_cast<std::size_t>(index)] = 1000 * body + calls++;
      };
    });
    EXPECT_EQ(bodies, threads);
    // Each body counted its own calls: all pairs are different, and none is missing.
    std::ranges::sort(own);
    EXPECT_EQ(std::ranges::adjacent_find(own), own.end());
    for (std::size_t i = 0; i < own.size(); ++i) {
      EXPECT_TRUE(own[i] % 1000 == 0 || own[i - 1] == own[i] - 1) << own[i];
    }
  }
  EXPECT_THROW(parallel_for_each_thread(3, with_threads(2),
                                        []() -> std::function<void(Index)> { throw std::runtime_error("no memory"); }),
               std::runtime_error);
}

TEST(ParallelFor, BadArgumentsAreErrors) {
  EXPECT_EQ(message_of(3, 0), "parallel_for: threads is 0; expected at least 1");
  EXPECT_EQ(message_of(-1, 1), "parallel_for: count is -1; expected at least 0");
}

}  // namespace
}  // namespace bochner
