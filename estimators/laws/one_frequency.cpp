#include "estimators/laws/one_frequency.h"

#include "core/signed_log.h"
#include "estimators/laws/antimonotone.h"
#include "estimators/laws/small_arguments.h"
#include "estimators/radial_laws/chi.h"

#include <cmath>
#include <utility>
#include <vector>

namespace bochner {
namespace {

/// |x' + y'|^2, |x' - y'|^2, |x'|^2 + |y'|^2 and x'.y'. Each is summed by itself, since one may be far smaller than
/// another, and wider than a double, since at norms of 1e3 the exponents 2e6 of their exponentials cancel.
struct Geometry {
  long double plus = 0;
  long double minus = 0;
  long double norms = 0;
  long double dot = 0;

  double argument(const OneFrequencyEstimate& estimate) const {
    return static_cast<double>(estimate.sign > 0 ? plus : minus);
  }
  /// The logarithm of what stands before f.
  long double prefactor(const OneFrequencyEstimate& estimate) const {
    return estimate.exponent * norms + std::log(static_cast<long double>(estimate.amplitude));
  }
};

Geometry geometry_of(const OneFrequencyEstimate& estimate, std::span<const double> x, std::span<const double> y) {
  Geometry geometry;
  for (std::size_t j = 0; j < x.size(); ++j) {
    const long double scale = estimate.scale(j);
    const long double a = scale * x[j];
    const long double b = scale * y[j];
    geometry.plus += (a + b) * (a + b);
    geometry.minus += (a - b) * (a - b);
    geometry.norms += a * a + b * b;
    geometry.dot += a * b;
  }
  return geometry;
}

/// E f(w.u) of one radial law minus that of another.
SignedLog difference_of_means(const RadialLaw& first, const RadialLaw& second, Shape shape, Index dim, double q) {
  if (q == 0 || first.same_as(second)) return {};
  if (q <= kSmallArgument) {
    if (const auto difference = mean_difference(first, second, shape, dim, q)) return *difference;
  }
  if (shape == Shape::kCos) {
    // Where both means are nearly 1, by what they lack.
    Vector<double> u = Vector<double>::Zero(dim);
    u(0) = std::sqrt(q);
    const std::span<const double> along(u.data(), static_cast<std::size_t>(dim));
    const auto of_first = first.cosine_gap(along);
    const auto of_second = second.cosine_gap(along);
    if (of_first && of_second && *of_first < 0.5 && *of_second < 0.5) return SignedLog::from(*of_second - *of_first);
  }
  return first.mean(shape, dim, q) - second.mean(shape, dim, q);
}

/// The estimate of the same kernel by cosines of x - y if this one is by exponentials of x + y, and the reverse. With
/// Gaussian frequencies g both have one mean: e^(n/2) E cos(g.(x - y)) = e^(x.y) = e^(-n/2) E exp(g.(x + y)), where
/// n = |x|^2 + |y|^2.
OneFrequencyEstimate mirrored(const OneFrequencyEstimate& estimate) {
  const bool cosine = estimate.shape == Shape::kCos;
  OneFrequencyEstimate mirror = estimate;
  mirror.shape = cosine ? Shape::kExp : Shape::kCos;
  mirror.sign = -estimate.sign;
  mirror.exponent += cosine ? -1 : 1;
  return mirror;
}

/// E X(w) - K(x, y), as a difference of means of one shape under two radial laws: the frequencies' own and the
/// kernel's. Where the kernel is the mean of another shape (regularized softmax and cosines), the Gaussian law, under
/// which the two shapes have one mean, stands between them.
SignedLog bias_of(const OneFrequencyEstimate& estimate, const Kernel& kernel, const RadialLaw& radial,
                  const Geometry& geometry, std::span<const double> x, std::span<const double> y) {
  if (kernel.is_mean_of(estimate.shape, radial)) return {};
  const auto dim = static_cast<Index>(x.size());
  const auto law = kernel.frequency_law();
  const RadialLaw* own = law ? law->isotropic() : nullptr;
  const double q = geometry.argument(estimate);
  const long double prefactor = geometry.prefactor(estimate);
  if (own && kernel.is_mean_of(estimate.shape, *own)) {
    return difference_of_means(radial, *own, estimate.shape, dim, q).scaled(prefactor);
  }

  const OneFrequencyEstimate mirror = mirrored(estimate);
  if (own && kernel.is_mean_of(mirror.shape, *own)) {
    const ChiRadialLaw gaussian;
    const double p = geometry.argument(mirror);
    const long double mirror_prefactor = geometry.prefactor(mirror);
    const bool small = q <= kSmallArgument && p <= kSmallArgument;
    if (small && radial.same_as(*own) && estimate.shape == Shape::kCos) {
      const auto bias = excess_difference(radial, dim, {geometry.minus, prefactor}, {geometry.plus, mirror_prefactor},
                                          -4 * geometry.dot);
      if (bias) return *bias;
    }
    if (small || radial.same_as(gaussian)) {
      return difference_of_means(radial, gaussian, estimate.shape, dim, q).scaled(prefactor) -
             difference_of_means(*own, gaussian, mirror.shape, dim, p).scaled(mirror_prefactor);
    }
  }
  return radial.mean(estimate.shape, dim, q).scaled(prefactor) - kernel.value(x, y);
}

/// Cov(f(w1.u), f(w2.u)) by cosine and relation of the norms, each evaluated once.
class Covariances {
 public:
  Covariances(const RadialLaw& radial, Shape shape, Index dim, double argument)
      : radial_(radial), shape_(shape), dim_(dim), argument_(argument) {}

