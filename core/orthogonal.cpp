#include "core/orthogonal.h"

#include <algorithm>
#include <span>
#include <stdexcept>

#include "core/check.h"
#include "core/sampling.h"
#include "core/simd/orthonormalize.h"

namespace bochner {

namespace {

void require_frame(Index rows, Index dim, const char* function) {
  require_at_least(rows, 1, function, "rows");
  if (rows > dim) {
    throw std::invalid_argument(std::string(function) + ": rows is " + std::to_string(rows) +
                                "; expected at most dim = " + std::to_string(dim));
  }
}

std::span<double> numbers_of(Matrix<double>& matrix, Index first_row, Index rows) {
  return {matrix.data() + first_row * matrix.cols(), static_cast<std::size_t>(rows * matrix.cols())};
}

}  // namespace

Matrix<double> haar_rows(Stream& stream, Index rows, Index dim) {
  require_frame(rows, dim, "haar_rows");
  return haar_blocks(stream, rows, dim);
}

Matrix<double> haar_blocks(Stream& stream, Index rows, Index dim) {
  require_at_least(rows, 1, "haar_blocks", "rows");
  require_at_least(dim, 1, "haar_blocks", "dim");
  Matrix<double> result(rows, dim);
  for (Index start = 0; start < rows; start += dim) {
    fill_normal(stream, numbers_of(result, start, std::min(dim, rows - start)));
  }
  simd::orthonormalize_blocks(result);
  return result;
}

Matrix<double> haar_rows_with_first(Stream& stream, const VectorView<double>& first, Index rows) {
  require_frame(rows, first.size(), "haar_rows_with_first");
  require_finite(first, "haar_rows_with_first", "first");
  if (first.isZero(0)) throw std::domain_error("haar_rows_with_first: first is zero; expected a direction");
  Matrix<double> vectors(rows, first.size());
  vectors.row(0) = first.stableNormalized().transpose();
  fill_normal(stream, numbers_of(vectors, 1, rows - 1));
  simd::orthonormalize_blocks(vectors);
  return vectors;
}

}  // namespace bochner
