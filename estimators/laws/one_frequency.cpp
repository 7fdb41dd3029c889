#include "estimators/laws/one_frequency.h"

#include "core/signed_log.h"

#include <cmath>
#include <limits>

namespace bochner {
namespace {

/// |x' + sign y'|^2 and |x'|^2 + |y'|^2. The first is summed from differences, since it decides everything and may be
/// far smaller than the second.
struct Geometry {
  double argument = 0;
  double norms = 0;
};

Geometry geometry_of(const OneFrequencyEstimate& estimate, std::span<const double> x, std::span<const double> y) {
  Geometry geometry;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double sum = x[j] + estimate.sign * y[j];
    geometry.argument += sum * sum;
    geometry.norms += x[j] * x[j] + y[j] * y[j];
  }
  geometry.argument *= estimate.scale * estimate.scale;
  geometry.norms *= estimate.scale * estimate.scale;
  return geometry;
}

}  // namespace

std::optional<Law> one_frequency_law(const OneFrequencyEstimate& estimate, const Kernel& kernel, const RadialLaw& radial,
                                     const Coupling& coupling, Index m, std::span<const double> x, std::span<const double> y) {
  const Index dim = static_cast<Index>(x.size());
  const auto groups = coupling.dependent_pairs(m, dim);
  if (!groups) return std::nullopt;

  const auto [argument, norms] = geometry_of(estimate, x, y);
  const double prefactor = estimate.exponent * norms;
  const double log_m = std::log(static_cast<double>(m));

  SignedLog variance = radial.variance(estimate.shape, dim, argument).scaled(-log_m);
  for (const PairGroup& group : *groups) {
    if (group.pairs == 0) continue;
    const auto covariance = radial.covariance(estimate.shape, dim, argument, group.cosine);
    if (!covariance) return std::nullopt;
    variance = variance + covariance->scaled(std::log(group.pairs) - 2 * log_m);
  }
  // A variance that is exactly zero (d = 1, m frequencies of one norm) may round below it.
  if (variance.sign < 0) variance = {};

  const SignedLog mean = radial.mean(estimate.shape, dim, argument).scaled(prefactor);
  const SignedLog bias = kernel.is_mean_of(estimate.shape, radial) ? SignedLog{} : mean - kernel.value(x, y);

  Law law;
  law.mean = mean.value();
  law.variance = variance.scaled(2 * prefactor).value();
  law.bias = bias.value();
  law.mse = law.variance + law.bias * law.bias;
  if (const auto kurtosis = radial.kurtosis(estimate.shape, dim, argument)) {
    law.iid_kurtosis = 3 + (*kurtosis - 3) / static_cast<double>(m);
  }
  return law;
}

}  // namespace bochner
