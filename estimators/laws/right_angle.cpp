#include "estimators/laws/right_angle.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

namespace bochner {
namespace {

constexpr std::size_t kTerms = 36;
/// What follows a term that is this small against the largest is smaller still.
constexpr double kNegligible = 1e-18;
/// Terms that are summed as they stand, in the two sums that are compared.
constexpr std::size_t kPlain = 12;
constexpr std::size_t kMorePlain = 16;
constexpr double kTolerance = 1e-11;

/// log of N_l |P_l(0)| for d >= 2, l = 2j >= 2, where |P_l(0)| = (1/2)_j / ((d-1)/2)_j.
double log_weight(double d, double j) {
  using boost::math::lgamma;
  const double l = 2 * j;
  const double log_harmonics =
      d == 2 ? std::log(2.0) : std::log(2 * l + d - 2) + lgamma(l + d - 2) - lgamma(l + 1) - lgamma(d - 1);
  return log_harmonics + lgamma(j + 0.5) - lgamma(0.5) - lgamma((d - 1) / 2 + j) + lgamma((d - 1) / 2);
}

/// The sum of (-1)^k a_k over k = 0, 1, ... from the first n terms of a slowly falling sequence: weighted by Chebyshev
/// polynomials, so that the error is about 5.8^-n for smooth ones.
double alternating_sum(std::span<const double> a) {
  const auto n = static_cast<double>(a.size());
  double d = std::pow(3 + std::sqrt(8.0), n);
  d = (d + 1 / d) / 2;
  double b = -1;
  double c = -d;
  double sum = 0;
  for (double k = 0; const double term : a) {
    c = b - c;
    sum += c * term;
    b *= (k + n) * (k - n) / ((k + 0.5) * (k + 1));
    ++k;
  }
  return sum / d;
}

/// The sum of (-1)^k a_k with the first `plain` terms as they stand.
double mixed_sum(std::span<const double> a, std::size_t plain) {
  double sum = 0;
  for (std::size_t k = 0; k < plain; ++k) sum += k % 2 == 0 ? a[k] : -a[k];
  const double rest = alternating_sum(a.subspan(plain));
  return sum + (plain % 2 == 0 ? rest : -rest);
}

}  // namespace

std::optional<SignedLog> right_angle_covariance(const RadialLaw& radial, Index dim, double q) {
  if (dim < 2) return std::nullopt;
  if (q == 0) return SignedLog{};
  std::vector<double> terms;
  double largest = 0;
  while (terms.size() < kTerms) {
    const auto j = static_cast<Index>(terms.size()) + 1;
    const auto harmonic = radial.harmonic(Shape::kCos, dim, 2 * j, q);
    if (!harmonic) return std::nullopt;
    terms.push_back(std::exp(log_weight(static_cast<double>(dim), static_cast<double>(j)) +
                             2 * static_cast<double>(harmonic->log)));
    largest = std::max(largest, terms.back());
    if (terms.back() <= kNegligible * largest) {
      double sum = 0;
      for (std::size_t k = terms.size(); k > 0; --k) sum += k % 2 == 0 ? terms[k - 1] : -terms[k - 1];
      return SignedLog::from(sum);
    }
  }
  const double sum = mixed_sum(terms, kPlain);
  const double error = std::fabs(sum - mixed_sum(terms, kMorePlain));
  if (error > kTolerance * radial.variance(Shape::kCos, dim, q).value()) return std::nullopt;
  return SignedLog::from(-sum);
}

}  // namespace bochner
