#pragma once

#include <optional>
#include <stdexcept>

namespace bochner {

/// What theory says exactly of K^(x, y) at one pair and one m, to a relative error of 1e-9. mse = variance + bias^2;
/// infinity where a double cannot hold the value.
struct Law {
  double mean = 0;
  double variance = 0;
  double bias = 0;
  double mse = 0;
  /// E (K^ - E K^)^4 / variance^2 for independent frequencies, which also judges coupled ones; none if unknown.
  std::optional<double> iid_kurtosis;
};

/// Thrown where no exact law is known of a combination.
class NoLawError : public std::invalid_argument {
 public:
  using std::invalid_argument::invalid_argument;
};

}  // namespace bochner
