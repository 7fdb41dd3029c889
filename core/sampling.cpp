#include "core/sampling.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "core/check.h"
#include "core/simd/functions.h"

namespace bochner {

namespace {

// Uniforms to fill in one go, where that is up to us.
constexpr std::size_t kRun = 512;

// values.size() / 2 Box-Muller pairs, from as many pairs of uniforms.
void fill_pairs(Stream& stream, std::span<double> values) {
  stream.fill_uniform(values);
  simd::box_muller(values);
}

// From the uniforms of `factors` factors and, where any are left, of a normal number.
double chi_of(std::span<double> uniforms, std::size_t factors) {
  // 16 factors of at least 2^-53 stay above 2^-848, far from underflow.
  constexpr std::size_t kFactors = 16;
  double half_square = 0;
  for (std::size_t start = 0; start < factors; start += kFactors) {
    double product = 1;
    for (std::size_t i = start; i < std::min(start + kFactors, factors); ++i) product *= 1 - uniforms[i];
    half_square -= std::log(product);
  }
  double square = 2 * half_square;
  if (factors < uniforms.size()) {
    simd::box_muller(uniforms.subspan(factors));
    square += uniforms[factors] * uniforms[factors];
  }
  return std::sqrt(square);
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

void fill_chi(Stream& stream, Index dim, std::span<double> norms) {
  require_at_least(dim, 1, "fill_chi", "dim");
  const std::size_t factors = static_cast<std::size_t>(dim) / 2, words = factors + (dim % 2 == 1 ? 2 : 0);
  // Some norms at a time, since the stream is faster in long runs.
  const std::size_t together = std::clamp<std::size_t>(kRun / words, 1, std::max<std::size_t>(norms.size(), 1));
  std::vector<double> uniforms(together * words);
  for (std::size_t start = 0; start < norms.size(); start += together) {
    const std::span<double> chunk = norms.subspan(start, std::min(together, norms.size() - start));
    std::span<double> left = std::span(uniforms).first(chunk.size() * words);
    stream.fill_uniform(left);
    for (double& norm : chunk) {
      norm = chi_of(left.first(words), factors);
      left = left.subspan(words);
    }
  }
}

double chi(Stream& stream, Index dim) {
  require_at_least(dim, 1, "chi", "dim");
  double norm = 0;
  fill_chi(stream, dim, {&norm, 1});
  return norm;
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
