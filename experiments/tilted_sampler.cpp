#include "experiments/tilted_sampler.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace bochner {
namespace {

/// The lane of the mixture's choices. Couplings and radial laws use small lanes of the same stream.
constexpr std::uint64_t kChoiceLane = std::uint64_t{1} << 32;

/// The share of the plain draw: it bounds the weight by 4. The rest sets the error where tails are heavy, 1 / (share of
/// the shift that carries it) - 1 over trials, squared and relative.
constexpr double kPlainShare = 0.25;

}  // namespace

std::string TiltedSampler::obstacle(const Estimator& estimator, std::span<const double> x, std::span<const double> y) {
  if (estimator.features().tail_shifts(estimator.kernel(), x, y).empty()) {
    return "the features '" + estimator.features().name() + "' name no tail shifts";
  }
  if (!estimator.coupling().tiltable()) return "the coupling '" + estimator.coupling().name() + "' has no tilted draw";
  const FrequencyLaw* law = estimator.frequency_law();
  if (!law || !law->isotropic() || !law->isotropic()->tiltable()) {
    return "the frequency law '" + (law ? law->name() : "none") + "' has no tilted draw";
  }
  return {};
}

TiltedSampler::TiltedSampler(const Estimator& estimator, Index m, std::span<const double> x, std::span<const double> y)
    : estimator_(estimator), m_(m) {
  const std::string reason = obstacle(estimator, x, y);
  if (!reason.empty()) throw std::invalid_argument(std::string("TiltedSampler: ") + reason);
  const std::vector<Vector<double>> shifts = estimator.features().tail_shifts(estimator.kernel(), x, y);
  const auto dim = static_cast<Index>(x.size());
  shifts_.resize(static_cast<Index>(shifts.size()), dim);
  log_normalisers_.resize(shifts_.rows());
  for (Index k = 0; k < shifts_.rows(); ++k) {
    shifts_.row(k) = shifts[static_cast<std::size_t>(k)].transpose();
    log_normalisers_(k) = static_cast<double>(
        estimator.frequency_law()->isotropic()->mean(Shape::kExp, dim, shifts_.row(k).squaredNorm()).log);
  }
}

TiltedSampler::Draw TiltedSampler::draw(const Stream& stream) const {
  const RadialLaw& radial = *estimator_.frequency_law()->isotropic();
  const Index dim = shifts_.cols();
  Stream choices = stream.lane(kChoiceLane);
  Draw result;
  if (choices.uniform() < kPlainShare) {
    result.W = estimator_.coupling().draw(radial, m_, dim, stream)->matrix();
  } else {
    const auto row = static_cast<Index>(choices.below(static_cast<std::uint64_t>(m_)));
    const auto k = static_cast<Index>(choices.below(static_cast<std::uint64_t>(shifts_.rows())));
    const std::span<const double> shift(shifts_.row(k).data(), static_cast<std::size_t>(dim));
    result.W = estimator_.coupling().draw_tilted(radial, m_, dim, row, shift, stream);
  }
  result.log_weight = log_weight(result.W);
  return result;
}

double TiltedSampler::log_weight(const Matrix<double>& W) const {
  Matrix<double> logs(W.rows(), shifts_.rows());
  logs.noalias() = W * shifts_.transpose();
  logs.rowwise() -= log_normalisers_.transpose();
  // As logarithms: far in the tail the ratio q / p overflows, while its product with the squared error does not.
  const double largest = std::max(0.0, logs.maxCoeff());
  const double tilted = (logs.array() - largest).exp().mean();
  return -largest - std::log(kPlainShare * std::exp(-largest) + (1 - kPlainShare) * tilted);
}

}  // namespace bochner
