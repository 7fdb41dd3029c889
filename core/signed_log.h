#pragma once

#include <cmath>
#include <limits>

namespace bochner {

/// A number sign * exp(log), for moments that a double cannot hold.
/// The sign is -1, 0 or +1; zero has log = -infinity. Sums are accurate to rounding relative to their
/// largest term (log-sum-exp), products and quotients of logs are exact to rounding.
struct SignedLog {
  double sign = 0;
  double log = -std::numeric_limits<double>::infinity();

  static SignedLog positive(double log) { return std::isinf(log) && log < 0 ? SignedLog{} : SignedLog{1, log}; }
  static SignedLog from(double value) {
    if (value == 0) return {};
    return {value > 0 ? 1.0 : -1.0, std::log(std::fabs(value))};
  }

  /// The number itself: 0 on underflow, +-infinity on overflow, never NaN.
  double value() const { return sign == 0 ? 0 : sign * std::exp(log); }

  SignedLog operator-() const { return {-sign, log}; }
  /// The number times exp(shift).
  SignedLog scaled(double shift) const { return sign == 0 ? SignedLog{} : SignedLog{sign, log + shift}; }
};

inline SignedLog operator+(const SignedLog& a, const SignedLog& b) {
  if (a.sign == 0) return b;
  if (b.sign == 0) return a;
  const SignedLog& large = a.log >= b.log ? a : b;
  const SignedLog& small = a.log >= b.log ? b : a;
  const double ratio = std::exp(small.log - large.log);
  if (large.sign == small.sign) return {large.sign, large.log + std::log1p(ratio)};
  if (ratio == 1) return {};
  return {large.sign, large.log + std::log1p(-ratio)};
}

inline SignedLog operator-(const SignedLog& a, const SignedLog& b) { return a + (-b); }

}  // namespace bochner
