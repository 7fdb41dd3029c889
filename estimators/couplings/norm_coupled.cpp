#include "estimators/couplings/norm_coupled.h"

#include "core/orthogonal.h"

#include <stdexcept>

namespace bochner {
namespace {

double quantile_of(const RadialLaw& radial, Index dim, double lower, double upper, const std::string& who) {
  const auto norm = radial.norm_quantile(dim, lower, upper);
  if (norm) return *norm;
  throw std::invalid_argument(who + ": the coupling 'norm_coupled': the radial law '" + radial.describe() +
                              "' does not know its quantiles");
}

}  // namespace

void NormCoupledCoupling::require_drawable(const FrequencyLaw& law, const std::string& who) const {
  Coupling::require_drawable(law, who);
  quantile_of(*law.isotropic(), 2, 0.5, 0.5, who);
}

std::shared_ptr<const Projection> NormCoupledCoupling::draw(const FrequencyLaw& law, Index m, Index dim,
                                                            const Stream& stream) const {
  const RadialLaw& radial = require_isotropic(law, name());
  Stream directions = stream.lane(0);
  Stream norms = stream.lane(1);
  Matrix<double> W = haar_blocks(directions, m, dim);
  double lower = 0;
  double upper = 0;
  for (Index i = 0; i < m; ++i) {
    if (i % dim % 2 == 0) {
      // The middle of a cell of width 2^-53, so that neither it nor what it lacks of 1 is 0.
      lower = norms.uniform() + 0x1p-54;
      upper = 1 - lower;
      W.row(i) *= quantile_of(radial, dim, lower, upper, "draw");
    } else {
      W.row(i) *= quantile_of(radial, dim, upper, lower, "draw");
    }
  }
  return std::make_shared<DenseProjection>(std::move(W));
}

std::optional<std::vector<PairGroup>> NormCoupledCoupling::dependent_pairs(Index m, Index dim) const {
  const Index whole = m / dim;
  const auto blocks = static_cast<double>(whole);
  const auto d = static_cast<double>(dim);
  const auto last = static_cast<double>(m % dim);
  const auto even_of = [](Index rows) { return static_cast<double>(rows - rows % 2); };
  const double all = blocks * d * (d - 1) + last * (last - 1);
  const double coupled = blocks * even_of(dim) + even_of(m % dim);
  return std::vector<PairGroup>{{all - coupled, 0, NormRelation::kIndependent},
                                {coupled, 0, NormRelation::kAntimonotone}};
}

std::optional<std::string> NormCoupledCoupling::caution(Trait trait) const {
  if (trait != Trait::kWeightsNorms) return std::nullopt;
  return "norms are coupled for estimates that grow with them, and a weight that is a function of the norm undoes it: "
         "neither a gain nor a law is known; 'orthogonal' has both";
}

}  // namespace bochner
