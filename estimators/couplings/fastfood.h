#pragma once

#include "estimators/coupling.h"

namespace bochner {

/// Stacks of P consecutive rows, P the least power of two >= d: the rows of H G Pi H B without their last P - d
/// columns, as long as independent norms from the radial law. H is the Walsh-Hadamard matrix, B and G are diagonals of
/// random signs and of standard normal numbers, Pi is a random permutation [Le13, Section 3, with S]. A product costs
/// O(m log d) a point.
///
/// Unbiased: every row has exactly its marginal law, since its direction is that of a rotated normal vector.
///
/// No law is known of its variance: the rows of a stack share the numbers in G. For one whole stack, cosines and small
/// |x| it is 2 - 2 sum_j x_j^4 / |x|^4 times that of iid, up to O(1 / d). Measured in that ratio (Gaussian kernel, chi
/// norms, m = d = 64, 20,000 draws) at |x| = 0.5, 1, 2: 1.95, 1.89, 1.32 for a random direction of x, and 0.04, 0.10,
/// 0.67 along an axis.
class FastfoodCoupling final : public Coupling {
 public:
  std::string name() const override { return "fastfood"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  /// The first rows of a draw are one, since stack follows stack; but a prefix would be stored as a dense W.
  bool prefixes_are_draws() const override { return false; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override { return std::nullopt; }
};

}  // namespace bochner
