#include "estimators/kernels/ard.h"

#include "core/check.h"

#include <stdexcept>
#include <utility>

namespace bochner {
namespace {

void require_length_scales(const Kernel& kernel, const std::vector<double>& length_scales) {
  if (!kernel.stationary()) {
    throw std::invalid_argument("ard: the kernel '" + kernel.describe() +
                                "' is not stationary, so it has no length-scale a dimension");
  }
  require_at_least(static_cast<Index>(length_scales.size()), 1, kernel.name(), "the number of length-scales");
  for (std::size_t j = 0; j < length_scales.size(); ++j) {
    const std::string parameter = "bandwidth[" + std::to_string(j) + "]";
    require_positive(length_scales[j], kernel.name(), parameter);
    require_positive(1 / length_scales[j], kernel.name(), "1 / " + parameter);
  }
}

}  // namespace

ArdKernel::ArdKernel(std::shared_ptr<const Kernel> kernel, std::vector<double> length_scales)
    : kernel_(std::move(kernel)), length_scales_(std::move(length_scales)), form_(kernel_->projection_form()) {
  require_length_scales(*kernel_, length_scales_);
  const std::vector<double> own = form_.scales;
  require_scales(own.size(), static_cast<Index>(length_scales_.size()), kernel_->name(), "bandwidth");
  form_.scales.resize(length_scales_.size());
  for (std::size_t j = 0; j < length_scales_.size(); ++j) {
    form_.scales[j] = own[own.size() == 1 ? 0 : j] / length_scales_[j];
  }
}

std::string ArdKernel::name() const { return kernel_->describe() + " over " + listed_numbers(length_scales_); }

SignedLog ArdKernel::value(std::span<const double> x, std::span<const double> y) const {
  require_scales(length_scales_.size(), static_cast<Index>(x.size()), kernel_->name(), "bandwidth");
  Matrix<double> scaled(2, static_cast<Index>(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double length = length_scales_[length_scales_.size() == 1 ? 0 : j];
    scaled(0, static_cast<Index>(j)) = x[j] / length;
    scaled(1, static_cast<Index>(j)) = y[j] / length;
  }
  return kernel_->value({scaled.row(0).data(), x.size()}, {scaled.row(1).data(), x.size()});
}

std::shared_ptr<const Kernel> with_length_scales(const std::shared_ptr<const Kernel>& kernel,
                                                 const std::vector<double>& length_scales) {
  require_length_scales(*kernel, length_scales);
  if (auto own = kernel->with_own_length_scales(length_scales)) return own;
  return std::make_shared<ArdKernel>(kernel, length_scales);
}

}  // namespace bochner
