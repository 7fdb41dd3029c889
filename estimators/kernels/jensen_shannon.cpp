#include "estimators/kernels/jensen_shannon.h"

#include "estimators/frequency_laws/histogram_coordinates.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace bochner {
namespace {

/// Var cos(w t) for the Jensen-Shannon density at |t| <= 1, from 1 - cos(w t) = 2 sin^2(w t / 2), whose moments keep
/// their digits as t vanishes. The trapezoidal rule: its error is exp(-pi / step) and that of the cut exp(-pi end).
double jensen_shannon_variance(double t) {
  constexpr double kStep = 0.08, kEnd = 14;
  double total = 0, first = 0, second = 0;
  for (int k = 0; k * kStep < kEnd; ++k) {
    const double w = k * kStep;
    const double weight = (k == 0 ? 1 : 2) / (std::cosh(std::numbers::pi * w) * (1 + 4 * w * w));
    const double sine = std::sin(w * t / 2), gap = 2 * sine * sine;
    total += weight;
    first += weight * gap;
    second += weight * gap * gap;
  }
  return second / total - (first / total) * (first / total);
}

}  // namespace

std::shared_ptr<const FrequencyLaw> JensenShannonKernel::frequency_law() const {
  return std::make_shared<JensenShannonLaw>();
}

double JensenShannonKernel::of_pair(double x, double y) const {
  const double small = std::min(x, y), large = std::max(x, y);
  if (small == 0) return 0;
  const double r = small / large;
  return large * (std::log1p(r) + r * (std::log1p(r) - std::log(r))) / (2 * std::numbers::ln2);
}

double JensenShannonKernel::variance_of_pair(double x, double y) const {
  const double small = std::min(x, y), large = std::max(x, y);
  if (small == 0) return 0;
  const double r = small / large, t = -std::log1p((small - large) / large);
  if (t <= 1) return small * large * jensen_shannon_variance(t);
  // (1 + k(2t)) / 2 - k(t)^2 with k(t) = of_pair(x, y) / sqrt(x y); of_pair(x^2, y^2) / (x y) is k(2t).
  const double one = of_pair(1, r) / std::sqrt(r), two = of_pair(1, r * r) / r;
  return small * large * ((1 + (r * r == 0 ? 0 : two)) / 2 - one * one);
}

}  // namespace bochner
