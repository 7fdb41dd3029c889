#include "estimators/laws/antimonotone.h"

#include "core/special.h"
#include "estimators/laws/small_arguments.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>
#include <vector>

namespace bochner {
namespace {

using Wide = long double;

constexpr double kStep = 0.125;
/// Phi(-37) is near the least normal number.
constexpr double kLargest = 37;
constexpr std::size_t kTerms = 40;

/// A node of the integral over U: |w1 + w2|^2 of the pair and the logarithm of its weight.
struct Node {
  double square;
  double log_weight;
};

/// t = Phi^{-1}(U) >= 0 stands for -t too, which exchanges the norms. Empty where there are no quantiles.
std::vector<Node> nodes_of(const RadialLaw& radial, Index dim, double cosine, double range) {
  std::vector<Node> nodes;
  const double log_unit = std::log(kStep) - 0.5 * std::log(2 * std::numbers::pi);
  for (Index k = 0; static_cast<double>(k) * kStep <= range; ++k) {
    const double t = static_cast<double>(k) * kStep;
    const double upper = std::erfc(t / std::numbers::sqrt2) / 2;
    const auto large = radial.norm_quantile(dim, 1 - upper, upper);
    const auto small = radial.norm_quantile(dim, upper, 1 - upper);
    if (!large || !small) return {};
    const double square = *large * *large + *small * *small + 2 * cosine * *large * *small;
    nodes.push_back({square, log_unit - t * t / 2 + (k == 0 ? 0 : std::numbers::ln2)});
  }
  return nodes;
}

/// E 0F1(; d/2; +-q |w1 + w2|^2 / 4).
SignedLog cross(const std::vector<Node>& nodes, Shape shape, Index dim, double q) {
  const double half = static_cast<double>(dim) / 2;
  SignedLog sum;
  for (const Node& node : nodes) {
    const double x = q * node.square / 4;
    const SignedLog value =
        shape == Shape::kCos ? SignedLog::from(hyp0f1(half, -x)) : SignedLog::positive(log_hyp0f1(half, x));
    sum = sum + value.scaled(node.log_weight);
  }
  return sum;
}

/// The coefficients of (+-q)^k in E exp(w1.u + w2.u); that of E exp(w.u) are A_k of laws/small_arguments.h.
std::array<Wide, kTerms> cross_coefficients(const std::vector<Node>& nodes, Index dim) {
  std::array<Wide, kTerms> coefficients{};
  for (const Node& node : nodes) {
    Wide term = std::exp(Wide{node.log_weight});
    for (std::size_t k = 0; k < kTerms; ++k) {
      coefficients[k] += term;
      term *= Wide{node.square} / (2 * static_cast<Wide>(k + 1) * (static_cast<Wide>(dim) + 2 * static_cast<Wide>(k)));
    }
  }
  return coefficients;
}

/// The coefficients of the covariance at a right angle or, where cross has them for c and -c, their mean.
std::optional<SignedLog> small_covariance(const RadialLaw& radial, Shape shape, Index dim, double q, double cosine,
                                          const std::array<Wide, kTerms>& pair) {
  std::array<Wide, kTerms> mean{1};
  for (std::size_t k = 1; k < kTerms; ++k) {
    const auto before = static_cast<Index>(k) - 1;
    const auto ratio = radial.moment_ratio(dim, before);
    if (!ratio) return std::nullopt;
    mean[k] = mean[k - 1] * Wide{*ratio} / static_cast<Wide>(2 * (before + 1) * (dim + 2 * before));
  }
  const Wide argument = shape == Shape::kCos ? -Wide{q} : Wide{q};
  // Of first order E |w1 + w2|^2 = 2 E |w|^2 + 2 c E r r', of which even functions see only the first part.
  const bool no_first = cosine == 0 || shape != Shape::kExp;
  Wide power = 1;
  Wide sum = 0;
  for (std::size_t k = 1; k < kTerms; ++k) {
    power *= argument;
    if (k == 1 && no_first) continue;
    Wide product = 0;
    for (std::size_t j = 0; j <= k; ++j) product += mean[j] * mean[k - j];
    sum += power * (pair[k] - product);
  }
  return SignedLog::from(sum);
}

}  // namespace

std::optional<SignedLog> antimonotone_covariance(const RadialLaw& radial, Shape shape, Index dim, double q,
                                                 double cosine) {
  if (q == 0) return SignedLog{};
  // The integrand grows like exp(sqrt(q) r), so its mass moves out by sqrt(q).
  const double range = shape == Shape::kCos ? 9 : std::min(kLargest, 9 + std::sqrt(q));
  const auto nodes = nodes_of(radial, dim, cosine, range);
  if (nodes.empty()) return std::nullopt;
  const bool both = cosine != 0 && shape != Shape::kExp;
  const auto opposite = both ? nodes_of(radial, dim, -cosine, range) : std::vector<Node>{};
  if (q <= kSmallArgument) {
    auto pair = cross_coefficients(nodes, dim);
    if (both) {
      const auto other = cross_coefficients(opposite, dim);
      for (std::size_t k = 0; k < kTerms; ++k) pair[k] = (pair[k] + other[k]) / 2;
    }
    if (const auto covariance = small_covariance(radial, shape, dim, q, cosine, pair)) return covariance;
  }
  const SignedLog mean = radial.mean(shape, dim, q);
  const SignedLog product = mean.sign == 0 ? SignedLog{} : SignedLog{1, 2 * mean.log};
  SignedLog second = cross(nodes, shape, dim, q);
  if (both) second = (second + cross(opposite, shape, dim, q)).scaled(-std::numbers::ln2);
  return second - product;
}

}  // namespace bochner
