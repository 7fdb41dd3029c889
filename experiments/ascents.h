#pragma once

#include "core/stream.h"
#include "core/types.h"
#include "estimators/feature_map.h"
#include "estimators/kernel.h"

#include <functional>
#include <vector>

namespace bochner {

/// Local maxima of |K^(x, y) - K(x, y)| over pairs of the ball |x|, |y| <= radius, one for each start, by projected
/// gradient ascent. The largest of them is a lower bound of the supremum, which worsens with d [Bochner, 12.5].
///
/// Start i of the stream's lane i: x = a u, y = b s u, a and b uniform on [0, radius], u uniform on the sphere; s is in
/// turn 1, -1 and, with a direction of its own, neither, so that |x + y| and |x - y| both reach 2 radius. An ascent
/// takes normalised steps along the gradient, longer by half after a rise and shorter by half after none, until they
/// are below 1e-5 radius. Gradients of the map are its vjp, those of the kernel, and of a map that has none, central
/// differences. A difference that is not a number counts as infinite.
///
/// Returns `starts` numbers; fewer starts are a prefix. Calls check() once a step of all. Throws std::invalid_argument
/// unless starts >= 1. Cost a step: three times a pair of features and 4 d values of the kernel, for each start.
std::vector<double> ascend(const FeatureMap& map, const Kernel& kernel, double radius, Index starts,
                           const Stream& stream, const std::function<void()>& check);

}  // namespace bochner
