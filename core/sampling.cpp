#include "core/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>

#include "core/check.h"
#include "core/simd/functions.h"

namespace bochner {

namespace {

// values.size() / 2 Box-Muller pairs, from as many pairs of uniforms.
void fill_pairs(Stream& stream, std::span<double> values) {
  for (std::size_t k = 0; k < values.size(); k += 2) {
    values[k] = 1 - stream.uniform();
    values[k + 1] = stream.uniform();
  }
  simd::box_muller(values);
}

}  // namespace

double normal(Stream& stream) {
  std::array<double, 2> pair;
  fill_pairs(stream, pair);
  return pair[0];
}

void fill_normal(Stream& stream, std::span<double> values) {
  const std::size_t even = values.size() - values.size() % 2;
  fill_pairs(stream, values.first(even));
  if (even < values.size()) values.back() = normal(stream);
}

double chi(Stream& stream, Index dim) {
  require_at_least(dim, 1, "chi", "dim");
  // 16 factors of at least 2^-53 stay above 2^-848, far from underflow.
  constexpr Index kFactors = 16;
  double half_square = 0;
  for (Index left = dim / 2; left > 0; left -= kFactors) {
    double product = 1;
    for (Index i = std::min(left, kFactors); i > 0; --i) product *= 1 - stream.uniform();
    half_square -= std::log(product);
  }
  double square = 2 * half_square;
  if (dim % 2 == 1) {
    const double last = normal(stream);
    square += last * last;
  }
  return std::sqrt(square);
}

void fill_sphere(Stream& stream, std::span<double> direction) {
  Eigen::Map<Vector<double>> values(direction.data(), static_cast<Index>(direction.size()));
  require_at_least(values.size(), 1, "fill_sphere", "direction.size()");
  double norm = 0;
  // A zero vector is possible for dim = 1 and 2, once in 2^53 draws; it has no direction.
  while (norm == 0) {
    fill_normal(stream, direction);
    norm = values.norm();
  }
  values /= norm;
}

}  // namespace bochner
