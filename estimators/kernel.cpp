#include "estimators/kernel.h"

#include "core/check.h"

#include <algorithm>

namespace bochner {
namespace {

std::span<const double> row_of(const Matrix<double>& rows, Index i) {
  return {rows.row(i).data(), static_cast<std::size_t>(rows.cols())};
}

}  // namespace

bool Kernel::is_mean_of(Shape shape, const FrequencyLaw& law) const {
  const auto own = frequency_law();
  return own && allows(shape) && law.same_as(*own);
}

template <class Scalar>
Matrix<Scalar> gram(const Kernel& kernel, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y,
                    const Execution& execution) {
  require_points(X, "gram", "X");
  require_points(Y, "gram", "Y");
  require_columns(Y.cols(), X.cols(), "gram", "Y");
  require_in_range<Scalar>(kernel.input_range(), X, "gram", "X");
  require_in_range<Scalar>(kernel.input_range(), Y, "gram", "Y");
  const Matrix<double> x = X.template cast<double>();
  const Matrix<double> y = Y.template cast<double>();
  Matrix<Scalar> result(x.rows(), y.rows());
  constexpr Index kRows = 16;
  parallel_for((x.rows() + kRows - 1) / kRows, execution, [&](Index block) {
    for (Index i = block * kRows; i < std::min(x.rows(), (block + 1) * kRows); ++i) {
      for (Index j = 0; j < y.rows(); ++j) {
        result(i, j) = static_cast<Scalar>(kernel.value(row_of(x, i), row_of(y, j)).value());
      }
    }
  });
  return result;
}

template <class Scalar>
Vector<Scalar> paired(const Kernel& kernel, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y) {
  require_points(X, "paired", "X");
  require_points(Y, "paired", "Y");
  require_same_shape(X, Y, "paired", "X", "Y");
  require_in_range<Scalar>(kernel.input_range(), X, "paired", "X");
  require_in_range<Scalar>(kernel.input_range(), Y, "paired", "Y");
  const Matrix<double> x = X.template cast<double>();
  const Matrix<double> y = Y.template cast<double>();
  Vector<Scalar> result(x.rows());
  for (Index i = 0; i < x.rows(); ++i) {
    result(i) = static_cast<Scalar>(kernel.value(row_of(x, i), row_of(y, i)).value());
  }
  return result;
}

template Matrix<float> gram(const Kernel&, const MatrixView<float>&, const MatrixView<float>&, const Execution&);
template Matrix<double> gram(const Kernel&, const MatrixView<double>&, const MatrixView<double>&, const Execution&);
template Vector<float> paired(const Kernel&, const MatrixView<float>&, const MatrixView<float>&);
template Vector<double> paired(const Kernel&, const MatrixView<double>&, const MatrixView<double>&);

}  // namespace bochner
