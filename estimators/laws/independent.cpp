#include "estimators/laws/independent.h"

#include <algorithm>
#include <cmath>

namespace bochner {

bool independent(const Coupling& coupling, Index m, Index dim) {
  const auto groups = coupling.dependent_pairs(m, dim);
  return groups && std::all_of(groups->begin(), groups->end(), [](const PairGroup& group) { return group.pairs == 0; });
}

Law independent_law(const SignedLog& mean, const SignedLog& variance, Index m) {
  const double value = variance.scaled(-std::log(static_cast<long double>(m))).value();
  return {mean.value(), value, 0, value, {}};
}

}  // namespace bochner
