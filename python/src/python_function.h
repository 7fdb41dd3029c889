#pragma once

#include "estimators/features/elementwise.h"
#include "python/src/arrays.h"

#include <pybind11/pybind11.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace bochner::python {

/// A Python callable that takes an array (n, m) and returns one, as a function of feature maps. The package has
/// wrapped it in its checks. Any thread may call it: each call acquires the interpreter for itself, and what it raises
/// passes through the loops of the library to the caller. Its own time is not shared between threads.
class PythonFunction final : public ElementwiseFunction {
 public:
  /// `derivative` may be None.
  PythonFunction(pybind11::object function, pybind11::object derivative)
      : function_(std::move(function)), derivative_(std::move(derivative)), differentiable_(!derivative_.is_none()) {}
  PythonFunction(const PythonFunction&) = delete;
  PythonFunction& operator=(const PythonFunction&) = delete;
  ~PythonFunction() override {
    const pybind11::gil_scoped_acquire acquire;
    function_ = {};
    derivative_ = {};
  }

  std::string name() const override { return "function"; }
  void evaluate(MutableMatrixView<float> U) const override { call<float>(function_, U); }
  void evaluate(MutableMatrixView<double> U) const override { call<double>(function_, U); }
  bool differentiable() const override { return differentiable_; }
  void differentiate(MutableMatrixView<float> U) const override { call<float>(derivative_, U); }
  void differentiate(MutableMatrixView<double> U) const override { call<double>(derivative_, U); }

 private:
  template <class Scalar>
  static void call(const pybind11::object& function, MutableMatrixView<Scalar>& U) {
    const pybind11::gil_scoped_acquire acquire;
    // A copy of its own, which the callable may keep or overwrite.
    Array<Scalar> argument({U.rows(), U.cols()});
    Eigen::Map<Matrix<Scalar>>(argument.mutable_data(), U.rows(), U.cols()) = U;
    const auto result = function(argument).template cast<Array<Scalar>>();
    const auto values = as_matrix(result, "the result of the function");
    if (values.rows() != U.rows() || values.cols() != U.cols()) {
      throw std::invalid_argument("the result of the function differs in shape from its argument");
    }
    U = values;
  }

  pybind11::object function_;
  pybind11::object derivative_;
  bool differentiable_;
};

}  // namespace bochner::python
