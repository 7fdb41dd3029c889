#include "estimators/estimator.h"

#include "core/check.h"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

template <class Part>
void require_part(const char* parameter, const std::shared_ptr<Part>& part) {
  if (!part) throw std::invalid_argument(std::string("Estimator: ") + parameter + " is null; expected a component");
}

}  // namespace

Estimator::Estimator(std::shared_ptr<const Kernel> kernel, std::shared_ptr<const FeatureFamily> features,
                     std::shared_ptr<const Coupling> coupling, std::shared_ptr<const RadialLaw> radial)
    : kernel_(std::move(kernel)),
      features_(std::move(features)),
      coupling_(std::move(coupling)),
      frequencies_(std::move(radial)) {
  require_part("kernel", kernel_);
  require_part("features", features_);
  require_part("coupling", coupling_);
  features_->require_compatible(*kernel_, *coupling_);
  if (!features_->has_frequencies() && frequencies_) {
    throw std::invalid_argument("Estimator: features '" + features_->name() +
                                "' have no frequencies; expected no radial law, got '" + frequencies_->name() + "'");
  }
  if (!frequencies_ && features_->has_frequencies()) frequencies_ = kernel_->frequency_law();
  if (frequencies_) {
    features_->require_frequencies(*kernel_, *frequencies_);
    coupling_->require_drawable(*frequencies_, "Estimator");
  }
}

std::shared_ptr<const FeatureMap> Estimator::draw(Index dim, Index m, std::uint64_t seed, std::uint64_t trial) const {
  require_at_least(dim, 1, "draw", "dim");
  require_at_least(m, 1, "draw", "m");
  require_scales(kernel_->projection_form().scales.size(), dim, "draw", "the kernel's bandwidth");
  const Stream stream(seed, Purpose::kFrequencies, trial);
  return features_->draw(*kernel_, frequencies_.get(), *coupling_, m, dim, stream);
}

std::vector<std::shared_ptr<const FeatureMap>> Estimator::draw_each(Index dim, std::span<const Index> m,
                                                                    std::uint64_t seed, std::uint64_t trial) const {
  std::vector<std::shared_ptr<const FeatureMap>> maps;
  maps.reserve(m.size());
  if (m.size() == 1 || !features_->projected() || !coupling_->prefixes_are_draws()) {
    for (const Index size : m) maps.push_back(draw(dim, size, seed, trial));
    return maps;
  }
  require_at_least(dim, 1, "draw_each", "dim");
  for (const Index size : m) require_at_least(size, 1, "draw_each", "m");
  const Stream stream(seed, Purpose::kFrequencies, trial);
  const Index largest = m.empty() ? 1 : *std::max_element(m.begin(), m.end());
  const Matrix<double> W =
      scaled(coupling_->draw(*frequencies_, largest, dim, stream), kernel_->projection_form().scales)->matrix();
  for (const Index size : m) {
    maps.push_back(features_->make(*kernel_, std::make_shared<DenseProjection>(W.topRows(size))));
  }
  return maps;
}

std::shared_ptr<const FeatureMap> Estimator::map_of(const Matrix<double>& W) const {
  return features_->make(*kernel_, scaled(std::make_shared<DenseProjection>(W), kernel_->projection_form().scales));
}

Law Estimator::law(std::span<const double> x, std::span<const double> y, Index m) const {
  return laws(x, y, {&m, 1}).front();
}

std::vector<Law> Estimator::laws(std::span<const double> x, std::span<const double> y, std::span<const Index> m) const {
  require_at_least(static_cast<Index>(m.size()), 1, "law", "the number of m");
  for (const Index size : m) require_at_least(size, 1, "law", "m");
  if (x.size() != y.size() || x.empty()) {
    throw std::invalid_argument("law: x has " + std::to_string(x.size()) + " and y " + std::to_string(y.size()) +
                                " entries; expected the same number >= 1");
  }
  require_scales(kernel_->projection_form().scales.size(), static_cast<Index>(x.size()), "law",
                 "the kernel's bandwidth");
  using Row = Eigen::Map<const Matrix<double>>;
  const auto dim = static_cast<Index>(x.size());
  require_in_range<double>(kernel_->input_range(), Row(x.data(), 1, dim), "law", "x");
  require_in_range<double>(kernel_->input_range(), Row(y.data(), 1, dim), "law", "y");
  auto laws = features_->laws(*kernel_, frequencies_.get(), *coupling_, m, x, y);
  if (laws.empty()) throw NoLawError("law: no exact law is known of " + describe());
  return laws;
}

bool Estimator::has_law() const {
  if (!features_->fitted()) return false;
  // In as many dimensions as the kernel has length-scales, or the data that the features were fitted to.
  const auto fitted = static_cast<std::size_t>(features_->fitted_dim().value_or(2));
  std::vector<double> x(std::max(fitted, kernel_->projection_form().scales.size()), 0.25);
  x.front() = 0.5;
  const std::vector<double> y(x.size(), 0.125);
  return features_->law(*kernel_, frequencies_.get(), *coupling_, 2, x, y).has_value();
}

std::vector<std::string> Estimator::cautions() const {
  std::vector<std::string> reasons;
  for (const Trait trait : features_->traits(*kernel_)) {
    if (const auto reason = coupling_->caution(trait)) {
      reasons.push_back("features '" + features_->name() + "' with the coupling '" + coupling_->name() +
                        "': " + *reason);
    }
  }
  return reasons;
}

std::string Estimator::describe() const {
  return "kernel=" + kernel_->describe() + ", features=" + features_->describe() +
         ", coupling=" + coupling_->describe() + (frequencies_ ? ", frequencies=" + frequencies_->describe() : "");
}

}  // namespace bochner
