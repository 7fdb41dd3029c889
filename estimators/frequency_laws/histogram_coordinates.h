#pragma once

#include "estimators/frequency_laws/independent_coordinates.h"

#include <string>

namespace bochner {

/// Density sech(pi w) for every coordinate: E cos(w.u) = prod_j sech(u_j / 2) [VedaldiZisserman12].
class SechLaw final : public IndependentCoordinatesLaw {
 public:
  std::string name() const override { return "sech"; }

 protected:
  double coordinate(std::size_t j, double uniform) const override;
  double gap(std::size_t j, double u) const override;
  double variance(std::size_t j, double u) const override;
};

/// Density (2 / pi) / (1 + 4 w^2), Cauchy of scale 1/2, for every coordinate: E cos(w.u) = exp(-|u|_1 / 2)
/// [VedaldiZisserman12].
class HalfCauchyLaw final : public IndependentCoordinatesLaw {
 public:
  std::string name() const override { return "cauchy_half"; }

 protected:
  double coordinate(std::size_t j, double uniform) const override;
  double gap(std::size_t j, double u) const override;
  double variance(std::size_t j, double u) const override;
};

/// Density (2 / log 4) sech(pi w) / (1 + 4 w^2) for every coordinate [VedaldiZisserman12]: drawn from SechLaw and kept
/// with probability 1 / (1 + 4 w^2), which is .693 on average.
class JensenShannonLaw final : public FrequencyLaw {
 public:
  std::string name() const override { return "jensen_shannon"; }
  void fill_independent(const Stream& stream, Matrix<double>& W) const override;
};

}  // namespace bochner
