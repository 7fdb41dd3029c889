#include "estimators/couplings/fastfood.h"

#include "core/structured_projection.h"

namespace bochner {

std::shared_ptr<const Projection> FastfoodCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                         const Stream& stream) const {
  Stream directions = stream.lane(0);
  Stream norms = stream.lane(1);
  return fastfood_projection(directions, dim, require_isotropic(law, name()).norms(norms, dim, m));
}

}  // namespace bochner
