#pragma once

#include "core/types.h"

#include <functional>

namespace bochner {

/// A function of R^d, d = 1 or 2, on a ball, and what is known of it: weight(|t|) f(t).
struct WeightedFunction {
  Index dim = 1;
  double radius = 1;
  /// Whether f(t) = f(-t), which leaves half of the ball.
  bool even = false;
  /// Bounds on sum_j sup |d^2 f / dt_j^2| over the boxes |t - c|_inf <= reach, at the rows c of centres (n, d).
  std::function<Vector<double>(const Matrix<double>& centres, double reach)> curvature;
  /// A factor whose largest value over an interval of |t| is that at one of its ends.
  std::function<double(double norm)> weight;
  /// f at the rows of T (n, d), which may lie beyond the ball, by 2 radius at most.
  std::function<Vector<double>(const Matrix<double>& T)> values;
};

/// max |weight f| over the ball |t| <= radius lies in [found, certified], to rounding.
struct Bracket {
  double found = 0;
  double certified = 0;
};

/// A grid that is halved where it has to be. On a cell of side h, f differs from the multilinear interpolation of its
/// corners by at most (h^2 / 8) sum_j sup |d^2 f / dt_j^2|, so |f| stays below its largest corner plus that. Cells
/// whose bound is below (1 + tolerance) found are closed; the others are halved. `found` is taken at corners in the
/// ball, `certified` is the largest bound of a closed cell, hence at most (1 + tolerance) found unless the grid has
/// been halved kMostHalvings times or has more than kMostCells open cells, where the bounds of all open cells count.
///
/// Calls check() once a level. Throws std::invalid_argument unless dim is 1 or 2, std::domain_error unless radius and
/// tolerance are finite and positive. Where a bound is infinite, so is `certified`. Cost: for f of the size s some
/// (radius sqrt(curvature / s))^d cells, and 1 / tolerance in the neighbourhood of the maximum.
Bracket certified_maximum(const WeightedFunction& function, double tolerance, const std::function<void()>& check);

inline constexpr Index kMostCells = 2'000'000;
inline constexpr int kMostHalvings = 40;

}  // namespace bochner
