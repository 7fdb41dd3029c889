#include "estimators/kernels/skewed_chi_squared.h"

#include "core/check.h"
#include "estimators/frequency_laws/histogram_coordinates.h"

#include <cmath>

namespace bochner {
namespace {

using Wide = long double;

/// sinh^2(log((x + c) / (y + c)) / 2) = (x - y)^2 / (4 (x + c) (y + c)).
Wide squared_sinh(Wide x, Wide y, Wide c) { return (x - y) / (x + c) * ((x - y) / (y + c)) / 4; }

}  // namespace

SkewedChiSquaredKernel::SkewedChiSquaredKernel(double c) : c_(c) { require_positive(c, "skewed_chi_squared", "c"); }

SignedLog SkewedChiSquaredKernel::value(std::span<const double> x, std::span<const double> y) const {
  // cosh = sqrt(1 + sinh^2).
  Wide log = 0;
  for (std::size_t j = 0; j < x.size(); ++j) log -= std::log1p(squared_sinh(x[j], y[j], c_)) / 2;
  return SignedLog::positive(log);
}

std::shared_ptr<const FrequencyLaw> SkewedChiSquaredKernel::frequency_law() const {
  return std::make_shared<SechLaw>();
}

double SkewedChiSquaredKernel::variance(std::span<const double> x, std::span<const double> y) const {
  // With s_j = sinh^2, 1 + p = prod (1 + s_j) = 1 / K^2 and 1 + q = prod (1 + 2 s_j) = 1 / E cos(2 w.u) the variance
  // (1 + 1 / (1 + q)) / 2 - 1 / (1 + p) is (2p - q + p q) / (2 (1 + p) (1 + q)). The difference 2p - q, at most 0, is
  // summed by itself.
  Wide p = 0, q = 0, difference = 0, log_p = 0, log_q = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const Wide s = squared_sinh(x[j], y[j], c_);
    difference += 2 * s * (p - q);
    p += s * (1 + p);
    q += 2 * s * (1 + q);
    log_p += std::log1p(s);
    log_q += std::log1p(2 * s);
  }
  if (p > 1) return static_cast<double>((1 + std::exp(-log_q)) / 2 - std::exp(-log_p));
  return static_cast<double>((difference + p * q) / (2 * (1 + p) * (1 + q)));
}

}  // namespace bochner
