#include "estimators/couplings/hadamard.h"

#include "core/structured_projection.h"

#include <stdexcept>
#include <string>

namespace bochner {

HadamardCoupling::HadamardCoupling(double blocks) : blocks_(static_cast<Index>(blocks)) {
  if (blocks == 1 || blocks == 2 || blocks == 3) return;
  throw std::invalid_argument("hadamard: blocks is " + std::to_string(blocks) + "; expected 1, 2 or 3");
}

std::shared_ptr<const Projection> HadamardCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                         const Stream& stream) const {
  Stream signs = stream.lane(0);
  Stream norms = stream.lane(1);
  return hadamard_projection(signs, dim, blocks_, require_isotropic(law, name()).norms(norms, dim, m));
}

}  // namespace bochner
