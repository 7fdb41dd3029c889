#pragma once

#include <array>

#include "core/types.h"

namespace bochner {

/// Running central moments up to the fourth of a sample: n, mean and M_k = sum_i (x_i - mean)^k, k = 2, 3, 4.
/// Two accumulators merge into that of the joined sample, so blocks of trials can be counted apart and joined in order.
/// Updates work on deviations from the running mean: an offset of the data costs no accuracy beyond that of its
/// rounding. What is undefined (the mean of nothing, a variance of one value, the skewness of constants) is NaN; values
/// that are not finite make the results not finite. Cost: one division and some 20 flops for add, twice that for merge.
/// Source: [Pebay08].
class Moments {
 public:
  void add(double value);
  /// Joins the sample of `other` to this one. Associative and commutative to rounding; the empty sample is neutral.
  void merge(const Moments& other);

  Index count() const { return count_; }
  double mean() const;
  /// Unbiased: M_2 / (n - 1).
  double variance() const;
  /// Of the mean: sqrt(variance / n).
  double standard_error() const;
  /// sqrt(n) M_3 / M_2^(3/2), that of the sample, 0 for symmetric data.
  double skewness() const;
  /// n M_4 / M_2^2, that of the sample and not the excess: 3 for normal data.
  double kurtosis() const;
  double m2() const { return m2_; }
  double m3() const { return m3_; }
  double m4() const { return m4_; }

  /// (n, mean, M_2, M_3, M_4), all that there is; `from_state(state())` is the same accumulator to the last bit.
  std::array<double, 5> state() const;
  /// Throws std::domain_error when n is not a whole number in [0, 2^53] or M_2 or M_4 is negative.
  static Moments from_state(const std::array<double, 5>& state);

 private:
  Index count_ = 0;
  double mean_ = 0;
  double m2_ = 0;
  double m3_ = 0;
  double m4_ = 0;
};

inline void Moments::add(double value) {
  const auto before = static_cast<double>(count_);
  const double n = before + 1;
  const double delta = value - mean_;
  const double step = delta / n;
  const double square = delta * step * before;
  m4_ += square * step * step * (n * n - 3 * n + 3) + 6 * step * step * m2_ - 4 * step * m3_;
  m3_ += square * step * (n - 2) - 3 * step * m2_;
  m2_ += square;
  mean_ += step;
  ++count_;
}

}  // namespace bochner
