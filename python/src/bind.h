#pragma once

#include <pybind11/pybind11.h>

namespace bochner::python {

/// Each adds the names of one floor to the module. Later floors use the classes of earlier ones.
void bind_core(pybind11::module_& module);
void bind_frequency_law(pybind11::module_& module);
void bind_estimators(pybind11::module_& module);
void bind_plugins(pybind11::module_& module);
void bind_attention(pybind11::module_& module);
void bind_experiments(pybind11::module_& module);

}  // namespace bochner::python
