#include "estimators/couplings/quasi_random.h"

#include <stdexcept>

namespace bochner {

void QuasiRandomCoupling::require_drawable(const FrequencyLaw& law, const std::string& who) const {
  if (law.uniforms(1) > 0) return;
  throw std::invalid_argument(who + ": the coupling '" + name() + "': the frequency law '" + law.describe() +
                              "' is not made of uniform numbers, which quasi-random points are");
}

std::shared_ptr<const Projection> QuasiRandomCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                            const Stream& stream) const {
  require_drawable(law, "draw");
  const Index uniforms = law.uniforms(dim);
  Matrix<double> points(m, uniforms);
  fill_points(stream, points);
  Matrix<double> W(m, dim);
  for (Index i = 0; i < m; ++i) {
    law.from_uniforms({points.row(i).data(), static_cast<std::size_t>(uniforms)},
                      {W.row(i).data(), static_cast<std::size_t>(dim)});
  }
  return std::make_shared<DenseProjection>(std::move(W));
}

}  // namespace bochner
