#pragma once

#include "core/types.h"

#include <span>

namespace bochner {

/// The angle between two vectors, with what is small near 0 and near pi to a small relative error.
struct Angle {
  long double theta = 0;       ///< in [0, pi]
  long double supplement = 0;  ///< pi - theta
  long double cosine = 0;
  long double log_norms = 0;  ///< log(|x| |y|)
  bool defined = false;       ///< Whether both vectors differ from 0.
};

/// theta = 2 atan2(|a - b|, |a + b|) for the directions a and b [Kahan06]: the inverse cosine would lose half
/// of the digits at both ends. x and y (d). Norms neither overflow nor vanish.
Angle angle_between(std::span<const double> x, std::span<const double> y);

}  // namespace bochner
