#include "core/check.h"
#include "core/parallel.h"
#include "core/simd/targets.h"
#include "python/src/arrays.h"
#include "python/src/bind.h"

#include <pybind11/stl.h>

#include <exception>
#include <new>
#include <stdexcept>
#include <string>

namespace bochner::python {

namespace py = pybind11;
using namespace py::literals;

namespace {

constexpr const char* kTooLarge = "the arrays do not fit into memory";

/// Checks the points of a function that computes nothing of them here.
template <class Scalar>
void bind_check(py::module_& module) {
  module.def(
      "check_points",
      [](const std::string& function, const Array<Scalar>& X, const Array<Scalar>& Y) {
        const auto x = as_matrix(X, "X");
        const auto y = as_matrix(Y, "Y");
        require_points(x, function, "X");
        require_points(y, function, "Y");
        require_columns(y.cols(), x.cols(), function, "Y");
      },
      "function"_a, "X"_a.noconvert(), "Y"_a.noconvert());
}

}  // namespace

// std::invalid_argument and std::domain_error become ValueError by pybind11's own rules.
void bind_core(py::module_& module) {
  py::register_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Interrupted& error) {
      py::set_error(PyExc_KeyboardInterrupt, error.what());
    } catch (const std::bad_alloc&) {
      py::set_error(PyExc_MemoryError, kTooLarge);
    } catch (const std::length_error&) {  // of containers, which refuse what no memory could hold
      py::set_error(PyExc_MemoryError, kTooLarge);
    }
  });

  module.def("instruction_sets", &simd::supported_targets);
  bind_check<float>(module);
  bind_check<double>(module);
}

}  // namespace bochner::python
