#include "estimators/kernels/stationary.h"

#include "core/check.h"

#include <utility>

namespace bochner {

StationaryKernel::StationaryKernel(std::shared_ptr<const FrequencyLaw> law, std::vector<double> scales,
                                   Parameters parameters)
    : law_(std::move(law)), scales_(std::move(scales)), parameters_(std::move(parameters)) {}

SignedLog StationaryKernel::value(std::span<const double> x, std::span<const double> y) const {
  Vector<double> u(static_cast<Index>(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) {
    u(static_cast<Index>(j)) = scales_[scales_.size() == 1 ? 0 : j] * (x[j] - y[j]);
  }
  return SignedLog::positive(log_value({u.data(), x.size()}));
}

IsotropicKernel::IsotropicKernel(const std::shared_ptr<const RadialLaw>& law, double scale, Parameters parameters)
    : StationaryKernel(law, {scale}, std::move(parameters)), radial_(law), scale_(scale) {}

SignedLog IsotropicKernel::value(std::span<const double> x, std::span<const double> y) const {
  double distance = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const double u = scale_ * (x[j] - y[j]);
    distance += u * u;
  }
  return radial_->mean(Shape::kCos, static_cast<Index>(x.size()), distance);
}

long double IsotropicKernel::log_value(std::span<const double> u) const {
  return radial_->mean(Shape::kCos, static_cast<Index>(u.size()), squared_norm(u)).log;
}

double inverse_length(double value, const std::string& kernel, const std::string& parameter) {
  require_positive(value, kernel, parameter);
  require_positive(1 / value, kernel, "1 / " + parameter);
  return 1 / value;
}

}  // namespace bochner
