#include "estimators/frequency_laws/periodic_coordinates.h"

#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace bochner {
namespace {

/// P(K > k), k = 0, 1, ..., of P(k) = e^-z I_k(z), k of either sign: by the recurrence of I_k downwards, in which the
/// error falls, from where it is negligible, and sum_k P(k) = 1 [DLMF, 10.29.1 and 10.35.5].
std::vector<double> upper_tails(double concentration) {
  const double z = std::max(concentration, 1e-40);  // the law is that of 0 long before
  const auto last = static_cast<std::size_t>(40 + 13 * std::sqrt(z) + 2 * std::min(z, 40.0));
  std::vector<double> mass(last + 2);
  mass[last] = 1e-290;
  for (std::size_t k = last; k > 0; --k) {
    mass[k - 1] = mass[k + 1] + 2 * static_cast<double>(k) / z * mass[k];
    if (mass[k - 1] > 1e250) {
      for (double& value : mass) value *= 1e-300;
    }
  }
  double above = 0;
  for (std::size_t k = last; k > 0; --k) {
    const double own = mass[k];
    mass[k] = above;
    above += own;
  }
  const double total = mass[0] + 2 * above;
  mass[0] = above;
  for (double& value : mass) value /= total;
  while (mass.size() > 1 && mass[mass.size() - 2] == 0) mass.pop_back();
  return mass;
}

double square(double value) { return value * value; }

}  // namespace

PeriodicCoordinatesLaw::PeriodicCoordinatesLaw(const std::vector<double>& bandwidths) : name_("periodic_coordinates(") {
  for (const double bandwidth : bandwidths) {
    require_positive(bandwidth, "periodic", "bandwidth");
    const std::string text = component_number(bandwidth);
    if (bandwidth < kLeastBandwidth) {
      throw std::domain_error("periodic: bandwidth is " + text + "; expected at least 0.0001");
    }
    name_ += (coordinates_.empty() ? "" : ", ") + text;
    const double z = 1 / square(bandwidth);
    coordinates_.push_back({z, upper_tails(z)});
  }
  name_ += ')';
}

double PeriodicCoordinatesLaw::coordinate(std::size_t j, double uniform) const {
  // The law is symmetric: of the magnitude, by P(K > k) <= the smaller side.
  const double side = std::min(uniform, 1 - uniform);
  const std::vector<double>& tails = of(j).upper_tail;
  const auto found = std::partition_point(tails.begin(), tails.end(), [&](double tail) { return tail > side; });
  const auto magnitude = static_cast<double>(found - tails.begin());
  return uniform < 0.5 ? -magnitude : magnitude;
}

std::optional<Vector<double>> PeriodicCoordinatesLaw::mean_squares(Index dim) const {
  require_dim(dim);
  Vector<double> squares(dim);
  for (Index j = 0; j < dim; ++j) squares(j) = of(static_cast<std::size_t>(j)).concentration;
  return squares;
}

double PeriodicCoordinatesLaw::gap(std::size_t j, double u) const {
  return -std::expm1(-2 * of(j).concentration * square(std::sin(u / 2)));
}

double PeriodicCoordinatesLaw::variance(std::size_t j, double u) const {
  const double sine = square(std::sin(u / 2));
  const double a = 4 * of(j).concentration * sine;
  const double b = 2 * a * sine;
  return (square(std::expm1(-a)) - std::exp(b - 2 * a) * std::expm1(-b)) / 2;
}

void PeriodicCoordinatesLaw::require_dim(Index dim) const {
  require_scales(coordinates_.size(), dim, "periodic", "bandwidth");
}

}  // namespace bochner
