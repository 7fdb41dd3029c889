#pragma once

#include <memory>

#include "core/projection.h"
#include "core/stream.h"
#include "core/types.h"

namespace bochner {

// Projections of m rows in stacks of P, the least power of two that is not below d, one stack after the other and
// independent, the last one cut. Points are padded with P - d zeros, which leaves d columns of every row of a stack;
// row i of the projection is norms_i times the direction of what is left: exactly as long as asked for. W is never
// stored.
//
// Cost of a product: O(m log P) a point. Making one costs O(m), and O(m d log P) where d is no power of two, since then
// the length of what is left must be found for every row.
// Error of a product: at most c log2(P) eps |x_i| norms_l, c the number of Hadamard matrices in a stack.

/// Stacks H D_1 H D_2 ... H D_k, k = `blocks`: H Walsh-Hadamard, D_t independent diagonals of random signs
/// [Yu16, Section 4]. Where d = P the rows of a stack are exactly orthogonal. Their directions are not uniform: for
/// k = 1 all entries have one magnitude, for larger k they come nearer to normal numbers.
/// A row of which nothing is left, which happens at d = 3, is 0.
/// Shape: norms (m). The stream is used stack after stack, for D_1 first, a bit a sign, whole words for each diagonal.
/// Throws std::invalid_argument unless dim >= 1, 1 <= blocks <= 3 and m >= 1, std::domain_error for a norm that is not
/// finite.
std::shared_ptr<const Projection> hadamard_projection(Stream& stream, Index dim, Index blocks,
                                                      const Vector<double>& norms);

/// Stacks H G Pi H B: H Walsh-Hadamard, B a diagonal of random signs, Pi a uniform permutation, G a diagonal of
/// standard normal numbers [Le13, Section 3]. Every direction is exactly uniform, since given B and Pi a row is a
/// rotation of the numbers in G with signs; but the rows of a stack share these numbers and depend on each other.
/// Shape: norms (m). The stream is used stack after stack, for B, G and Pi.
/// Throws std::invalid_argument unless dim >= 1 and m >= 1, std::domain_error for a norm that is not finite.
std::shared_ptr<const Projection> fastfood_projection(Stream& stream, Index dim, const Vector<double>& norms);

}  // namespace bochner
