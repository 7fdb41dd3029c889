#pragma once

#include "estimators/coupling.h"

namespace bochner {

/// Blocks of d consecutive rows with exactly orthogonal, Haar distributed directions and independent norms; blocks
/// are independent and the last one may be partial [Yu16; Choromanski21, Section 2.4].
/// Cost: O(m d^2) for m rows.
class OrthogonalCoupling final : public Coupling {
 public:
  std::string name() const override { return "orthogonal"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  bool prefixes_are_draws() const override { return true; }
  /// sum_b b (b - 1) ordered pairs at a right angle, b running over the sizes of the blocks.
  std::optional<std::vector<PairGroup>> dependent_pairs(Index m, Index dim) const override;
  bool tiltable() const override { return true; }
  Matrix<double> draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row, std::span<const double> shift,
                             const Stream& stream) const override;
};

}  // namespace bochner
