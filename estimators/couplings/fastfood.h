#pragma once

#include "estimators/coupling.h"

namespace bochner {

/// Stacks of P consecutive rows, P the least power of two >= d: the rows of H G Pi H B without their last P - d
/// columns, as long as independent norms from the radial law. H is the Walsh-Hadamard matrix, B and G are diagonals of
/// random signs and of standard normal numbers, Pi is a random permutation [Le13, Section 3, with S]. A product costs
/// O(m log d) a point.
///
/// Unbiased: every row has exactly its marginal law, since its direction is that of a rotated normal vector. Rows of a
/// stack share the numbers in G and are dependent.
class FastfoodCoupling final : public Coupling {
 public:
  std::string name() const override { return "fastfood"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  /// The first rows of a draw are one, since stack follows stack; but the rows of a prefix would be stored as a dense
  /// W.
  bool prefixes_are_draws() const override { return false; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override { return std::nullopt; }
};

}  // namespace bochner
