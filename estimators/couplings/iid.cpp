#include "estimators/couplings/iid.h"

namespace bochner {

std::shared_ptr<const Projection> IidCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                    const Stream& stream) const {
  Matrix<double> W(m, dim);
  law.fill_independent(stream, W);
  return std::make_shared<DenseProjection>(std::move(W));
}

Matrix<double> IidCoupling::draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row,
                                        std::span<const double> shift, const Stream& stream) const {
  Matrix<double> W(m, dim);
  radial.fill_independent(stream, W);
  Stream tilted = stream.lane(2);
  radial.fill_tilted(tilted, shift, {W.row(row).data(), static_cast<std::size_t>(dim)});
  return W;
}

}  // namespace bochner
