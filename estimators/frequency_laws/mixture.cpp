#include "estimators/frequency_laws/mixture.h"

#include "core/check.h"
#include "estimators/laws/right_angle.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace bochner {
namespace {

/// The part that a uniform number chooses.
const ScaledLaw& chosen(const std::vector<WeightedLaw>& parts, double uniform) {
  double below = 0;
  for (const WeightedLaw& part : parts) {
    below += part.weight;
    if (uniform < below) return part.part;
  }
  return parts.back().part;
}

}  // namespace

MixtureLaw::MixtureLaw(std::vector<WeightedLaw> parts) : parts_(std::move(parts)), name_("mixture(") {
  for (const WeightedLaw& part : parts_) {
    name_ += (&part == &parts_.front() ? "" : " + ") + component_number(part.weight) + " " + part.part.text();
  }
  name_ += ')';
}

std::optional<double> MixtureLaw::cosine_gap(std::span<const double> u) const {
  double gap = 0;
  for (const WeightedLaw& part : parts_) {
    const auto moments = part.part.moments(u);
    if (!moments) return std::nullopt;
    gap += part.weight * moments->gap;
  }
  return gap;
}

std::optional<double> MixtureLaw::cosine_variance(std::span<const double> u) const {
  const auto gap = cosine_gap(u);
  if (!gap) return std::nullopt;
  double variance = 0;
  for (const WeightedLaw& part : parts_) {
    const AngleMoments moments = *part.part.moments(u);
    variance += part.weight * (moments.variance + (moments.gap - *gap) * (moments.gap - *gap));
  }
  return variance;
}

std::optional<Vector<double>> MixtureLaw::mean_squares(Index dim) const {
  Vector<double> sum = Vector<double>::Zero(dim);
  for (const WeightedLaw& part : parts_) {
    const auto own = part.part.mean_squares(dim);
    if (!own) return std::nullopt;
    sum += part.weight * *own;
  }
  return sum;
}

Index MixtureLaw::uniforms(Index dim) const {
  Index most = 0;
  for (const WeightedLaw& part : parts_) {
    const Index own = part.part.law->uniforms(dim);
    if (own == 0) return 0;
    most = std::max(most, own);
  }
  return 1 + most;
}

void MixtureLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  for (const WeightedLaw& part : parts_) {
    // Of every part, since a draw may happen to choose none of one that does not fit.
    require_scales(part.part.scales.size(), static_cast<Index>(w.size()), part.part.law->name(), "bandwidth");
  }
  const ScaledLaw& part = chosen(parts_, uniforms[0]);
  part.from_uniforms(uniforms.subspan(1, static_cast<std::size_t>(part.law->uniforms(static_cast<Index>(w.size())))),
                     w);
}

MixtureRadialLaw::MixtureRadialLaw(std::vector<WeightedLaw> parts) : parts_(std::move(parts)), any_(parts_) {}

void MixtureRadialLaw::draw_norms(Stream& stream, Index dim, std::span<double> norms) const {
  for (double& norm : norms) {
    const ScaledLaw& part = chosen(parts_, open_uniform(stream));
    part.isotropic()->draw_norms(stream, dim, {&norm, 1});
    norm *= part.scales.front();
  }
}

SignedLog MixtureRadialLaw::mean(Shape shape, Index dim, double q) const {
  if (q == 0) return {1, 0};
  if (shape != Shape::kCos) return {1, std::numeric_limits<long double>::infinity()};
  return *harmonic(shape, dim, 0, q);
}

SignedLog MixtureRadialLaw::variance(Shape shape, Index dim, double q) const {
  if (q == 0) return {};
  if (shape != Shape::kCos) return {1, std::numeric_limits<long double>::infinity()};
  Vector<double> u = Vector<double>::Zero(dim);
  u(0) = std::sqrt(q);
  return SignedLog::from(any_.cosine_variance({u.data(), static_cast<std::size_t>(dim)}).value());
}

std::optional<SignedLog> MixtureRadialLaw::covariance(Shape shape, Index dim, double q, double cosine) const {
  if (shape != Shape::kCos || cosine != 0) return std::nullopt;
  return right_angle_covariance(*this, dim, q);
}

std::optional<SignedLog> MixtureRadialLaw::harmonic(Shape shape, Index dim, Index degree, double q) const {
  if (shape != Shape::kCos) return std::nullopt;
  SignedLog sum;
  for (const WeightedLaw& part : parts_) {
    const double scale = part.part.scales.front();
    const std::optional<SignedLog> own = degree == 0
                                             ? part.part.isotropic()->mean(shape, dim, scale * scale * q)
                                             : part.part.isotropic()->harmonic(shape, dim, degree, scale * scale * q);
    if (!own) return std::nullopt;
    sum = sum + own->scaled(std::log(part.weight));
  }
  return sum;
}

std::shared_ptr<const FrequencyLaw> mixture_law(std::vector<WeightedLaw> parts) {
  const bool radial = std::ranges::all_of(parts, [](const WeightedLaw& part) { return part.part.isotropic(); });
  if (radial) return std::make_shared<MixtureRadialLaw>(std::move(parts));
  return std::make_shared<MixtureLaw>(std::move(parts));
}

}  // namespace bochner
