#include "estimators/coupling.h"

#include <stdexcept>
#include <string>

namespace bochner {

void Coupling::require_drawable(const FrequencyLaw& law, const std::string& who) const {
  require_isotropic(law, who + ": the coupling '" + name() + "'");
}

Matrix<double> Coupling::draw_tilted(const RadialLaw&, Index, Index, Index, std::span<const double>,
                                     const Stream&) const {
  throw std::invalid_argument("draw_tilted: the coupling '" + name() + "' has no tilted sampler");
}

}  // namespace bochner
