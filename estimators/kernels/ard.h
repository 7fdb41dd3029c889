#pragma once

#include "estimators/kernel.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// K(x / length_scales, y / length_scales), coordinate by coordinate: a stationary kernel with one length-scale a
/// dimension. Its estimates are those of the kernel at the scaled points, and so are its laws.
class ArdKernel final : public Kernel {
 public:
  /// Throws std::invalid_argument for a kernel that is not stationary, std::domain_error unless every scale is finite
  /// and > 0.
  ArdKernel(std::shared_ptr<const Kernel> kernel, std::vector<double> length_scales);

  /// The kernel and the scales, since scales are no parameters of a name.
  std::string name() const override;
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return kernel_->frequency_law(); }
  ProjectionForm projection_form() const override { return form_; }
  bool allows(Shape shape) const override { return kernel_->allows(shape); }
  bool stationary() const override { return true; }
  bool is_mean_of(Shape shape, const FrequencyLaw& law) const override { return kernel_->is_mean_of(shape, law); }

 private:
  std::shared_ptr<const Kernel> kernel_;
  std::vector<double> length_scales_;
  ProjectionForm form_;
};

/// The kernel with one length-scale a coordinate beside its own. Throws as ArdKernel does.
std::shared_ptr<const Kernel> with_length_scales(const std::shared_ptr<const Kernel>& kernel,
                                                 const std::vector<double>& length_scales);

}  // namespace bochner
