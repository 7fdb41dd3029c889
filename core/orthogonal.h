#pragma once

#include "core/stream.h"
#include "core/types.h"

namespace bochner {

/// The first `rows` rows of a Haar-distributed orthogonal matrix: the Q of the QR decomposition of a Gaussian
/// dim x rows matrix, transposed. The diagonal of R is made positive; without that Q is not Haar and its rows, times
/// independent chi norms, are not Gaussian. Row r is a function of the first (r + 1) dim numbers of `fill_normal`, so
/// fewer rows are a prefix (to rounding). Returns (rows, dim), orthonormal to a few units in the last place.
/// Throws std::invalid_argument unless 1 <= rows <= dim. Cost: O(dim rows^2). Source: [Mezzadri07, Section 5].
Matrix<double> haar_rows(Stream& stream, Index rows, Index dim);

/// Independent frames of dim consecutive rows, the last one of rows mod dim: the bits of as many calls of
/// `haar_rows`, one after the other on the same stream. Returns (rows, dim).
/// Throws std::invalid_argument unless rows >= 1 and dim >= 1.
Matrix<double> haar_blocks(Stream& stream, Index rows, Index dim);

/// As `haar_rows` given row 0: that is first / |first|, the others are Haar in its orthogonal complement.
/// When `first` is itself isotropic and independent of the stream the result has the law of `haar_rows`.
/// first: (dim,), returns (rows, dim); row r is a function of `first` and the first r dim normal numbers.
/// Throws std::invalid_argument unless 1 <= rows <= dim, std::domain_error when `first` is zero or not finite.
Matrix<double> haar_rows_with_first(Stream& stream, const VectorView<double>& first, Index rows);

}  // namespace bochner
