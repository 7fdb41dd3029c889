#include "estimators/kernels/composition.h"

#include "core/check.h"
#include "estimators/frequency_laws/convolution.h"
#include "estimators/frequency_laws/mixture.h"

#include <cmath>
#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

using Parts = std::vector<std::shared_ptr<const Kernel>>;

/// The parts, if they can be composed.
Parts require_stationary(Parts parts, const std::string& composition, const std::string& reason) {
  require_at_least(static_cast<Index>(parts.size()), 1, composition, "the number of kernels");
  for (const auto& part : parts) {
    if (part->stationary()) continue;
    throw std::invalid_argument(composition + ": the kernel '" + part->describe() + "' is not stationary; " + reason);
  }
  return parts;
}

double total_amplitude(const Parts& parts) {
  double total = 0;
  for (const auto& part : parts) total += part->projection_form().amplitude;
  return total;
}

double product_of_amplitudes(const Parts& parts) {
  double product = 1;
  for (const auto& part : parts) product *= part->projection_form().amplitude;
  return product;
}

std::shared_ptr<const FrequencyLaw> law_of_sum(const Parts& parts) {
  const double total = total_amplitude(parts);
  std::vector<WeightedLaw> laws;
  for (const auto& part : parts) {
    const ProjectionForm form = part->projection_form();
    laws.push_back({form.amplitude / total, {part->frequency_law(), form.scales}});
  }
  return mixture_law(std::move(laws));
}

std::shared_ptr<const FrequencyLaw> law_of_product(const Parts& parts) {
  std::vector<ScaledLaw> laws;
  for (const auto& part : parts) laws.push_back({part->frequency_law(), part->projection_form().scales});
  return convolution_law(std::move(laws));
}

std::string joined(const Parts& parts, const std::string& operation) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "(" : operation) + part->describe();
  return text + ")";
}

}  // namespace

SumKernel::SumKernel(Parts parts)
    : parts_(std::move(parts)),
      law_(law_of_sum(require_stationary(parts_, "sum",
                                         "features of a sum are drawn from the mixture of the spectral "
                                         "measures of its parts, and this one has none"))),
      amplitude_(total_amplitude(parts_)) {
  require_positive(amplitude_, "sum", "amplitude");
}

std::string SumKernel::name() const { return joined(parts_, " + "); }

SignedLog SumKernel::value(std::span<const double> x, std::span<const double> y) const {
  SignedLog sum;
  for (const auto& part : parts_) sum = sum + part->value(x, y);
  return sum;
}

ProductKernel::ProductKernel(Parts parts)
    : parts_(std::move(parts)),
      law_(law_of_product(require_stationary(parts_, "product",
                                             "frequencies of a product are sums of those of its "
                                             "parts only where all are functions of x - y"))),
      amplitude_(product_of_amplitudes(parts_)) {
  require_positive(amplitude_, "product", "amplitude");
}

std::string ProductKernel::name() const { return joined(parts_, " * "); }

SignedLog ProductKernel::value(std::span<const double> x, std::span<const double> y) const {
  SignedLog product{1, 0};
  for (const auto& part : parts_) {
    const SignedLog own = part->value(x, y);
    if (own.sign == 0) return {};
    product = {product.sign * own.sign, product.log + own.log};
  }
  return product;
}

ScaledKernel::ScaledKernel(double amplitude, std::shared_ptr<const Kernel> kernel)
    : amplitude_(amplitude), kernel_(std::move(kernel)) {
  require_positive(amplitude, "scaled", "amplitude");
  require_positive(amplitude * kernel_->projection_form().amplitude, "scaled", "the product of amplitudes");
}

std::string ScaledKernel::name() const { return component_number(amplitude_) + " * " + kernel_->describe(); }

SignedLog ScaledKernel::value(std::span<const double> x, std::span<const double> y) const {
  return kernel_->value(x, y).scaled(std::log(static_cast<long double>(amplitude_)));
}

ProjectionForm ScaledKernel::projection_form() const {
  ProjectionForm form = kernel_->projection_form();
  form.amplitude *= amplitude_;
  return form;
}

}  // namespace bochner
