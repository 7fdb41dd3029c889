#include "core/orthogonal.h"

#include <Eigen/QR>
#include <cmath>
#include <span>
#include <stdexcept>

#include "core/check.h"
#include "core/sampling.h"

namespace bochner {

namespace {

void require_frame(Index rows, Index dim, const char* function) {
  require_at_least(rows, 1, function, "rows");
  if (rows > dim) {
    throw std::invalid_argument(std::string(function) + ": rows is " + std::to_string(rows) +
                                "; expected at most dim = " + std::to_string(dim));
  }
}

std::span<double> numbers_of(Matrix<double>& matrix, Index first_row) {
  const Index offset = first_row * matrix.cols();
  return {matrix.data() + offset, static_cast<std::size_t>(matrix.size() - offset)};
}

// Gram-Schmidt of the rows, in the stable form of Householder's QR of the transpose. Uses `vectors` as workspace.
Matrix<double> orthonormal_rows(Matrix<double>& vectors) {
  const Index rows = vectors.rows(), dim = vectors.cols();
  // The same memory read by columns is the transpose, so nothing is copied.
  Eigen::Map<Eigen::MatrixXd> columns(vectors.data(), dim, rows);
  const Eigen::HouseholderQR<Eigen::Ref<Eigen::MatrixXd>> qr(columns);

  Matrix<double> result(rows, dim);
  Eigen::Map<Eigen::MatrixXd> q(result.data(), dim, rows);
  q.setIdentity();
  q.applyOnTheLeft(qr.householderQ());
  // Householder's R has a diagonal of either sign, which depends on the data; only with a positive one is Q Haar.
  for (Index row = 0; row < rows; ++row) q.col(row) *= std::copysign(1.0, columns(row, row));
  return result;
}

}  // namespace

Matrix<double> haar_rows(Stream& stream, Index rows, Index dim) {
  require_frame(rows, dim, "haar_rows");
  Matrix<double> gaussian(rows, dim);
  fill_normal(stream, numbers_of(gaussian, 0));
  return orthonormal_rows(gaussian);
}

Matrix<double> haar_rows_with_first(Stream& stream, const VectorView<double>& first, Index rows) {
  require_frame(rows, first.size(), "haar_rows_with_first");
  require_finite(first, "haar_rows_with_first", "first");
  if (first.isZero(0)) throw std::domain_error("haar_rows_with_first: first is zero; expected a direction");
  Matrix<double> vectors(rows, first.size());
  vectors.row(0) = first.stableNormalized().transpose();
  fill_normal(stream, numbers_of(vectors, 1));
  return orthonormal_rows(vectors);
}

}  // namespace bochner
