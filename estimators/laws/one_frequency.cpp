#include "estimators/laws/one_frequency.h"

#include "core/signed_log.h"

#include <cmath>
#include <utility>
#include <vector>

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

/// Cov(f(w1.u), f(w2.u)) by cosine, each evaluated once.
class Covariances {
 public:
  Covariances(const RadialLaw& radial, Shape shape, Index dim, double argument)
      : radial_(radial), shape_(shape), dim_(dim), argument_(argument) {}

  std::optional<SignedLog> at(double cosine) {
    for (const auto& [known, covariance] : known_) {
      if (known == cosine) return covariance;
    }
    return known_.emplace_back(cosine, radial_.covariance(shape_, dim_, argument_, cosine)).second;
  }

 private:
  const RadialLaw& radial_;
  Shape shape_;
  Index dim_;
  double argument_;
  std::vector<std::pair<double, std::optional<SignedLog>>> known_;
};

/// The variance of the mean of f(w_i.u) over m rows, that of one row given.
std::optional<SignedLog> mean_variance(const SignedLog& of_one, Covariances& covariances, const Coupling& coupling,
                                       Index m, Index dim) {
  const auto groups = coupling.dependent_pairs(m, dim);
  if (!groups) return std::nullopt;
  const double log_m = std::log(static_cast<double>(m));
  SignedLog variance = of_one.scaled(-log_m);
  for (const PairGroup& group : *groups) {
    if (group.pairs == 0) continue;
    const auto covariance = covariances.at(group.cosine);
    if (!covariance) return std::nullopt;
    variance = variance + covariance->scaled(std::log(group.pairs) - 2 * log_m);
  }
  // A variance that is exactly zero (d = 1, m frequencies of one norm) may round below it.
  return variance.sign < 0 ? SignedLog{} : variance;
}

}  // namespace

std::vector<Law> one_frequency_laws(const OneFrequencyEstimate& estimate, const Kernel& kernel, const RadialLaw& radial,
                                    const Coupling& coupling, std::span<const Index> m, std::span<const double> x,
                                    std::span<const double> y) {
  const Index dim = static_cast<Index>(x.size());
  const auto [argument, norms] = geometry_of(estimate, x, y);
  const double prefactor = estimate.exponent * norms;
  const SignedLog mean = radial.mean(estimate.shape, dim, argument).scaled(prefactor);
  const SignedLog bias = kernel.is_mean_of(estimate.shape, radial) ? SignedLog{} : mean - kernel.value(x, y);
  const SignedLog of_one = radial.variance(estimate.shape, dim, argument);
  const auto kurtosis = radial.kurtosis(estimate.shape, dim, argument);
  Covariances covariances(radial, estimate.shape, dim, argument);

  std::vector<Law> laws;
  for (const Index size : m) {
    const auto variance = mean_variance(of_one, covariances, coupling, size, dim);
    if (!variance) return {};
    Law law;
    law.mean = mean.value();
    law.variance = variance->scaled(2 * prefactor).value();
    law.bias = bias.value();
    law.mse = law.variance + law.bias * law.bias;
    if (kurtosis) law.iid_kurtosis = 3 + (*kurtosis - 3) / static_cast<double>(size);
    laws.push_back(law);
  }
  return laws;
}

std::optional<Law> one_frequency_law(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                     const RadialLaw& radial, const Coupling& coupling, Index m,
                                     std::span<const double> x, std::span<const double> y) {
  const auto laws = one_frequency_laws(estimate, kernel, radial, coupling, {&m, 1}, x, y);
  if (laws.empty()) return std::nullopt;
  return laws.front();
}

}  // namespace bochner
