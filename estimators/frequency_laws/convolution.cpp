#include "estimators/frequency_laws/convolution.h"

#include "core/sampling.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

namespace bochner {

ConvolutionLaw::ConvolutionLaw(std::vector<ScaledLaw> parts) : parts_(std::move(parts)), name_("convolution(") {
  for (const ScaledLaw& part : parts_) name_ += (&part == &parts_.front() ? "" : " * ") + part.text();
  name_ += ')';
}

std::optional<AngleMoments> ConvolutionLaw::moments(std::span<const double> u) const {
  AngleMoments sum;
  for (const ScaledLaw& part : parts_) {
    const auto own = part.moments(u);
    if (!own) return std::nullopt;
    sum = sum.plus(*own);
  }
  return sum;
}

std::optional<double> ConvolutionLaw::cosine_gap(std::span<const double> u) const {
  const auto sum = moments(u);
  return sum ? std::optional(sum->gap) : std::nullopt;
}

std::optional<double> ConvolutionLaw::cosine_variance(std::span<const double> u) const {
  const auto sum = moments(u);
  return sum ? std::optional(sum->variance) : std::nullopt;
}

std::optional<Vector<double>> ConvolutionLaw::mean_squares(Index dim) const {
  Vector<double> sum = Vector<double>::Zero(dim);
  for (const ScaledLaw& part : parts_) {
    const auto own = part.mean_squares(dim);
    if (!own) return std::nullopt;
    sum += *own;
  }
  return sum;
}

Index ConvolutionLaw::uniforms(Index dim) const {
  Index sum = 0;
  for (const ScaledLaw& part : parts_) {
    const Index own = part.law->uniforms(dim);
    if (own == 0) return 0;
    sum += own;
  }
  return sum;
}

void ConvolutionLaw::from_uniforms(std::span<const double> uniforms, std::span<double> w) const {
  std::vector<double> part_of(w.size());
  std::ranges::fill(w, 0.0);
  for (const ScaledLaw& part : parts_) {
    const auto own = static_cast<std::size_t>(part.law->uniforms(static_cast<Index>(w.size())));
    part.from_uniforms(uniforms.first(own), part_of);
    uniforms = uniforms.subspan(own);
    for (std::size_t j = 0; j < w.size(); ++j) w[j] += part_of[j];
  }
}

ConvolutionRadialLaw::ConvolutionRadialLaw(std::vector<ScaledLaw> parts) : parts_(std::move(parts)), any_(parts_) {}

void ConvolutionRadialLaw::draw_norms(Stream& stream, Index dim, std::span<double> norms) const {
  std::vector<double> direction(static_cast<std::size_t>(dim));
  for (double& norm : norms) {
    norm = 0;
    for (const ScaledLaw& part : parts_) {
      double own = 0;
      part.isotropic()->draw_norms(stream, dim, {&own, 1});
      own *= part.scales.front();
      // The sum so far lies along the first axis.
      fill_sphere(stream, direction);
      const double along = norm + own * direction[0];
      norm = std::hypot(along, own * std::sqrt(std::max(0.0, 1 - direction[0] * direction[0])));
    }
  }
}

SignedLog ConvolutionRadialLaw::mean(Shape shape, Index dim, double q) const {
  if (q == 0) return {1, 0};
  if (shape != Shape::kCos) return {1, std::numeric_limits<long double>::infinity()};
  SignedLog product{1, 0};
  for (const ScaledLaw& part : parts_) {
    const double scale = part.scales.front();
    const SignedLog own = part.isotropic()->mean(shape, dim, scale * scale * q);
    if (own.sign == 0) return {};
    product = {product.sign * own.sign, product.log + own.log};
  }
  return product;
}

SignedLog ConvolutionRadialLaw::variance(Shape shape, Index dim, double q) const {
  if (q == 0) return {};
  if (shape != Shape::kCos) return {1, std::numeric_limits<long double>::infinity()};
  Vector<double> u = Vector<double>::Zero(dim);
  u(0) = std::sqrt(q);
  return SignedLog::from(any_.cosine_variance({u.data(), static_cast<std::size_t>(dim)}).value());
}

std::shared_ptr<const FrequencyLaw> convolution_law(std::vector<ScaledLaw> parts) {
  const bool radial = std::ranges::all_of(parts, [](const ScaledLaw& part) { return part.isotropic(); });
  if (radial) return std::make_shared<ConvolutionRadialLaw>(std::move(parts));
  return std::make_shared<ConvolutionLaw>(std::move(parts));
}

}  // namespace bochner
