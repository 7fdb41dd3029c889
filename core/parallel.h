#pragma once

#include <functional>
#include <stdexcept>

#include "core/types.h"

namespace bochner {

/// How a loop is run: on how many threads, and who is told of it.
/// `progress(done, total)` is called on the calling thread about every 50 ms and once at the end; it may be empty.
/// Returning false stops the loop. It is where a caller checks for signals and draws a progress bar.
struct Execution {
  int threads = 1;
  std::function<bool(Index done, Index total)> progress;
};

/// Thrown by a loop whose progress callback returned false.
class Interrupted : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Calls body(i) once for each i in [0, count), in no fixed order, on `execution.threads` threads that take the next
/// free index. What body(i) writes must belong to i alone; then the result does not depend on the number of threads.
/// With one thread and no progress callback everything runs on the calling thread, in order; otherwise the calling
/// thread only waits and reports. All threads have ended when the function returns or throws; bodies already begun
/// are completed, further ones are not started after a failure.
/// Throws std::invalid_argument when threads < 1 or count < 0; the first exception of a body; any exception of
/// the progress callback; Interrupted when that returned false.
/// Cost: starting the threads (some 20 us each), then one atomic addition an index.
void parallel_for(Index count, const Execution& execution, const std::function<void(Index)>& body);

/// The same where every thread makes a body of its own, whose calls share what it holds: memory to work in.
void parallel_for_each_thread(Index count, const Execution& execution,
                              const std::function<std::function<void(Index)>()>& make_body);

}  // namespace bochner
