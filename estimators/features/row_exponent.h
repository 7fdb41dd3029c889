#pragma once

#include "core/types.h"

#include <cmath>
#include <cstdlib>
#include <limits>

namespace bochner {

/// The exponent of the power of two that leaves a row for its log-scale: 0 while products of two rows, each raised to
/// this power, are safe. As a function of the row it is piecewise constant, and division by it is exact.
template <class Row>
int row_exponent(const Row& row, Index power = 1) {
  using Scalar = typename Row::Scalar;
  const Scalar largest = row.cwiseAbs().maxCoeff();
  if (largest == 0 || !std::isfinite(largest)) return 0;
  const int exponent = std::ilogb(largest);
  return std::abs(exponent) * power <= std::numeric_limits<Scalar>::max_exponent / 4 ? 0 : exponent;
}

template <class Row>
void divide_by_power(Row row, int exponent) {
  if (exponent == 0) return;
  row = row.unaryExpr([exponent](typename Row::Scalar value) { return std::scalbn(value, -exponent); });
}

}  // namespace bochner
