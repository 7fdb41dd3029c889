#include "python/src/bind.h"

PYBIND11_MODULE(_core, module) {
  module.doc() = "The compiled part of bochner. Use the package `bochner`, which checks its arguments.";
  module.attr("__version__") = BOCHNER_VERSION;
  bochner::python::bind_core(module);
  bochner::python::bind_frequency_law(module);
  bochner::python::bind_estimators(module);
  bochner::python::bind_plugins(module);
  bochner::python::bind_attention(module);
  bochner::python::bind_experiments(module);
}
