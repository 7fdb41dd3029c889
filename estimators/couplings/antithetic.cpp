#include "estimators/couplings/antithetic.h"

namespace bochner {
namespace {

Matrix<double> draw_pairs(const FrequencyLaw& law, Index m, Index dim, const Stream& stream) {
  Matrix<double> half((m + 1) / 2, dim);
  law.fill_independent(stream, half);
  Matrix<double> W(m, dim);
  for (Index i = 0; i < m; ++i) W.row(i) = (i % 2 == 0 ? 1 : -1) * half.row(i / 2);
  return W;
}

}  // namespace

std::shared_ptr<const Projection> AntitheticCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                           const Stream& stream) const {
  return std::make_shared<DenseProjection>(draw_pairs(law, m, dim, stream));
}

std::optional<std::vector<PairGroup>> AntitheticCoupling::dependent_pairs(Index m, Index) const {
  return std::vector<PairGroup>{{static_cast<double>(m - m % 2), -1, NormRelation::kEqual}};
}

Matrix<double> AntitheticCoupling::draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row,
                                               std::span<const double> shift, const Stream& stream) const {
  Matrix<double> W = draw_pairs(radial, m, dim, stream);
  Stream tilted = stream.lane(2);
  radial.fill_tilted(tilted, shift, {W.row(row).data(), static_cast<std::size_t>(dim)});
  const Index partner = row % 2 == 0 ? row + 1 : row - 1;
  if (partner < m) W.row(partner) = -W.row(row);
  return W;
}

std::optional<std::string> AntitheticCoupling::caution(Trait trait) const {
  if (trait != Trait::kEven) return std::nullopt;
  return "the estimate of -w is that of w, so that m frequencies have the variance of m / 2 independent ones";
}

}  // namespace bochner
