#pragma once

#include "estimators/frequency_law.h"
#include "estimators/frequency_laws/independent_coordinates.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// The law of scales * w, with one scale or one a coordinate: a part of the law of a sum or product of kernels.
struct ScaledLaw {
  std::shared_ptr<const FrequencyLaw> law;
  std::vector<double> scales{1.0};

  /// The radial law and its one scale; null where w or the scales have a direction.
  const RadialLaw* isotropic() const { return scales.size() == 1 ? law->isotropic() : nullptr; }
  /// The moments of the angle u.(scales * w); none where they are not known. Throws std::invalid_argument where there
  /// are neither 1 nor as many scales as entries.
  std::optional<AngleMoments> moments(std::span<const double> u) const;
  /// As FrequencyLaw::mean_squares() has them, of scales * w. Throws as moments() does.
  std::optional<Vector<double>> mean_squares(Index dim) const;
  void from_uniforms(std::span<const double> uniforms, std::span<double> w) const;
  /// "student(nu=1.5) over [1, 2]": all that the law is.
  std::string text() const;
};

/// Fills the rows of W with from_uniforms of lane 0. Throws where the law has none.
void fill_from_uniforms(const FrequencyLaw& law, const Stream& stream, Matrix<double>& W);

}  // namespace bochner
