#include "estimators/frequency_laws/histogram_coordinates.h"

#include <cmath>
#include <numbers>

namespace bochner {
namespace {

/// log(tan(pi u / 2)) / pi, whose density is sech(pi w).
double sech_quantile(double u) {
  constexpr double kPi = std::numbers::pi;
  // By symmetry, so that a u near 1 is not rounded away: tan(pi u / 2) = 1 / tan(pi (1 - u) / 2).
  return u <= 0.5 ? std::log(std::tan(kPi * u / 2)) / kPi : -std::log(std::tan(kPi * (1 - u) / 2)) / kPi;
}

}  // namespace

double SechLaw::coordinate(std::size_t, double uniform) const { return sech_quantile(uniform); }

// 1 - sech(b) = tanh(b) tanh(b/2).
double SechLaw::gap(std::size_t, double u) const { return std::tanh(u / 2) * std::tanh(u / 4); }

// (1 + sech(2b))/2 - sech(b)^2 = tanh(b)^2 (1 - sech(2b))/2.
double SechLaw::variance(std::size_t, double u) const {
  const double t = std::tanh(u / 2);
  return t * t * std::tanh(u) * t / 2;
}

double HalfCauchyLaw::coordinate(std::size_t, double uniform) const {
  return std::tan(std::numbers::pi * (uniform - 0.5)) / 2;
}

double HalfCauchyLaw::gap(std::size_t, double u) const { return -std::expm1(-std::abs(u) / 2); }

double HalfCauchyLaw::variance(std::size_t, double u) const { return -std::expm1(-std::abs(u)) / 2; }

void JensenShannonLaw::fill_independent(const Stream& stream, Matrix<double>& W) const {
  for (Index i = 0; i < W.rows(); ++i) {
    // How many numbers a row takes is random, so each row has a lane.
    Stream numbers = stream.lane(static_cast<std::uint64_t>(i));
    for (Index j = 0; j < W.cols(); ++j) {
      double w = 0;
      do {
        w = sech_quantile(open_uniform(numbers));
      } while (numbers.uniform() * (1 + 4 * w * w) >= 1);
      W(i, j) = w;
    }
  }
}

}  // namespace bochner
