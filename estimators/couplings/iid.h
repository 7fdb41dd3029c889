#pragma once

#include "estimators/coupling.h"

#include <string>

namespace bochner {

/// Independent rows [RahimiRecht07].
class IidCoupling final : public Coupling {
 public:
  std::string name() const override { return "iid"; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  void require_drawable(const FrequencyLaw&, const std::string&) const override {}
  bool prefixes_are_draws() const override { return true; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override {
    return std::vector<PairGroup>{};
  }
  bool tiltable() const override { return true; }
  Matrix<double> draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row, std::span<const double> shift,
                             const Stream& stream) const override;
};

}  // namespace bochner
