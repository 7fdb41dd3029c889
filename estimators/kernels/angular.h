#pragma once

#include "estimators/kernel.h"

namespace bochner {

/// K(x, y) = 1 - 2 theta / pi = E sgn(w.x) sgn(w.y), theta the angle between x and y; 0 where x or y is 0
/// [Charikar02].
class AngularKernel final : public Kernel {
 public:
  std::string name() const override { return "angular"; }
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override;
};

}  // namespace bochner
