#include "estimators/coupling.h"

#include <stdexcept>

namespace bochner {

Matrix<double> Coupling::draw_tilted(const RadialLaw&, Index, Index, Index, std::span<const double>,
                                     const Stream&) const {
  throw std::invalid_argument("draw_tilted: the coupling '" + name() + "' has no tilted sampler");
}

}  // namespace bochner
