#pragma once

#include "estimators/coupling.h"

#include <string>

namespace bochner {

/// Frequencies from randomised low-discrepancy points of the unit cube, by FrequencyLaw::from_uniforms [Yang14]. Each
/// point is uniform by itself, so every row keeps its marginal law and the estimate is unbiased; together they fill the
/// cube more evenly than independent points, in a way of which no law is known: only measurement.
/// Only laws that are made of uniform numbers can be drawn.
class QuasiRandomCoupling : public Coupling {
 public:
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim, const Stream& stream) const final;
  void require_drawable(const FrequencyLaw& law, const std::string& who) const final;
  /// The points of a sequence, one after the other, with a randomisation that does not depend on their number.
  bool prefixes_are_draws() const final { return true; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const final { return std::nullopt; }

 protected:
  /// Fills points (m, n) with numbers in (0, 1), each row uniform on the cube.
  virtual void fill_points(const Stream& stream, Matrix<double>& points) const = 0;
};

}  // namespace bochner
