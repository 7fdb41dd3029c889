#include "estimators/kernels/angle.h"

#include <cmath>
#include <vector>

namespace bochner {
namespace {

using Wide = long double;

struct Direction {
  std::vector<Wide> unit;
  Wide log_norm = 0;
  bool defined = false;
};

Direction direction_of(std::span<const double> x) {
  Wide largest = 0;
  for (const double value : x) largest = std::fmax(largest, std::fabs(static_cast<Wide>(value)));
  if (largest == 0) return {};
  Direction result{std::vector<Wide>(x.begin(), x.end()), 0, true};
  Wide square = 0;
  for (Wide& value : result.unit) {
    value /= largest;
    square += value * value;
  }
  for (Wide& value : result.unit) value /= std::sqrt(square);
  result.log_norm = std::log(largest) + std::log(square) / 2;
  return result;
}

}  // namespace

Angle angle_between(std::span<const double> x, std::span<const double> y) {
  const Direction a = direction_of(x), b = direction_of(y);
  if (!a.defined || !b.defined) return {};
  Wide sum = 0, difference = 0, cosine = 0;
  for (std::size_t j = 0; j < x.size(); ++j) {
    sum += (a.unit[j] + b.unit[j]) * (a.unit[j] + b.unit[j]);
    difference += (a.unit[j] - b.unit[j]) * (a.unit[j] - b.unit[j]);
    cosine += a.unit[j] * b.unit[j];
  }
  sum = std::sqrt(sum);
  difference = std::sqrt(difference);
  return {2 * std::atan2(difference, sum), 2 * std::atan2(sum, difference), cosine, a.log_norm + b.log_norm, true};
}

}  // namespace bochner
