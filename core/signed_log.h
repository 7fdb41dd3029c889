#pragma once

#include <cmath>
#include <limits>

namespace bochner {

/// A number sign * exp(log), for moments that a double cannot hold.
/// The sign is -1, 0 or +1; zero has log = -infinity. Sums are accurate to rounding in double relative to their
/// largest term (log-sum-exp). The log is wider than a double where the machine has such a type: logs of 4e6, as rows
/// of norm 1e3 have them, would round by 5e-10 in a double, and so would the products and quotients made of them.
struct SignedLog {
  double sign = 0;
  long double log = -std::numeric_limits<long double>::infinity();

  static SignedLog positive(long double log) { return std::isinf(log) && log < 0 ? SignedLog{} : SignedLog{1, log}; }
  static SignedLog from(long double value) {
    if (value == 0) return {};
    return {value > 0 ? 1.0 : -1.0, std::log(std::fabs(value))};
  }

  /// The number itself: 0 on underflow, +-infinity on overflow, never NaN.
  double value() const {
    if (sign == 0) return 0;
    // exp in double, and the little that rounding the log to a double left out.
    const auto head = static_cast<double>(log);
    const double rest = std::isinf(head) ? 0 : static_cast<double>(log - static_cast<long double>(head));
    return sign * std::exp(head) * (1 + rest);
  }

  SignedLog operator-() const { return {-sign, log}; }
  /// The number times exp(shift).
  SignedLog scaled(long double shift) const { return sign == 0 ? SignedLog{} : SignedLog{sign, log + shift}; }
};

inline SignedLog operator+(const SignedLog& a, const SignedLog& b) {
  if (a.sign == 0) return b;
  if (b.sign == 0) return a;
  const SignedLog& large = a.log >= b.log ? a : b;
  const SignedLog& small = a.log >= b.log ? b : a;
  const auto gap = static_cast<double>(small.log - large.log);
  if (large.sign == small.sign) return {large.sign, large.log + std::log1p(std::exp(gap))};
  if (gap == 0) return {};
  return {large.sign, large.log + std::log(-std::expm1(gap))};
}

inline SignedLog operator-(const SignedLog& a, const SignedLog& b) { return a + (-b); }

}  // namespace bochner