  std::optional<SignedLog> at(const PairGroup& group) {
    for (const auto& [known, covariance] : known_) {
      if (known.cosine == group.cosine && known.norms == group.norms) return covariance;
    }
    return known_.emplace_back(group, evaluate(group)).second;
  }

 private:
  std::optional<SignedLog> evaluate(const PairGroup& group) const {
    switch (group.norms) {
      case NormRelation::kIndependent:
        return radial_.covariance(shape_, dim_, argument_, group.cosine);
      case NormRelation::kAntimonotone:
        return antimonotone_covariance(radial_, shape_, dim_, argument_, group.cosine);
      case NormRelation::kEqual:
        return std::nullopt;
    }
    return std::nullopt;
  }

  const RadialLaw& radial_;
  Shape shape_;
  Index dim_;
  double argument_;
  std::vector<std::pair<PairGroup, std::optional<SignedLog>>> known_;
};

/// The ordered pairs of orthogonal rows, if no others are dependent.
std::optional<double> orthogonal_pairs(const std::vector<PairGroup>& groups) {
  double pairs = 0;
  for (const PairGroup& group : groups) {
    if (group.pairs == 0) continue;
    if (group.cosine != 0 || group.norms != NormRelation::kIndependent) return std::nullopt;
    pairs += group.pairs;
  }
  return pairs;
}

/// Var sum_i f(w_i.u) over m rows.
class SumVariance {
 public:
  SumVariance(const RadialLaw& radial, Shape shape, Index dim, double argument)
      : radial_(radial),
        shape_(shape),
        dim_(dim),
        argument_(argument),
        of_one_(radial.variance(shape, dim, argument)),
        covariances_(radial, shape, dim, argument) {}

  std::optional<SignedLog> at(const Coupling& coupling, Index m) {
    const auto groups = coupling.dependent_pairs(m, dim_);
    if (!groups) return std::nullopt;
    if (of_one_.sign == 0) return SignedLog{};
    // Exponentials have a term of first order, in which pairs at a right angle have no part.
    if (argument_ <= kSmallArgument && shape_ != Shape::kExp) {
      const auto pairs = orthogonal_pairs(*groups);
      if (pairs && *pairs > 0) {
        if (auto variance = variance_of_sum(radial_, shape_, dim_, argument_, m, *pairs)) return variance;
      }
    }
    return sum_of_parts(*groups, m);
  }

 private:
  std::optional<SignedLog> sum_of_parts(const std::vector<PairGroup>& groups, Index m) {
    auto single = static_cast<double>(m);
    SignedLog variance;
    for (const PairGroup& group : groups) {
      if (group.pairs == 0) continue;
      if (group.opposite()) {
        // f(t) + f(-t) is twice the even part of f, whose variance lacks the terms that would cancel here.
        const Shape even = shape_ == Shape::kExp ? Shape::kCosh : shape_;
        variance = variance + radial_.variance(even, dim_, argument_).scaled(std::log(2 * group.pairs));
        single -= group.pairs;
        continue;
      }
      const auto covariance = covariances_.at(group);
      if (!covariance) return std::nullopt;
      variance = variance + covariance->scaled(std::log(group.pairs));
    }
    return single > 0 ? of_one_.scaled(std::log(single)) + variance : variance;
  }

