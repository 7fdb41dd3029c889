#include "estimators/laws/small_arguments.h"

#include <array>
#include <cmath>
#include <cstddef>

namespace bochner {
namespace {

using Wide = long double;

/// More terms than q = kSmallArgument needs. The sums end before, except where every term is 0.
constexpr Index kTerms = 40;
/// What follows a term that is this small against the sum so far is smaller still.
constexpr Wide kNegligible = 1e-19L;

double sign_of(Shape shape) { return shape == Shape::kCos ? -1 : 1; }

/// E |g|^(2k+2) / E |g|^(2k) of a Gaussian vector g.
double gaussian_ratio(Index dim, Index k) { return static_cast<double>(dim + 2 * k); }

/// Calls term(k, A_k(first) - A_k(second)) for k = 1, 2, ... until it returns false; false where a moment is unknown.
template <class FirstRatio, class SecondRatio, class Term>
bool for_differences(Index dim, const FirstRatio& first, const SecondRatio& second, const Term& term) {
  Wide difference = 0;
  Wide of_second = 1;
  for (Index k = 0; k < kTerms; ++k) {
    const std::optional<double> a = first(k);
    const std::optional<double> b = second(k);
    if (!a || !b) return false;
    // a A - b B = a (A - B) + (a - b) B, which cancels nothing.
    const Wide step = Wide{0.5} / static_cast<Wide>((k + 1) * (dim + 2 * k));
    difference = step * (*a * difference + (Wide{*a} - *b) * of_second);
    of_second *= step * *b;
    if (!term(k + 1, difference)) break;
  }
  return true;
}

/// Adds a term, and tells whether more are needed. Not `<=`: leading terms may be exactly 0.
bool add(Wide& sum, Wide term) {
  sum += term;
  return !(std::fabs(term) < kNegligible * std::fabs(sum));
}

/// A_k = power_k / rising_k with rising_k = (d/2)_k, the ratios they are made of, and 1 / (2k)!.
struct Coefficients {
  std::array<Wide, kTerms> a{1};
  std::array<Wide, kTerms> power{1};
  std::array<Wide, kTerms> rising{1};
  std::array<Wide, kTerms> inverse_factorial{1};
  std::array<Wide, kTerms> ratio{};

  /// Appends those of k >= 1; false where a moment is unknown.
  bool append(const RadialLaw& radial, Index dim, std::size_t k) {
    const auto before = static_cast<Index>(k) - 1;
    const auto next = radial.moment_ratio(dim, before);
    if (!next) return false;
    ratio[k - 1] = *next;
    power[k] = power[k - 1] * *next / static_cast<Wide>(4 * (before + 1));
    rising[k] = rising[k - 1] * static_cast<Wide>(dim + 2 * before) / 2;
    a[k] = power[k] / rising[k];
    inverse_factorial[k] = inverse_factorial[k - 1] / static_cast<Wide>((2 * before + 1) * (2 * before + 2));
    return true;
  }
};

/// The coefficients of Var sum_i cosh(w_i.u). With S_j = sum_i (w_i.u)^(2j) / (2j)! that of q^k is
/// sum_{j + l = k} Cov(S_j, S_l), j, l >= 1, where
///   E (w.u)^(2k) / ((2j)! (2l)!) = (2k over 2j) A_k q^k,   E (w.u)^(2j) (w'.u)^(2l) / ((2j)! (2l)!) =
///   power_j power_l / rising_k q^k   for w' at a right angle.
class VarianceSeries {
 public:
  VarianceSeries(Index dim, Index m, double pairs) : dim_(dim), m_(static_cast<Wide>(m)), pairs_(pairs) {}

  Wide coefficient(const Coefficients& c, std::size_t k) const {
    Wide sum = k == 2 ? with_square(c, 1) : 2 * with_square(c, k - 1);
    const Wide same = m_ * c.a[k] / c.inverse_factorial[k];
    const Wide pair = pairs_ / c.rising[k];
    for (std::size_t j = 2; 2 * j <= k; ++j) {
      const std::size_t l = k - j;
      const Wide covariance = same * c.inverse_factorial[j] * c.inverse_factorial[l] + pair * c.power[j] * c.power[l] -
                              (m_ + pairs_) * c.a[j] * c.a[l];
      sum += j == l ? covariance : 2 * covariance;
    }
    return sum;
  }

 private:
  /// Cov(S_1, S_l). S_1 may be constant; then the two parts, whole numbers for one radius, are equal and opposite.
  Wide with_square(const Coefficients& c, std::size_t l) const {
    const auto d = static_cast<Wide>(dim_);
    const auto twice = static_cast<Wide>(2 * l);
    const Wide of_one = (d * (1 + twice) * c.ratio[l] - (d + twice) * c.ratio[0]) / c.ratio[0];
    return c.a[1] * c.a[l] * (m_ * of_one - pairs_ * twice) / (d + twice);
  }

  Index dim_;
  Wide m_;
  Wide pairs_;
};

}  // namespace

std::optional<SignedLog> mean_difference(const RadialLaw& first, const RadialLaw& second, Shape shape, Index dim,
                                         double q) {
  const Wide argument = sign_of(shape) * q;
  Wide sum = 0;
  Wide power = 1;
  const bool known = for_differences(
      dim, [&](Index k) { return first.moment_ratio(dim, k); }, [&](Index k) { return second.moment_ratio(dim, k); },
      [&](Index, Wide difference) { return add(sum, difference * (power *= argument)); });
  if (!known) return std::nullopt;
  return SignedLog::from(sum);
}

std::optional<SignedLog> excess_difference(const RadialLaw& radial, Index dim, const ScaledArgument& cosine,
                                           const ScaledArgument& hyperbolic, long double difference) {
  // Relative to e^(hyperbolic.prefactor): (1 + expm1) (-q)^k - p^k, whose even powers cancel.
  const Wide q = cosine.q;
  const Wide p = hyperbolic.q;
  const Wide excess = std::expm1(cosine.prefactor - hyperbolic.prefactor);
  const Wide difference_of_squares = difference * (q + p);
  Wide q_power = 1;
  Wide p_power = 1;
  Wide power_difference = 0;  // q^k - p^k for even k
  Wide sum = 0;
  const bool known = for_differences(
      dim, [&](Index k) { return radial.moment_ratio(dim, k); }, [&](Index k) { return gaussian_ratio(dim, k); },
      [&](Index k, Wide coefficient) {
        q_power *= q;
        p_power *= p;
        if (k % 2 == 1) return add(sum, -coefficient * ((1 + excess) * q_power + p_power));
        power_difference = q * q * power_difference + p_power / (p * p) * difference_of_squares;
        return add(sum, coefficient * (excess * q_power + power_difference));
      });
  if (!known) return std::nullopt;
  return SignedLog::from(sum).scaled(hyperbolic.prefactor);
}

std::optional<SignedLog> variance_of_sum(const RadialLaw& radial, Shape shape, Index dim, double q, Index m,
                                         double orthogonal_pairs) {
  const Wide argument = sign_of(shape) * q;
  const VarianceSeries series(dim, m, orthogonal_pairs);
  Coefficients coefficients;
  if (!coefficients.append(radial, dim, 1)) return std::nullopt;
  Wide sum = 0;
  Wide power = argument;
  for (std::size_t k = 2; k < kTerms; ++k) {
    if (!coefficients.append(radial, dim, k)) return std::nullopt;
    power *= argument;
    if (!add(sum, series.coefficient(coefficients, k) * power)) break;
  }
  return SignedLog::from(sum);
}

}  // namespace bochner
