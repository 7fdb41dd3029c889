#include "core/special.h"

#include <algorithm>
#include <array>
#include <boost/math/special_functions/gamma.hpp>
#include <boost/math/special_functions/hypergeometric_0F1.hpp>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>
#include <string_view>

#include "core/check.h"

namespace bochner {

namespace {

// A term this small against the sum so far ends it: what follows is less than sqrt(k) / 9 times as much.
constexpr double kNegligible = 1e-19;
// Sums start at k = 0 while the largest term is not further than this.
constexpr double kLastForwardMode = 4096;
// exp(-w / 2) is a normal number up to here.
constexpr double kLastKummerSum = 1400;

// A series multiplies up to 2 k rounding errors into its k-th term, which the contracts leave no room for: the short
// sums run in a type that is wider than a double where the machine has one.
using Wide = long double;

// value * 2^exponent; sums that overflow a double are kept in this form.
struct ScaledSum {
  Wide value = 0;
  int exponent = 0;

  double log() const { return std::log(static_cast<double>(value)) + exponent * std::numbers::ln2; }
  double log_of_one_plus() const { return exponent == 0 ? std::log1p(static_cast<double>(value)) : log(); }

  // The factor by which the terms still to come must be multiplied.
  Wide rescale() {
    if (std::fabs(value) < 0x1p512L) return 1;
    value *= 0x1p-512L;
    exponent += 512;
    return 0x1p-512L;
  }
};

// sum_{k>=1} t_k with t_0 = 1 and t_{k+1} = t_k ratio(k). Without t_0, so that log1p keeps small sums exact.
template <class Ratio>
ScaledSum sum_after_one(Ratio ratio) {
  Wide term = ratio(Wide{0});
  ScaledSum sum{term, 0};
  for (Wide k = 1; std::fabs(term) > kNegligible * std::fabs(sum.value); k += 1) {
    term *= ratio(k);
    sum.value += term;
    term *= sum.rescale();
  }
  return sum;
}

// log sum_k t_k of a unimodal positive sequence with t_{k+1} = t_k ratio(k), from its largest term both ways.
template <class Ratio>
double log_sum_around(double mode, double log_largest, Ratio ratio) {
  double sum = 1;
  double term = 1;
  for (double k = mode; term > kNegligible * sum; k += 1) {
    term *= ratio(k);
    sum += term;
  }
  term = 1;
  for (double k = mode - 1; k >= 0 && term > kNegligible * sum; k -= 1) {
    term /= ratio(k);
    sum += term;
  }
  return log_largest + std::log(sum);
}

// Differences of lgamma cancel: its result must be better than a double. (std::lgamma writes a global.)
Wide log_gamma(double x) { return boost::math::lgamma(static_cast<Wide>(x)); }

// log(e^a - e^b) for a > b, of logarithms that are large or far apart.
double log_difference(double a, double b) {
  const double gap = b - a;
  if (gap >= 0) return -std::numeric_limits<double>::infinity();
  return a + (gap > -std::numbers::ln2 ? std::log(-std::expm1(gap)) : std::log1p(-std::exp(gap)));
}

// A gap is sum_k (U_k - L_k) t^k / k! for coefficients U_k >= L_k whose ratios of neighbours are upper(k) / base(k) and
// lower(k) / base(k). Upper and lower are whole numbers, so their difference is exact, and U_k - L_k follows the
// recurrence (U - L)_{k+1} = [upper (U - L)_k + (upper - lower) L_k] / base, which cancels nothing.
// step(k) = t / ((k + 1) base(k)).

// U: e^v. L: F_d(v).
struct KummerPair {
  Wide d, t;
  Wide upper(Wide k) const { return d + 2 * k; }
  Wide lower(Wide k) const { return d + k; }
  Wide step(Wide k) const { return t / ((k + 1) * (d + 2 * k)); }
};

// U: B(4q), halved or not. L: B(q)^2.
struct BesselVariance {
  Wide d, t;
  Wide upper(Wide k) const { return 2 * (d - 1 + k); }
  Wide lower(Wide k) const { return d - 1 + 2 * k; }
  Wide step(Wide k) const { return t * d / ((k + 1) * (d - 1 + k) * (d + 2 * k)); }
};

// U: B(q)^2. L: B(2q).
struct BesselCovariance {
  Wide d, t;
  Wide upper(Wide k) const { return d - 1 + 2 * k; }
  Wide lower(Wide k) const { return d - 1 + k; }
  Wide step(Wide k) const { return t * d / ((k + 1) * (d - 1 + k) * (d + 2 * k)); }
};

// sum_{k>=first} (U_k - L_k) t^(k-first) first! / k!, given U - L and L at `first`.
template <class Pair>
ScaledSum sum_gap(const Pair& pair, Wide first, Wide gap, Wide lower) {
  ScaledSum sum{gap, 0};
  for (Wide k = first; std::fabs(gap) > kNegligible * std::fabs(sum.value); k += 1) {
    const Wide step = pair.step(k);
    const Wide upper_ratio = pair.upper(k);
    const Wide lower_ratio = pair.lower(k);
    gap = step * (upper_ratio * gap + (upper_ratio - lower_ratio) * lower);
    lower *= step * lower_ratio;
    sum.value += gap;
    const Wide scale = sum.rescale();
    gap *= scale;
    lower *= scale;
  }
  return sum;
}

// The gap divided by t^2 where U_0 = L_0 and U_1 = L_1 = 1, for t of either sign.
template <class Pair>
ScaledSum sum_gap_from_two(Wide d, Wide t) {
  const Pair unit{d, 1};
  const Wide lower = unit.lower(1) * unit.step(1);
  return sum_gap(Pair{d, t}, 2, (unit.upper(1) - unit.lower(1)) * unit.step(1), lower);
}

template <class Pair>
double log_gap_from_two(double d, double t) {
  ScaledSum sum = sum_gap_from_two<Pair>(d, t);
  constexpr double kSquareUnderflows = 1e-140;
  if (t < kSquareUnderflows) return 2 * std::log(t) + sum.log();
  // One logarithm and not two: they would cancel where the gap is about 1.
  sum.value *= static_cast<Wide>(t) * t;
  return sum.log();
}

template <class Pair>
double alternating_gap_from_two(double d, double t) {
  return static_cast<double>(sum_gap_from_two<Pair>(d, -t).value * t * t);
}

// The index of the largest term of 0F1(; b; x), x >= 0.
double hyp0f1_mode(double b, double x) {
  return std::max(0.0, std::floor((std::sqrt((b - 1) * (b - 1) + 4 * x) - (b + 1)) / 2));
}

double log_hyp0f1_unchecked(double b, double x) {
  const auto ratio = [b, x](auto k) { return x / ((b + k) * (k + 1)); };
  const double mode = hyp0f1_mode(b, x);
  if (mode <= kLastForwardMode) return sum_after_one(ratio).log_of_one_plus();
  const Wide log_largest = static_cast<Wide>(mode) * std::log(static_cast<Wide>(x)) - log_gamma(mode + 1) -
                           log_gamma(b + mode) + log_gamma(b);
  return log_sum_around(mode, static_cast<double>(log_largest), ratio);
}

// log 0F1(; b; -x) for 0 <= 16 x < b^2, well below the first zero. From the product over the zeros j of J_{b-1} it is
// -sum_n t_n / n with t_n = (4x)^n sum_j j^(-2n), Rayleigh's sums, which are positive and obey a convolution; t_n falls
// at least like 4^-n.
double log_alternating_hyp0f1(double b, double x) {
  std::array<double, 40> t;
  t[0] = x / b;
  double sum = t[0];
  for (std::size_t n = 1; n < t.size(); ++n) {
    double convolution = 0;
    for (std::size_t k = 0; k < n; ++k) convolution += t[k] * t[n - 1 - k];
    const auto order = static_cast<double>(n);
    t[n] = convolution / (b + order);
    sum += t[n] / (order + 1);
    if (t[n] <= kNegligible * sum) break;
  }
  return -sum;
}

double hyp0f1_unchecked(double b, double x) {
  if (x >= 0) return std::exp(log_hyp0f1_unchecked(b, x));
  if (-16 * x < b * b) return std::exp(log_alternating_hyp0f1(b, -x));
  // Below the first zero the value is at most e^(x/b), by its product over the zeros. Above it the order b - 1 is less
  // than s = 2 sqrt(-x), and Gamma(b) (2/s)^(b-1) < 1e-20. Boost may need milliseconds here.
  if (b > 170 && -x > 45 * b) return 0;
  return boost::math::hypergeometric_0F1(b, x);
}

double log_hyp1f1_unchecked(double a, double b, double x) {
  const auto ratio = [a, b, x](auto k) { return (a + k) * x / ((b + k) * (k + 1)); };
  // The positive root of k^2 + (b + 1 - x) k + b - a x, where ratio(k) = 1; none where the terms fall from the start.
  const double half = b + 1 - x;
  const double square = half * half - 4 * (b - a * x);
  const double mode = square <= 0 ? 0 : std::max(0.0, std::floor((std::sqrt(square) - half) / 2));
  if (mode <= kLastForwardMode) return sum_after_one(ratio).log_of_one_plus();
  const Wide log_ratio = log_gamma(a + mode) - log_gamma(a) - (log_gamma(b + mode) - log_gamma(b));
  const Wide log_largest = log_ratio + static_cast<Wide>(mode) * std::log(static_cast<Wide>(x)) - log_gamma(mode + 1);
  return log_sum_around(mode, static_cast<double>(log_largest), ratio);
}

double log_bessel_unchecked(double d, double q) { return log_hyp0f1_unchecked(d / 2, d * q / 4); }

double bessel_unchecked(double d, double q) { return hyp0f1_unchecked(d / 2, d * q / 4); }

// B(4q) has the largest terms of all that the gaps are made of.
bool bessel_gap_is_forward(double d, double q) { return hyp0f1_mode(d / 2, d * q) <= kLastForwardMode; }

double log_kummer_unchecked(double d, double v) {
  const auto ratio = [d, v](auto k) { return (d + k) * v / ((d + 2 * k) * (k + 1)); };
  if (v <= kLastForwardMode) return sum_after_one(ratio).log_of_one_plus();
  // The positive root of 2 k^2 + (d + 2 - v) k + d (1 - v), where ratio(k) = 1.
  const double half = d + 2 - v;
  const double mode = std::floor((std::sqrt(half * half + 8 * d * (v - 1)) - half) / 4);
  const Wide log_rho = log_gamma(d + mode) - log_gamma(d) - (log_gamma(d / 2 + mode) - log_gamma(d / 2));
  const Wide log_largest = log_rho + static_cast<Wide>(mode) * std::log(static_cast<Wide>(v) / 2) - log_gamma(mode + 1);
  return log_sum_around(mode, static_cast<double>(log_largest), ratio);
}

// F_d(-w) beyond w = 1400. The Laguerre bound [DLMF, 18.14.8] gives |F_d(-w)| <= e^(-w/4) for even d; odd d have
// besides it Gamma(d/2) / Gamma(-d/2) u^-d (1 + ...), u = w/2, which is less than 1e-18 from d = 7 on.
double kummer_tail(Index d, double u) {
  if (d % 2 == 0 || d >= 7) return 0;
  const auto dim = static_cast<double>(d);
  const auto ratio = [dim, u](auto k) { return (dim + k) * (dim / 2 + 1 + k) / ((k + 1) * u); };
  return std::tgamma(dim / 2) / std::tgamma(-dim / 2) * std::pow(u, -dim) *
         static_cast<double>(1 + sum_after_one(ratio).value);
}

double kummer_unchecked(Index d, double u) {
  const auto dim = static_cast<double>(d);
  if (u >= 0) return std::exp(log_kummer_unchecked(dim, u));
  if (u < -kLastKummerSum) return kummer_tail(d, -u / 2);
  // F_d(-w) = e^(-w/2) 1F1(-d/2; d/2; w/2): no term exceeds 1 once e^(-w/2) is in it, so nothing is lost.
  const double half = dim / 2;
  const double x = -u / 2;
  const auto ratio = [half, x](auto k) { return (k - half) * x / ((k + half) * (k + 1)); };
  const ScaledSum sum = sum_after_one(ratio);
  return static_cast<double>(std::ldexp(std::exp(-x) * sum.value, sum.exponent) + std::exp(-x));
}

double checked_dimension(Index d, std::string_view function) {
  require_at_least(d, 1, function, "d");
  return static_cast<double>(d);
}

}  // namespace

double log_hyp0f1(double b, double x) {
  require_positive(b, "log_hyp0f1", "b");
  require_nonnegative(x, "log_hyp0f1", "x");
  return log_hyp0f1_unchecked(b, x);
}

double hyp0f1(double b, double x) {
  require_positive(b, "hyp0f1", "b");
  require_finite(x, "hyp0f1", "x");
  return hyp0f1_unchecked(b, x);
}

double log_hyp1f1(double a, double b, double x) {
  require_nonnegative(a, "log_hyp1f1", "a");
  require_positive(b, "log_hyp1f1", "b");
  require_nonnegative(x, "log_hyp1f1", "x");
  return a == 0 ? 0 : log_hyp1f1_unchecked(a, b, x);
}

double log_kummer(Index d, double v) {
  const double dim = checked_dimension(d, "log_kummer");
  require_nonnegative(v, "log_kummer", "v");
  return log_kummer_unchecked(dim, v);
}

double kummer(Index d, double u) {
  checked_dimension(d, "kummer");
  require_finite(u, "kummer", "u");
  return kummer_unchecked(d, u);
}

double log_kummer_gap(Index d, double v) {
  const double dim = checked_dimension(d, "log_kummer_gap");
  require_nonnegative(v, "log_kummer_gap", "v");
  if (v <= kLastForwardMode) return log_gap_from_two<KummerPair>(dim, v);
  return log_difference(v, log_kummer_unchecked(dim, v));
}

double kummer_gap(Index d, double u) {
  const double dim = checked_dimension(d, "kummer_gap");
  require_finite(u, "kummer_gap", "u");
  if (u > 0) return std::exp(log_kummer_gap(d, u));
  if (u >= -1) return alternating_gap_from_two<KummerPair>(dim, -u);
  return std::exp(u) - kummer_unchecked(d, u);
}

double log_bessel(Index d, double q) {
  const double dim = checked_dimension(d, "log_bessel");
  require_nonnegative(q, "log_bessel", "q");
  return log_bessel_unchecked(dim, q);
}

double bessel(Index d, double q) {
  const double dim = checked_dimension(d, "bessel");
  require_finite(q, "bessel", "q");
  return bessel_unchecked(dim, q);
}

double log_bessel_exp_gap(Index d, double q) {
  const double dim = checked_dimension(d, "log_bessel_exp_gap");
  require_nonnegative(q, "log_bessel_exp_gap", "q");
  if (bessel_gap_is_forward(dim, q)) {
    ScaledSum sum = sum_gap(BesselVariance{dim, q}, 1, 1, 1);
    sum.value *= q;
    return sum.log();
  }
  return log_difference(log_bessel_unchecked(dim, 4 * q), 2 * log_bessel_unchecked(dim, q));
}

double log_bessel_cosh_gap(Index d, double q) {
  const double dim = checked_dimension(d, "log_bessel_cosh_gap");
  require_nonnegative(q, "log_bessel_cosh_gap", "q");
  if (d == 1) return -std::numeric_limits<double>::infinity();
  if (bessel_gap_is_forward(dim, q)) return log_gap_from_two<BesselVariance>(dim, q);
  return log_difference(log_bessel_unchecked(dim, 4 * q) - std::numbers::ln2, 2 * log_bessel_unchecked(dim, q));
}

double log_bessel_pair_gap(Index d, double q) {
  const double dim = checked_dimension(d, "log_bessel_pair_gap");
  require_nonnegative(q, "log_bessel_pair_gap", "q");
  if (bessel_gap_is_forward(dim, q)) return log_gap_from_two<BesselCovariance>(dim, q);
  return log_difference(2 * log_bessel_unchecked(dim, q), log_bessel_unchecked(dim, 2 * q));
}

double bessel_cos_gap(Index d, double q) {
  const double dim = checked_dimension(d, "bessel_cos_gap");
  require_nonnegative(q, "bessel_cos_gap", "q");
  if (d == 1) return 0;
  if (q <= 1) return alternating_gap_from_two<BesselVariance>(dim, q);
  const double mean = bessel_unchecked(dim, -q);
  return (1 + bessel_unchecked(dim, -4 * q)) / 2 - mean * mean;
}

double bessel_pair_gap(Index d, double q) {
  const double dim = checked_dimension(d, "bessel_pair_gap");
  require_nonnegative(q, "bessel_pair_gap", "q");
  if (q <= 1) return alternating_gap_from_two<BesselCovariance>(dim, q);
  const double mean = bessel_unchecked(dim, -q);
  return mean * mean - bessel_unchecked(dim, -2 * q);
}

}  // namespace bochner
