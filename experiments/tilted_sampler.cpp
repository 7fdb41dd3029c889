#include "experiments/tilted_sampler.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <vector>

namespace bochner {
namespace {

/// The lane of the mixture's choices. Couplings and radial laws use small lanes of the same stream.
constexpr std::uint64_t kChoiceLane = std::uint64_t{1} << 32;

/// Shares of the mixture; that of the plain draw bounds the weight, that of the squares sets the error of the MSE where
/// tails are heavy: (1 / share - 1) / trials, squared and relative.
constexpr double kPlainShare = 0.25;
constexpr double kSquareShare = 0.5;
constexpr double kErrorShare = 0.25;

}  // namespace

std::string TiltedSampler::obstacle(const Estimator& estimator, std::span<const double> x, std::span<const double> y) {
  if (estimator.features().tail_shifts(estimator.kernel(), x, y).empty()) {
    return "the features '" + estimator.features().name() + "' name no tail shifts";
  }
  if (!estimator.coupling().tiltable()) return "the coupling '" + estimator.coupling().name() + "' has no tilted draw";
  if (!estimator.radial().tiltable()) return "the radial law '" + estimator.radial().name() + "' has no tilted draw";
  return {};
}

TiltedSampler::TiltedSampler(const Estimator& estimator, Index m, std::span<const double> x, std::span<const double> y)
    : estimator_(estimator), m_(m) {
  const std::string reason = obstacle(estimator, x, y);
  if (!reason.empty()) throw std::invalid_argument(std::string("TiltedSampler: ") + reason);
  const std::vector<Vector<double>> shifts = estimator.features().tail_shifts(estimator.kernel(), x, y);
  shifts_.resize(0, static_cast<Index>(x.size()));
  add_shifts(shifts, 1, kSquareShare);
  add_shifts(shifts, 0.5, kErrorShare);
}

void TiltedSampler::add_shifts(const std::vector<Vector<double>>& shifts, double factor, double share) {
  const Index first = shifts_.rows(), count = static_cast<Index>(shifts.size()), dim = shifts_.cols();
  shifts_.conservativeResize(first + count, Eigen::NoChange);
  log_factors_.conservativeResize(first + count);
  for (Index k = 0; k < count; ++k) {
    const Vector<double> shift = factor * shifts[static_cast<std::size_t>(k)];
    shifts_.row(first + k) = shift.transpose();
    log_factors_(first + k) = std::log(share / static_cast<double>(count)) -
                              estimator_.radial().mean(Shape::kExp, dim, shift.squaredNorm()).log;
  }
}

TiltedSampler::Draw TiltedSampler::draw(const Stream& stream) const {
  const RadialLaw& radial = estimator_.radial();
  const Index dim = shifts_.cols();
  Stream choices = stream.lane(kChoiceLane);
  Draw result;
  const double component = choices.uniform();
  if (component < kPlainShare) {
    result.W = estimator_.coupling().draw(radial, m_, dim, 1, stream)->matrix();
  } else {
    const auto half = static_cast<std::uint64_t>(shifts_.rows() / 2);
    auto k = static_cast<Index>(choices.below(half));
    if (component >= kPlainShare + kSquareShare) k += shifts_.rows() / 2;
    const auto row = static_cast<Index>(choices.below(static_cast<std::uint64_t>(m_)));
    const std::span<const double> shift(shifts_.row(k).data(), static_cast<std::size_t>(dim));
    result.W = estimator_.coupling().draw_tilted(radial, m_, dim, row, shift, stream);
  }
  result.log_weight = log_weight(result.W);
  return result;
}

double TiltedSampler::log_weight(const Matrix<double>& W) const {
  Matrix<double> terms(W.rows(), shifts_.rows());
  terms.noalias() = W * shifts_.transpose();
  terms.rowwise() += log_factors_.transpose();
  // As logarithms: far in the tail the ratio q / p overflows, while its product with the squared error does not.
  const double log_rows = std::log(static_cast<double>(W.rows()));
  const double largest = std::max(0.0, terms.maxCoeff() - log_rows);
  return -largest - std::log(kPlainShare * std::exp(-largest) + (terms.array() - (largest + log_rows)).exp().sum());
}

}  // namespace bochner
