#pragma once

#include "core/types.h"

/// The fast Walsh-Hadamard transform over the rows of a matrix, vectorised with Google Highway and dispatched at run
/// time. H (d, d) is the Sylvester matrix of entries H_ij = (-1)^(number of common bits of i and j): symmetric,
/// H H = d I, for d a power of two of at most 2^20.
///
/// Rows that fit into the registers are transformed there whole; longer ones are halved until the parts fit, in the
/// order of depth, so that every part stays in the smallest cache that holds it while its butterflies are done.
namespace bochner::simd {

/// The longest transform.
inline constexpr Index kLongestHadamard = Index{1} << 20;

/// x_i <- H x_i for every row, in place. Shape: X (n, d), d a power of two.
/// Throws std::invalid_argument when d is not a power of two of at most kLongestHadamard.
/// Cost: n d log2(d) additions. Error: at most log2(d) eps sqrt(d) |x_i| in every entry. The bits of a row depend on
/// that row and on the instruction set only.
template <class Scalar>
void hadamard(MutableMatrixView<Scalar> X);

/// out_i = D_k H D_(k-1) ... H D_1 H D_0 x_i, D_t = diag(row t of `diagonals`): k transforms between k + 1 diagonals.
/// The chain with the diagonals in reverse order is the adjoint.
/// Shapes: X, out (n, d), diagonals (k + 1, d) with k >= 1; out may be X, else it must not overlap it.
/// Throws std::invalid_argument when the shapes differ from these or d is none of hadamard().
/// Cost: k times hadamard(); the diagonals ride along with its loads and stores. Error: that of hadamard(), for every
/// factor. The bits of a row depend on that row, the diagonals and the instruction set only.
template <class Scalar>
void hadamard_chain(const MatrixView<Scalar>& X, const MatrixView<Scalar>& diagonals, MutableMatrixView<Scalar> out);

}  // namespace bochner::simd
