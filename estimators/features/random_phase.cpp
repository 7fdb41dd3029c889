#include "estimators/features/random_phase.h"

#include "core/simd/functions.h"

#include <cmath>
#include <numbers>
#include <utility>

namespace bochner {
namespace {

class RandomPhaseMap final : public ProjectedMap<RandomPhaseMap> {
 public:
  RandomPhaseMap(std::shared_ptr<const Projection> projection, Vector<double> phases,
                 const OneFrequencyEstimate& estimate, std::string description)
      : ProjectedMap(std::move(projection), estimate, std::move(description)), phases_(std::move(phases)) {}
  static constexpr Form kForm = Form::kValues;
  static constexpr bool kPullsBackProjections = true;  // a cosine does not tell the sign of its sine
  static Index columns(Index m) { return m; }
  static double weight(Index m) { return static_cast<double>(m) / 2; }
  template <class Scalar>
  void spread(MutableMatrixView<Scalar>& features, Index m) const {
    Vector<Scalar> sines(m);
    const auto count = static_cast<std::size_t>(m);
    features.rowwise() += phases_.transpose().cast<Scalar>();
    for (Index i = 0; i < features.rows(); ++i) {
      const std::span<Scalar> cosines{features.row(i).data(), count};
      simd::sin_cos<Scalar>(cosines, {sines.data(), count}, cosines);
    }
  }
  template <class Scalar>
  void pull_back(const MatrixView<Scalar>& projections, MutableMatrixView<Scalar>& d_features, Index m) const {
    Vector<Scalar> sines(m), cosines(m);
    const auto count = static_cast<std::size_t>(m);
    for (Index i = 0; i < projections.rows(); ++i) {
      sines = projections.row(i).transpose() + phases_.cast<Scalar>();
      simd::sin_cos<Scalar>({sines.data(), count}, {sines.data(), count}, {cosines.data(), count});
      d_features.row(i) = -d_features.row(i).cwiseProduct(sines.transpose());
    }
  }

 private:
  Vector<double> phases_;
};

/// The estimate cos(w.(x - y)) of the first term of a product.
OneFrequencyEstimate cosine_estimate(const Kernel& kernel, const std::string& features) {
  return estimate_for(kernel, {.shape = Shape::kCos, .sign = -1, .exponent = 0.5}, features);
}

}  // namespace

void RandomPhaseFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  FeatureFamily::require_compatible(kernel, coupling);
  static_cast<void>(cosine_estimate(kernel, name()));
}

std::shared_ptr<const FeatureMap> RandomPhaseFeatures::draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                            const Coupling& coupling, Index m, Index dim,
                                                            const Stream& stream) const {
  Vector<double> phases(m);
  stream.purpose(Purpose::kPhases).fill_uniform({phases.data(), static_cast<std::size_t>(m)});
  phases *= 2 * std::numbers::pi;
  auto projection = scaled(coupling.draw(*frequencies, m, dim, stream), kernel.projection_form().scales);
  std::string description = describe_map(kernel, *projection);
  return std::make_shared<RandomPhaseMap>(std::move(projection), std::move(phases), cosine_estimate(kernel, name()),
                                          std::move(description));
}

std::optional<Law> RandomPhaseFeatures::law(const Kernel& kernel, const FrequencyLaw* frequencies,
                                            const Coupling& coupling, Index m, std::span<const double> x,
                                            std::span<const double> y) const {
  const auto one = laws(kernel, frequencies, coupling, {&m, 1}, x, y);
  if (one.empty()) return std::nullopt;
  return one.front();
}

std::vector<Law> RandomPhaseFeatures::laws(const Kernel& kernel, const FrequencyLaw* frequencies,
                                           const Coupling& coupling, std::span<const Index> m,
                                           std::span<const double> x, std::span<const double> y) const {
  const OneFrequencyEstimate estimate = cosine_estimate(kernel, name());
  std::vector<Law> laws = one_frequency_laws(estimate, kernel, *frequencies, coupling, m, x, y);
  const double noise = SignedLog::positive(2 * estimate.log_prefactor(x, y) - std::numbers::ln2_v<long double>).value();
  for (std::size_t k = 0; k < laws.size(); ++k) {
    Law& law = laws[k];
    law.variance += noise / static_cast<double>(m[k]);
    law.mse = law.variance + law.bias * law.bias;
    law.iid_kurtosis.reset();  // that of the first term alone
  }
  return laws;
}

}  // namespace bochner
