#pragma once

#include "estimators/coupling.h"

#include <string>

namespace bochner {

/// Blocks of d consecutive rows, the last one possibly shorter, whose b directions are the vertices of a simplex in b -
/// 1 dimensions, so that each two meet at cosine -1 / (b - 1); Haar rotated, with independent norms, a new rotation and
/// new norms in each block [Reid23]. The first rows of a block are no block of their own, so prefixes are no draws.
/// Cost: O(m d^2) for m rows.
class SimplexCoupling final : public Coupling {
 public:
  std::string name() const override { return "simplex"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  bool prefixes_are_draws() const override { return false; }
  /// The pairs of the whole blocks, and those of the last one at their own cosine.
  std::optional<std::vector<PairGroup>> dependent_pairs(Index m, Index dim) const override;
  std::optional<std::string> caution(Trait trait) const override;
  bool tiltable() const override { return true; }
  Matrix<double> draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row, std::span<const double> shift,
                             const Stream& stream) const override;
};

}  // namespace bochner
