#include "estimators/laws/fixed_cosine.h"

#include "core/special.h"
#include "estimators/laws/small_arguments.h"

#include <boost/math/quadrature/gauss.hpp>
#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <utility>
#include <vector>

namespace bochner {
namespace {

using Wide = long double;

/// More terms than q = kSmallArgument needs: those of 4^k / k! fall below 1e-21.
constexpr std::size_t kTerms = 40;

/// sum_{j >= 1} (k over j) c^j moment_j, of even j alone for an even function: E (1 + c s)^k - 1.
Wide power_excess(std::size_t k, Wide c, bool even, const std::array<Wide, kTerms>& moment) {
  Wide sum = 0;
  Wide term = 1;
  for (std::size_t j = 1; j <= k; ++j) {
    term *= c * static_cast<Wide>(k - j + 1) / static_cast<Wide>(j);
    if (!even || j % 2 == 0) sum += term * moment[j];
  }
  return sum;
}

/// E s^j for s^2 ~ Beta(d/2, 1/2).
std::array<Wide, kTerms> moments_of_beta(Index dim) {
  const auto d = static_cast<Wide>(dim);
  std::array<Wide, kTerms> moment{1};
  // Gamma((d+1)/2)^2 / (Gamma(d/2) Gamma(d/2+1))
  const Wide ratio = boost::math::tgamma_delta_ratio((d + 1) / 2, Wide{0.5});
  const Wide inverse = boost::math::tgamma_delta_ratio(d / 2, Wide{0.5});
  moment[1] = ratio / inverse;
  for (std::size_t j = 2; j < kTerms; ++j) {
    const auto before = static_cast<Wide>(j - 2);
    moment[j] = moment[j - 2] * (d + before) / (d + before + 1);
  }
  return moment;
}

/// sum_k (+-q)^k / k! coefficient(k), k >= 1.
template <class Coefficient>
SignedLog series(Shape shape, double q, const Coefficient& coefficient) {
  const Wide argument = shape == Shape::kCos ? -Wide{q} : Wide{q};
  Wide power = 1;
  Wide sum = 0;
  for (std::size_t k = 1; k < kTerms; ++k) {
    power *= argument / static_cast<Wide>(k);
    sum += power * coefficient(k);
  }
  return SignedLog::from(sum);
}

/// Cosines theta of s = cos(theta), weight cos^(d-1)(theta) up to a constant, with their normalised weights. For c > 0
/// and large q, where E exp(w1.u + w2.u) lies near s = 1, the range shrinks with what the integrand adds to the weight.
std::vector<std::pair<double, double>> beta_nodes(Index dim, double growth) {
  using Gauss = boost::math::quadrature::gauss<double, 64>;
  const double d = static_cast<double>(dim);
  const double top = std::min(std::numbers::pi / 2, 12 / std::sqrt(d + growth));
  // The total weight is sqrt(pi)/2 Gamma(d/2) / Gamma((d+1)/2), also where only a part of the range counts.
  const double log_total = std::log(std::sqrt(std::numbers::pi) / 2 * boost::math::tgamma_delta_ratio(d / 2, 0.5));
  std::vector<std::pair<double, double>> nodes;
  const auto add = [&](double abscissa, double weight) {
    const double theta = top / 2 * (1 + abscissa);
    const double s = std::cos(theta);
    nodes.emplace_back(s, std::log(weight * top / 2) + (d - 1) * std::log(s) - log_total);
  };
  for (std::size_t k = 0; k < Gauss::abscissa().size(); ++k) {
    add(Gauss::abscissa()[k], Gauss::weights()[k]);
    add(-Gauss::abscissa()[k], Gauss::weights()[k]);
  }
  return nodes;
}

/// E exp(w1.u + w2.u) for q > 0, of chi norms.
SignedLog chi_cross(Index dim, double q, double cosine) {
  SignedLog sum;
  for (const auto& [s, log_weight] : beta_nodes(dim, std::max(0.0, cosine) * q / 2)) {
    sum = sum + SignedLog{1, log_weight + static_cast<Wide>(log_kummer(dim, std::max(0.0, (1 + cosine * s) * q)))};
  }
  return sum;
}

/// E cos(w1.u) cos(w2.u) less the part of sin(w1.u) sin(w2.u), of chi norms.
double chi_cosine_cross(Index dim, double q, double cosine) {
  double sum = 0;
  for (const auto& [s, log_weight] : beta_nodes(dim, 0)) {
    sum += std::exp(log_weight) * kummer(dim, -std::max(0.0, (1 + cosine * s) * q));
  }
  return sum;
}

template <class Cross>
auto symmetrised(const Cross& cross, double cosine) {
  return cross(cosine) + cross(-cosine);
}

}  // namespace

SignedLog chi_covariance(Shape shape, Index dim, double q, double cosine) {
  if (q == 0) return {};
  if (q <= kSmallArgument) {
    const auto moment = moments_of_beta(dim);
    Wide rho = 1;
    Wide rho_gap = 0;  // 1 - rho
    return series(shape, q, [&](std::size_t k) {
      const auto before = static_cast<Wide>(k - 1);
      const Wide ratio = (static_cast<Wide>(dim) + before) / (static_cast<Wide>(dim) + 2 * before);
      rho_gap += rho * (1 - ratio);
      rho *= ratio;
      return rho * power_excess(k, cosine, shape != Shape::kExp, moment) - rho_gap;
    });
  }
  const SignedLog product = SignedLog::positive(shape == Shape::kCos ? -q : q);
  if (shape == Shape::kExp) return chi_cross(dim, q, cosine) - product;
  const double log_half = -std::numbers::ln2;
  if (shape == Shape::kCosh) {
    return symmetrised([&](double c) { return chi_cross(dim, q, c); }, cosine).scaled(log_half) - product;
  }
  return SignedLog::from(symmetrised([&](double c) { return chi_cosine_cross(dim, q, c); }, cosine)).scaled(log_half) -
         product;
}

SignedLog constant_covariance(Shape shape, Index dim, double q, double cosine) {
  if (q == 0) return {};
  if (q <= kSmallArgument) {
    std::array<Wide, kTerms> ones{};
    ones.fill(1);
    // B(x) = sum_k x^k / k! b_k and B(q)^2 = sum_k (2q)^k / k! b_k P_k, P_k = prod_{j<k} (d-1+k+j) / (d+2j).
    const auto d = static_cast<Wide>(dim);
    Wide b = 1;
    return series(shape, q, [&](std::size_t k) {
      const auto order = static_cast<Wide>(k);
      b *= d / (d + 2 * (order - 1));  // 2^k b_k
      Wide log_ratio = 0;
      for (std::size_t j = 0; j < k; ++j) {
        const auto step = static_cast<Wide>(j);
        log_ratio += std::log1p((order - 1 - step) / (d + 2 * step));
      }
      return b * (power_excess(k, cosine, shape != Shape::kExp, ones) - std::expm1(log_ratio));
    });
  }
  const auto cross = [&](double c) {
    const double argument = 2 * (1 + c) * q;
    return shape == Shape::kCos ? SignedLog::from(bessel(dim, -argument))
                                : SignedLog::positive(log_bessel(dim, argument));
  };
  const SignedLog mean =
      shape == Shape::kCos ? SignedLog::from(bessel(dim, -q)) : SignedLog::positive(log_bessel(dim, q));
  const SignedLog product = mean.sign == 0 ? SignedLog{} : SignedLog{1, 2 * mean.log};
  if (shape == Shape::kExp) return cross(cosine) - product;
  return symmetrised(cross, cosine).scaled(-std::numbers::ln2) - product;
}

}  // namespace bochner
