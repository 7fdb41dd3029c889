#pragma once

#include "estimators/coupling.h"

#include <string>

namespace bochner {

/// Independent pairs of rows w, -w: rows 2k + 1 and 2k + 2 of m, of which the last has no partner if m is odd
/// [HammersleyMorton56]. With exp it makes of m rows what cosh makes of m / 2; even functions, cosh and cos, have the
/// same value at both rows, so that half of them are for nothing.
class AntitheticCoupling final : public Coupling {
 public:
  std::string name() const override { return "antithetic"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  /// Every frequency law is symmetric about 0.
  void require_drawable(const FrequencyLaw&, const std::string&) const override {}
  bool prefixes_are_draws() const override { return true; }
  /// Pairs of equal norms at cosine -1.
  std::optional<std::vector<PairGroup>> dependent_pairs(Index m, Index dim) const override;
  std::optional<std::string> caution(Trait trait) const override;
  bool tiltable() const override { return true; }
  Matrix<double> draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row, std::span<const double> shift,
                             const Stream& stream) const override;
};

}  // namespace bochner
