#pragma once

#include "estimators/frequency_laws/independent_coordinates.h"

#include <vector>

namespace bochner {

/// Independent whole coordinates with P(k) = e^-z I_k(z), z = 1 / bandwidth^2, the same for all or one a coordinate:
/// E cos(w.u) = exp(-2 sum_j sin(u_j / 2)^2 / bandwidth_j^2), the law of the periodic kernel [SolinSarkka14].
/// A coordinate with A = 4 sin(u/2)^2 z and B = 8 sin(u/2)^4 z has
/// Var cos = (1 - e^-A)^2 / 2 + (e^(B - 2A) - e^(-2A)) / 2, both parts positive.
class PeriodicCoordinatesLaw final : public IndependentCoordinatesLaw {
 public:
  /// The least bandwidth; a smaller one needs tables of more than 10^5 frequencies.
  static constexpr double kLeastBandwidth = 1e-4;

  /// Throws std::domain_error unless every bandwidth is finite and at least kLeastBandwidth.
  explicit PeriodicCoordinatesLaw(const std::vector<double>& bandwidths);

  /// With the bandwidths, since the laws of several are compared by it.
  std::string name() const override { return name_; }
  /// z, for w is the difference of two Poisson numbers of mean z / 2.
  std::optional<Vector<double>> mean_squares(Index dim) const override;

 protected:
  double coordinate(std::size_t j, double uniform) const override;
  double gap(std::size_t j, double u) const override;
  double variance(std::size_t j, double u) const override;
  void require_dim(Index dim) const override;

 private:
  struct Coordinate {
    double concentration = 0;        // z
    std::vector<double> upper_tail;  // P(K > k)
  };
  const Coordinate& of(std::size_t j) const {
    return coordinates_.size() == 1 ? coordinates_.front() : coordinates_[j];
  }

  std::string name_;
  std::vector<Coordinate> coordinates_;
};

}  // namespace bochner
