#include "estimators/kernels/arc_cosine.h"

#include "core/check.h"
#include "estimators/kernels/angle.h"
#include "estimators/radial_laws/chi.h"

#include <boost/math/quadrature/gauss.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <numbers>

namespace bochner {
namespace {

using Wide = long double;
constexpr std::size_t kMostOrder = 8;
constexpr Wide kPi = std::numbers::pi_v<Wide>;

/// Coefficients of P and Q in J = (pi - theta) P(cos) + sin Q(cos), by powers.
struct Coefficients {
  std::array<Wide, kMostOrder + 2> P{}, Q{};
};

/// From J_{n+1} = (2n + 1) cos J_n - sin J_n', which is the operator of [ChoSaul09] one step at a time:
/// P_{n+1} = (2n + 1) c P + (1 - c^2) P' and Q_{n+1} = 2n c Q + P + (1 - c^2) Q'.
Coefficients coefficients_of(std::size_t order) {
  Coefficients now;
  now.P[0] = 1;
  for (std::size_t n = 0; n < order; ++n) {
    Coefficients next;
    for (std::size_t k = 0; k <= order; ++k) {
      const auto power = static_cast<Wide>(k), twice = static_cast<Wide>(2 * n);
      next.P[k + 1] += (twice + 1 - power) * now.P[k];
      next.Q[k + 1] += (twice - power) * now.Q[k];
      next.Q[k] += now.P[k];
      if (k == 0) continue;
      next.P[k - 1] += power * now.P[k];
      next.Q[k - 1] += power * now.Q[k];
    }
    now = next;
  }
  return now;
}

template <class Array>
Wide polynomial(const Array& coefficients, Wide c) {
  Wide sum = 0;
  for (std::size_t k = coefficients.size(); k-- > 0;) sum = sum * c + coefficients[k];
  return sum;
}

/// log J_n beyond a right angle: n! sin^(2n+1) times the integral of cos^n / (1 - cos(theta) cos)^(n+1) from 0 to pi/2.
Wide log_by_integral(Index n, Wide cosine, Wide supplement) {
  using Gauss = boost::math::quadrature::gauss<double, 30>;
  const double integral = Gauss::integrate(
      [&](double psi) {
        const double c = std::cos(psi);
        return std::pow(c, static_cast<double>(n)) /
               std::pow(1 - static_cast<double>(cosine) * c, static_cast<double>(n + 1));
      },
      0.0, std::numbers::pi / 2);
  Wide factorial = 1;
  for (Index k = 2; k <= n; ++k) factorial *= static_cast<Wide>(k);
  return std::log(factorial * static_cast<Wide>(integral)) +
         static_cast<Wide>(2 * n + 1) * std::log(std::sin(supplement));
}

}  // namespace

SignedLog arc_cosine(Index n, std::span<const double> x, std::span<const double> y) {
  const Angle angle = angle_between(x, y);
  if (!angle.defined) return {};
  const Wide norms = static_cast<Wide>(n) * angle.log_norms - std::log(kPi);
  if (angle.cosine < 0) {
    if (angle.supplement == 0) return {};
    return SignedLog::positive(norms + log_by_integral(n, angle.cosine, angle.supplement));
  }
  const Coefficients coefficients = coefficients_of(static_cast<std::size_t>(n));
  const Wide J = angle.supplement * polynomial(coefficients.P, angle.cosine) +
                 std::sin(angle.theta) * polynomial(coefficients.Q, angle.cosine);
  return SignedLog::positive(norms + std::log(J));
}

ArcCosineKernel::ArcCosineKernel(double order) : order_(require_integer(order, 0, 4, "arc_cosine", "order")) {}

std::shared_ptr<const FrequencyLaw> ArcCosineKernel::frequency_law() const { return std::make_shared<ChiRadialLaw>(); }

}  // namespace bochner