  const RadialLaw& radial_;
  Shape shape_;
  Index dim_;
  double argument_;
  SignedLog of_one_;
  Covariances covariances_;
};

/// The laws of cosines whose frequencies have no uniform direction, independent but for pairs of opposites, which have
/// equal cosines.
std::vector<Law> cosine_laws(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                             const FrequencyLaw& frequencies, const Coupling& coupling, std::span<const Index> m,
                             std::span<const double> x, std::span<const double> y) {
  if (estimate.shape != Shape::kCos) return {};
  Vector<double> u(static_cast<Index>(x.size()));
  for (std::size_t j = 0; j < x.size(); ++j) u(static_cast<Index>(j)) = estimate.scale(j) * (x[j] - y[j]);
  const auto gap = frequencies.cosine_gap({u.data(), x.size()});
  const auto of_one = frequencies.cosine_variance({u.data(), x.size()});
  if (!gap || !of_one) return {};
  const auto prefactor = static_cast<double>(geometry_of(estimate, x, y).prefactor(estimate));
  const double truth = kernel.value(x, y).value();
  const bool unbiased = kernel.is_mean_of(estimate.shape, frequencies);
  const double mean = unbiased ? truth : std::exp(prefactor) * (1 - *gap);
  const double variance = std::exp(2 * prefactor) * *of_one;
  const double bias = mean - truth;

  std::vector<Law> laws;
  for (const Index size : m) {
    const auto groups = coupling.dependent_pairs(size, static_cast<Index>(x.size()));
    if (!groups) return {};
    double opposite = 0;
    for (const PairGroup& group : *groups) {
      if (group.pairs != 0 && !group.opposite()) return {};
      opposite += group.pairs;
    }
    const auto count = static_cast<double>(size);
    const double shrunk = variance * (count + opposite) / (count * count);
    laws.push_back({mean, shrunk, bias, shrunk + bias * bias, {}});
  }
  return laws;
}

}  // namespace

long double OneFrequencyEstimate::log_prefactor(std::span<const double> x, std::span<const double> y) const {
  return geometry_of(*this, x, y).prefactor(*this);
}

std::vector<Law> one_frequency_laws(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                    const FrequencyLaw& frequencies, const Coupling& coupling, std::span<const Index> m,
                                    std::span<const double> x, std::span<const double> y) {
  if (!frequencies.isotropic()) return cosine_laws(estimate, kernel, frequencies, coupling, m, x, y);
  const RadialLaw& radial = *frequencies.isotropic();
  if (!radial.has_moments(estimate.shape)) return {};
  const Index dim = static_cast<Index>(x.size());
  const Geometry geometry = geometry_of(estimate, x, y);
  const double argument = geometry.argument(estimate);
  const long double prefactor = geometry.prefactor(estimate);
  const double mean = radial.mean(estimate.shape, dim, argument).scaled(prefactor).value();
  const double bias = bias_of(estimate, kernel, radial, geometry, x, y).value();
  const auto kurtosis = radial.kurtosis(estimate.shape, dim, argument);
  SumVariance sum_variance(radial, estimate.shape, dim, argument);

  std::vector<Law> laws;
  for (const Index size : m) {
    const auto variance = sum_variance.at(coupling, size);
    if (!variance) return {};
    const auto count = static_cast<double>(size);
    Law law;
    law.mean = mean;
    law.variance = variance->scaled(2 * (prefactor - std::log(count))).value();
    law.bias = bias;
    law.mse = law.variance + bias * bias;
    if (kurtosis) law.iid_kurtosis = 3 + (*kurtosis - 3) / count;
    laws.push_back(law);
  }
  return laws;
}

std::optional<Law> one_frequency_law(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                     const FrequencyLaw& frequencies, const Coupling& coupling, Index m,
                                     std::span<const double> x, std::span<const double> y) {
  const auto laws = one_frequency_laws(estimate, kernel, frequencies, coupling, {&m, 1}, x, y);
  if (laws.empty()) return std::nullopt;
  return laws.front();
}

}  // namespace bochner
