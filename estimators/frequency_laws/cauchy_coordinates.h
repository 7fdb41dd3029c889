#pragma once

#include "estimators/frequency_laws/independent_coordinates.h"

#include <cmath>
#include <numbers>

namespace bochner {

/// Independent standard Cauchy coordinates, E cos(w.u) = exp(-|u|_1): the law of the L1 Laplacian kernel
/// [RahimiRecht07].
class CauchyCoordinatesLaw final : public IndependentCoordinatesLaw {
 public:
  std::string name() const override { return "cauchy_coordinates"; }

 protected:
  double coordinate(std::size_t, double uniform) const override { return std::tan(std::numbers::pi * (uniform - 0.5)); }
  double gap(std::size_t, double u) const override { return -std::expm1(-std::fabs(u)); }
  double variance(std::size_t, double u) const override { return -std::expm1(-2 * std::fabs(u)) / 2; }
};

}  // namespace bochner
