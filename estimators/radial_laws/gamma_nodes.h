#pragma once

#include <vector>

namespace bochner {

/// A node of a quadrature over y ~ Gamma(shape, rate shape): log y and its weight. Weights sum to 1.
struct GammaNode {
  double log_y = 0;
  double weight = 0;
};

/// E f(log y) = sum of weight f(log_y), for f that is analytic where |Im log y| < pi/2 and constant below `lowest`: the
/// trapezoidal rule in log y, whose density exp(shape (t - e^t)) vanishes doubly exponentially above; the part below is
/// a geometric series in the last weight. Error: below 1e-14 of sup |f|, and of the integral where f >= 0. Some 150
/// nodes, more where the shape or exp(lowest) is very small.
std::vector<GammaNode> gamma_nodes(double shape, double lowest);

}  // namespace bochner
