#include "experiments/certified_maximum.h"

#include "core/check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bochner {
namespace {

constexpr const char* kName = "certified_maximum";
/// The first grid has 2^3 cells a radius.
constexpr int kFirstLevel = 3;

/// A cell or corner of the grid of one level, in units of its side; the second place is 0 where d = 1.
using Place = std::array<Index, 2>;

std::vector<Place> corners_of(const Place& cell, Index dim) {
  std::vector<Place> corners{cell, {cell[0] + 1, cell[1]}};
  if (dim == 2) corners.insert(corners.end(), {{cell[0], cell[1] + 1}, {cell[0] + 1, cell[1] + 1}});
  return corners;
}

double norm_of(const Place& place, double side) {
  return side * std::hypot(static_cast<double>(place[0]), static_cast<double>(place[1]));
}

/// The corners of the cell that are nearest to 0 and farthest from it. No cell has 0 inside an edge.
Place nearest(const Place& cell, Index dim) {
  const auto place = [](Index k) { return k >= 0 ? k : k + 1; };
  return {place(cell[0]), dim == 1 ? 0 : place(cell[1])};
}
Place farthest(const Place& cell, Index dim) {
  const auto place = [](Index k) { return k >= 0 ? k + 1 : k; };
  return {place(cell[0]), dim == 1 ? 0 : place(cell[1])};
}

/// The largest weight of a cell that meets the ball.
double weight_on(const WeightedFunction& function, const Place& cell, double side) {
  const double low = norm_of(nearest(cell, function.dim), side);
  const double high = norm_of(farthest(cell, function.dim), side);
  return std::max(function.weight(low), function.weight(std::min(high, function.radius)));
}

/// The ball's box; where f is even t_1 >= 0 is enough.
std::vector<Place> first_cells(Index dim, bool even) {
  const Index count = Index{1} << kFirstLevel;
  std::vector<Place> cells;
  for (Index i = even ? 0 : -count; i < count; ++i) {
    for (Index j = dim == 2 ? -count : 0; j < (dim == 2 ? count : 1); ++j) cells.push_back({i, j});
  }
  return cells;
}

/// |f| at places that several cells share, each evaluated once.
class Corners {
 public:
  Corners(const WeightedFunction& function, const std::vector<Place>& cells, double side) {
    for (const Place& cell : cells) {
      for (const Place& corner : corners_of(cell, function.dim)) places_.push_back(corner);
    }
    std::sort(places_.begin(), places_.end());
    places_.erase(std::unique(places_.begin(), places_.end()), places_.end());
    Matrix<double> T(static_cast<Index>(places_.size()), function.dim);
    for (Index row = 0; row < T.rows(); ++row) {
      for (Index j = 0; j < function.dim; ++j) {
        T(row, j) = side * static_cast<double>(places_[static_cast<std::size_t>(row)][static_cast<std::size_t>(j)]);
      }
    }
    sizes_ = function.values(T).cwiseAbs();
  }

  double operator()(const Place& place) const {
    return sizes_(std::lower_bound(places_.begin(), places_.end(), place) - places_.begin());
  }
  const std::vector<Place>& places() const { return places_; }
  double size(std::size_t index) const { return sizes_(static_cast<Index>(index)); }

 private:
  std::vector<Place> places_;
  Vector<double> sizes_;
};

/// How far f may be from the interpolation of the corners of each cell.
Vector<double> between(const WeightedFunction& function, const std::vector<Place>& cells, double side) {
  Matrix<double> centres(static_cast<Index>(cells.size()), function.dim);
  for (Index row = 0; row < centres.rows(); ++row) {
    for (Index j = 0; j < function.dim; ++j) {
      const auto place = static_cast<double>(cells[static_cast<std::size_t>(row)][static_cast<std::size_t>(j)]);
      centres(row, j) = side * (place + 0.5);
    }
  }
  return side * side / 8 * function.curvature(centres, side / 2);
}

std::vector<Place> halved(const std::vector<Place>& cells, Index dim) {
  std::vector<Place> halves;
  halves.reserve(cells.size() << dim);
  for (const Place& cell : cells) {
    for (Index i = 0; i < 2; ++i) {
      for (Index j = 0; j < dim; ++j) halves.push_back({2 * cell[0] + i, dim == 2 ? 2 * cell[1] + j : 0});
    }
  }
  return halves;
}

}  // namespace

Bracket certified_maximum(const WeightedFunction& function, double tolerance, const std::function<void()>& check) {
  const Index dim = function.dim;
  if (dim != 1 && dim != 2) {
    throw std::invalid_argument(std::string(kName) + ": dim is " + std::to_string(dim) + "; expected 1 or 2");
  }
  require_positive(function.radius, kName, "radius");
  require_positive(tolerance, kName, "tolerance");

  Bracket bracket;
  std::vector<Place> cells = first_cells(dim, function.even);
  for (int level = kFirstLevel; !cells.empty(); ++level) {
    check();
    const double side = std::ldexp(function.radius, -level);
    std::erase_if(cells, [&](const Place& cell) { return norm_of(nearest(cell, dim), side) > function.radius; });
    const Corners corners(function, cells, side);
    for (std::size_t k = 0; k < corners.places().size(); ++k) {
      const double norm = norm_of(corners.places()[k], side);
      if (norm <= function.radius) bracket.found = std::max(bracket.found, function.weight(norm) * corners.size(k));
    }
    const Vector<double> slack = between(function, cells, side);
    const bool last = level == kMostHalvings || static_cast<Index>(cells.size()) > kMostCells;
    std::vector<Place> open;
    for (std::size_t k = 0; k < cells.size(); ++k) {
      const Place& cell = cells[k];
      double largest = 0;
      for (const Place& corner : corners_of(cell, dim)) largest = std::max(largest, corners(corner));
      const double bound = weight_on(function, cell, side) * (largest + slack(static_cast<Index>(k)));
      if (bound > (1 + tolerance) * bracket.found && !last) {
        open.push_back(cell);
      } else {
        bracket.certified = std::max(bracket.certified, bound);
      }
    }
    cells = halved(open, dim);
  }
  bracket.certified = std::max(bracket.certified, bracket.found);
  return bracket;
}

}  // namespace bochner
