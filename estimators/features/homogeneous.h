#pragma once

#include "core/projection.h"
#include "estimators/feature_map.h"

#include <memory>
#include <string>

namespace bochner {

/// f(u) = above u^degree for u > 0, below |u|^degree for u < 0, and 0 at 0.
struct HomogeneousFunction {
  Index degree = 0;
  double above = 1;
  double below = 0;
};

/// phi(x) = m^(-1/2) (f(w_1.x), ..., f(w_m.x)), p = m.
///
/// As f(s u) = s^degree f(u), the power of two of rows whose powers are not safe goes into the log-scale before f is
/// taken: nothing overflows while W x itself is finite. Differentiable, with the derivative 0 at 0. Cost: O(n m d).
std::shared_ptr<const FeatureMap> homogeneous_map(std::shared_ptr<const Projection> projection,
                                                  const HomogeneousFunction& function, std::string description);

}  // namespace bochner
