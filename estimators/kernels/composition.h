#pragma once

#include "estimators/kernel.h"

#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// K_1 + K_2 + ...: stationary kernels, whose frequencies are those of part i with probability amplitude_i / total, the
/// total being its amplitude.
class SumKernel final : public Kernel {
 public:
  /// Throws std::invalid_argument without kernels, or for one that is not stationary.
  explicit SumKernel(std::vector<std::shared_ptr<const Kernel>> parts);

  std::string name() const override;
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return law_; }
  ProjectionForm projection_form() const override { return {{1.0}, -0.5, amplitude_}; }
  bool allows(Shape shape) const override { return shape == Shape::kCos; }
  bool stationary() const override { return true; }

 private:
  std::vector<std::shared_ptr<const Kernel>> parts_;
  std::shared_ptr<const FrequencyLaw> law_;
  double amplitude_;
};

/// K_1 K_2 ...: stationary kernels, whose frequencies add up. (Multiplying features instead would multiply their number
/// and their variances.)
class ProductKernel final : public Kernel {
 public:
  /// Throws std::invalid_argument without kernels, or for one that is not stationary.
  explicit ProductKernel(std::vector<std::shared_ptr<const Kernel>> parts);

  std::string name() const override;
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return law_; }
  ProjectionForm projection_form() const override { return {{1.0}, -0.5, amplitude_}; }
  bool allows(Shape shape) const override { return shape == Shape::kCos; }
  bool stationary() const override { return true; }

 private:
  std::vector<std::shared_ptr<const Kernel>> parts_;
  std::shared_ptr<const FrequencyLaw> law_;
  double amplitude_;
};

/// amplitude K, of any kernel: its estimates times the amplitude.
class ScaledKernel final : public Kernel {
 public:
  /// Throws std::domain_error unless amplitude is finite and > 0.
  ScaledKernel(double amplitude, std::shared_ptr<const Kernel> kernel);

  std::string name() const override;
  SignedLog value(std::span<const double> x, std::span<const double> y) const override;
  InputRange input_range() const override { return kernel_->input_range(); }
  std::shared_ptr<const FrequencyLaw> frequency_law() const override { return kernel_->frequency_law(); }
  ProjectionForm projection_form() const override;
  bool allows(Shape shape) const override { return kernel_->allows(shape); }
  bool stationary() const override { return kernel_->stationary(); }
  bool is_mean_of(Shape shape, const FrequencyLaw& law) const override { return kernel_->is_mean_of(shape, law); }
  const Kernel& unscaled() const override { return kernel_->unscaled(); }

 private:
  double amplitude_;
  std::shared_ptr<const Kernel> kernel_;
};

}  // namespace bochner
