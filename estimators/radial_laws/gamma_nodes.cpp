#include "estimators/radial_laws/gamma_nodes.h"

#include <algorithm>
#include <cmath>

namespace bochner {

std::vector<GammaNode> gamma_nodes(double shape, double lowest) {
  constexpr double kNegligible = 80;  // e^-80
  const double step = std::min(0.2, 0.5 / std::sqrt(shape));
  // Below, e^t is nothing beside t.
  const double floor = std::min(lowest, -33 - std::log(shape));
  std::vector<GammaNode> nodes;
  double total = 0;
  const auto add = [&](double t, double factor) {
    const double exponent = shape * (t - std::expm1(t));
    nodes.push_back({t, factor * std::exp(exponent)});
    total += nodes.back().weight;
    return exponent > -kNegligible;
  };
  for (int k = 0; add(k * step, 1); ++k) {
  }
  int k = -1;
  while (k * step > floor && add(k * step, 1)) --k;
  if (k * step <= floor) add(k * step, -1 / std::expm1(-shape * step));
  for (GammaNode& node : nodes) node.weight /= total;
  return nodes;
}

}  // namespace bochner
