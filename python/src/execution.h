#pragma once

#include "core/parallel.h"

#include <pybind11/pybind11.h>

namespace bochner::python {

/// An Execution that lets Python's signal handlers run, so that Ctrl-C works inside long loops, and calls
/// `progress(done, total)` unless that is None. The callable must outlive the Execution. What either raises stops the
/// loop and reaches the caller.
inline Execution interruptible(int threads, pybind11::handle progress = pybind11::none()) {
  return {threads, [progress](Index done, Index total) {
            const pybind11::gil_scoped_acquire acquire;
            if (PyErr_CheckSignals() != 0) throw pybind11::error_already_set();
            if (!progress.is_none()) progress(done, total);
            return true;
          }};
}

/// The same for work of about `operations` flops; on the calling thread alone, and not interruptible, where a thread
/// would cost more than it saves.
inline Execution execution_for(int threads, double operations) {
  constexpr double kWorthAThread = 2e6;
  if (operations < kWorthAThread) return {};
  return interruptible(threads);
}

/// compute() with the interpreter free for other Python threads.
template <class Compute>
auto without_gil(const Compute& compute) {
  const pybind11::gil_scoped_release release;
  return compute();
}

}  // namespace bochner::python
