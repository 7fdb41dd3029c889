#include "core/parallel.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "core/check.h"

namespace bochner {

namespace {

constexpr std::chrono::milliseconds kReportInterval{50};

// The threads of one loop. Destroying it stops and joins them, so a throwing progress callback leaves none behind.
class Crew {
 public:
  Crew(Index count, const std::function<std::function<void(Index)>()>& make_body)
      : count_(count), make_body_(make_body) {}
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;
  ~Crew() {
    stop();
    join();
  }

  void start_thread() {
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this] { work(); });
    ++running_;
  }

  void stop() { stopped_ = true; }

  /// Waits until all threads have finished, true, or the interval is over, false.
  bool wait() {
    std::unique_lock lock(mutex_);
    return finished_.wait_for(lock, kReportInterval, [this] { return running_ == 0; });
  }

  Index done() const { return done_; }

  void join() {
    for (std::thread& thread : threads_) thread.join();
    threads_.clear();
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  void work() {
    try {
      const std::function<void(Index)> body = make_body_();
      while (!stopped_) {
        const Index index = next_++;
        if (index >= count_) break;
        body(index);
        ++done_;
      }
    } catch (...) {
      stop();
      const std::lock_guard lock(mutex_);
      if (!error_) error_ = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    if (--running_ == 0) finished_.notify_one();
  }

  const Index count_;
  const std::function<std::function<void(Index)>()>& make_body_;
  std::atomic<Index> next_ = 0;
  std::atomic<Index> done_ = 0;
  std::atomic<bool> stopped_ = false;
  std::mutex mutex_;  // of the three below
  std::condition_variable finished_;
  int running_ = 0;
  std::exception_ptr error_;
  std::vector<std::thread> threads_;
};

}  // namespace

void parallel_for(Index count, const Execution& execution, const std::function<void(Index)>& body) {
  parallel_for_each_thread(count, execution, [&] { return [&](Index index) { body(index); }; });
}

void parallel_for_each_thread(Index count, const Execution& execution,
                              const std::function<std::function<void(Index)>()>& make_body) {
  require_at_least(execution.threads, 1, "parallel_for", "threads");
  require_at_least(count, 0, "parallel_for", "count");
  if (count == 0) return;
  if (execution.threads == 1 && !execution.progress) {
    const std::function<void(Index)> body = make_body();
    for (Index index = 0; index < count; ++index) body(index);
    return;
  }

  const auto report = [&](Index done) { return !execution.progress || execution.progress(done, count); };
  Crew crew(count, make_body);
  bool wanted = true;
  for (Index thread = std::min<Index>(execution.threads, count); thread > 0; --thread) crew.start_thread();
  while (!crew.wait()) {
    if (wanted && !report(crew.done())) {
      wanted = false;
      crew.stop();
    }
  }
  crew.join();
  crew.rethrow();
  if (!wanted || !report(crew.done())) throw Interrupted("parallel_for: stopped by the progress callback");
}

}  // namespace bochner
