#include "core/moments.h"

#include <cmath>
#include <limits>
#include <stdexcept>

#include "core/check.h"

namespace bochner {

namespace {
constexpr double kUndefined = std::numeric_limits<double>::quiet_NaN();
}

void Moments::merge(const Moments& other) {
  if (other.count_ == 0) return;
  if (count_ == 0) {
    *this = other;
    return;
  }
  const auto a = static_cast<double>(count_), b = static_cast<double>(other.count_);
  const double n = a + b;
  const double delta = other.mean_ - mean_;
  const double step = delta / n;
  const double square = delta * step * a * b;
  m4_ += other.m4_ + square * step * step * (a * a - a * b + b * b) +
         6 * step * step * (a * a * other.m2_ + b * b * m2_) + 4 * step * (a * other.m3_ - b * m3_);
  m3_ += other.m3_ + square * step * (a - b) + 3 * step * (a * other.m2_ - b * m2_);
  m2_ += other.m2_ + square;
  mean_ += step * b;
  count_ += other.count_;
}

double Moments::mean() const { return count_ > 0 ? mean_ : kUndefined; }

double Moments::variance() const { return count_ > 1 ? m2_ / static_cast<double>(count_ - 1) : kUndefined; }

double Moments::standard_error() const { return std::sqrt(variance() / static_cast<double>(count_)); }

// 0 / 0 is the NaN of constants and of the empty sample.
double Moments::skewness() const { return std::sqrt(static_cast<double>(count_)) * m3_ / (m2_ * std::sqrt(m2_)); }

double Moments::kurtosis() const { return static_cast<double>(count_) * m4_ / (m2_ * m2_); }

std::array<double, 5> Moments::state() const { return {static_cast<double>(count_), mean_, m2_, m3_, m4_}; }

Moments Moments::from_state(const std::array<double, 5>& state) {
  const double count = state[0];
  if (!(count >= 0 && count <= 0x1p53 && count == std::floor(count)) || state[2] < 0 || state[4] < 0) {
    throw std::domain_error("from_state: state has n = " + std::to_string(count) +
                            ", M2 = " + std::to_string(state[2]) + ", M4 = " + std::to_string(state[4]) +
                            "; expected a whole number n and M2, M4 >= 0");
  }
  Moments moments;
  moments.count_ = static_cast<Index>(count);
  moments.mean_ = state[1];
  moments.m2_ = state[2];
  moments.m3_ = state[3];
  moments.m4_ = state[4];
  return moments;
}

}  // namespace bochner
