#pragma once

#include "estimators/coupling.h"

#include <string>

namespace bochner {

/// Blocks of d consecutive rows with orthogonal, Haar distributed directions, in which the norms of rows 1 and 2, 3 and
/// 4, ... are antimonotone: F^{-1}(U) and F^{-1}(1 - U), F the distribution function of the norm. Different pairs are
/// independent, and so is the last row of a block of odd size [Reid24].
/// Of all ways to couple the norms of a pair this has the least mean of exp(w1.u + w2.u), for every u; of cosines only
/// while |u| is small. The radial law must know its quantiles.
/// Cost: that of orthogonal rows and some 10 us for each chi norm.
class NormCoupledCoupling final : public Coupling {
 public:
  std::string name() const override { return "norm_coupled"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  void require_drawable(const FrequencyLaw& law, const std::string& who) const override;
  bool prefixes_are_draws() const override { return true; }
  /// The orthogonal pairs of rows, first those with independent norms.
  std::optional<std::vector<PairGroup>> dependent_pairs(Index m, Index dim) const override;
  std::optional<std::string> caution(Trait trait) const override;
};

}  // namespace bochner
