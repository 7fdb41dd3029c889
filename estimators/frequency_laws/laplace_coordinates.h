#pragma once

#include "estimators/frequency_laws/independent_coordinates.h"

#include <cmath>

namespace bochner {

/// Independent standard Laplace coordinates, E cos(w.u) = prod_j 1 / (1 + u_j^2): the law of the product Cauchy kernel
/// [RahimiRecht07]. A coordinate has Var cos = u^4 (5 + 2 u^2) / ((1 + 4 u^2) (1 + u^2)^2).
class LaplaceCoordinatesLaw final : public IndependentCoordinatesLaw {
 public:
  std::string name() const override { return "laplace_coordinates"; }
  std::optional<Vector<double>> mean_squares(Index dim) const override { return Vector<double>::Constant(dim, 2); }

 protected:
  double coordinate(std::size_t, double uniform) const override {
    return uniform < 0.5 ? std::log(2 * uniform) : -std::log(2 * (1 - uniform));
  }
  double gap(std::size_t, double u) const override {
    const double square = u * u;
    return square < 1 ? square / (1 + square) : 1 / (1 + 1 / square);
  }
  double variance(std::size_t j, double u) const override {
    const double square = u * u;
    const double of_gap = gap(j, u);  // u^2 / (1 + u^2)
    return of_gap * of_gap * (square < 1 ? (5 + 2 * square) / (1 + 4 * square) : (5 / square + 2) / (1 / square + 4));
  }
};

}  // namespace bochner
