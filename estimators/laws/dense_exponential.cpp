#include "estimators/laws/dense_exponential.h"

#include "estimators/laws/antimonotone.h"
#include "estimators/radial_laws/chi.h"

#include <cmath>
#include <limits>

namespace bochner {
namespace {

constexpr long double kInfinity = std::numeric_limits<long double>::infinity();

/// The moments of X / M for one frequency; of those below, the second is finite.
class Moments {
 public:
  Moments(const Vector<double>& a, const Vector<long double>& s) : a_(a), s_(s) {}

  long double a(Index j) const { return a_(a_.size() == 1 ? 0 : j); }

  /// log E (X / M)^k; infinity where there is none.
  long double log_moment(long double k) const {
    long double sum = 0;
    for (Index j = 0; j < s_.size(); ++j) {
      const long double weight = 1 - 4 * k * a(j);
      if (weight <= 0) return kInfinity;
      // (1 - 4a)^k / (1 - 4ka) and k^2 (1 - 4a) / (1 - 4ka) - k, without the ones that cancel.
      sum += (k * std::log1p(-4 * a(j)) - std::log1p(-4 * k * a(j))) / 2;
      sum += s_(j) * s_(j) * k * (k - 1) / (2 * weight);
    }
    return sum;
  }

  /// E (X / M)^2 - 1.
  SignedLog variance() const {
    long double log_weight = 0, exponent = 0;
    for (Index j = 0; j < s_.size(); ++j) {
      const long double t = 1 - 8 * a(j);
      log_weight += std::log1p(16 * a(j) * a(j) / t) / 2;
      exponent += s_(j) * s_(j) / t;
    }
    return minus_one(log_weight + exponent);
  }

  /// E (X(w) + X(-w))^2 / (2 M^2) - 2, of a row and its opposite. With p and q the logarithms of E X(w)^2 / M^2 and
  /// E X(w) X(-w) / M^2, e^p + e^q - 2 = 4 e^((p+q)/2) sinh^2((p-q)/4) + 2 (e^((p+q)/2) - 1), in which no terms of
  /// first order in |s|^2 cancel.
  SignedLog variance_of_opposites() const {
    long double middle = 0, quarter = 0;
    for (Index j = 0; j < s_.size(); ++j) {
      const long double t = 1 - 8 * a(j), square = s_(j) * s_(j);
      middle += std::log1p(16 * a(j) * a(j) / t) / 2 + 4 * a(j) * square / t;
      quarter += square * (1 - 4 * a(j)) / (2 * t);
    }
    const long double log_sinh = quarter + std::log(-std::expm1(-2 * quarter) / 2);
    return SignedLog::positive(middle + 2 * log_sinh + std::log(4.0L)) + minus_one(middle).scaled(std::log(2.0L));
  }

  /// E (X - M)^4 / Var(X)^2.
  std::optional<double> kurtosis() const {
    // Below it the fourth power of the error is lost in the four terms.
    constexpr long double kSmall = 1e-3;
    const long double second = log_moment(2), third = log_moment(3), fourth = log_moment(4);
    if (second < kSmall) return std::nullopt;
    if (std::isinf(fourth)) return std::numeric_limits<double>::infinity();
    const SignedLog sum = SignedLog::positive(fourth) - SignedLog::positive(third + std::log(4.0L)) +
                          SignedLog::positive(second + std::log(6.0L)) - SignedLog{1, std::log(3.0L)};
    return sum.scaled(-2 * minus_one(second).log).value();
  }

 private:
  /// e^log - 1.
  static SignedLog minus_one(long double log) {
    return log > 1 ? SignedLog::positive(log + std::log1p(-std::exp(-log))) : SignedLog::from(std::expm1(log));
  }

  const Vector<double>& a_;
  const Vector<long double>& s_;
};

/// Cov(X(w1), X(w2)) / M^2 of one pair of the group; none where it is not known.
std::optional<SignedLog> covariance(const PairGroup& group, const Vector<double>& a, const Vector<long double>& s) {
  const ChiRadialLaw gaussian;
  const long double square = s.squaredNorm();
  const auto q = static_cast<double>(square);
  std::optional<SignedLog> of_exp;
  if (group.norms == NormRelation::kIndependent && a.minCoeff() == a.maxCoeff()) {
    of_exp = gaussian.covariance(Shape::kExp, s.size(), q, group.cosine);
  } else if (group.norms == NormRelation::kAntimonotone && a.isZero(0)) {
    of_exp = antimonotone_covariance(gaussian, Shape::kExp, s.size(), q, group.cosine);
  }
  if (!of_exp) return std::nullopt;
  return of_exp->scaled(-square);
}

}  // namespace

std::optional<Law> dense_exponential_law(const SignedLog& mean, const Vector<double>& a, const Vector<long double>& s,
                                         const Coupling& coupling, Index m) {
  const auto groups = coupling.dependent_pairs(m, s.size());
  if (!groups) return std::nullopt;
  if (8 * a.maxCoeff() >= 1) {
    constexpr double kNone = std::numeric_limits<double>::infinity();
    return Law{mean.value(), kNone, 0, kNone, kNone};
  }
  const Moments moments(a, s);
  auto single = static_cast<double>(m);
  SignedLog sum;
  for (const PairGroup& group : *groups) {
    if (group.pairs == 0) continue;
    if (group.opposite()) {
      sum = sum + moments.variance_of_opposites().scaled(std::log(group.pairs));
      single -= group.pairs;
      continue;
    }
    const auto of_pair = covariance(group, a, s);
    if (!of_pair) return std::nullopt;
    sum = sum + of_pair->scaled(std::log(group.pairs));
  }
  if (single > 0) sum = moments.variance().scaled(std::log(single)) + sum;
  const double variance = sum.scaled(2 * (mean.log - std::log(static_cast<long double>(m)))).value();
  Law law{mean.value(), variance, 0, variance, {}};
  if (const auto kurtosis = moments.kurtosis()) law.iid_kurtosis = 3 + (*kurtosis - 3) / static_cast<double>(m);
  return law;
}

}  // namespace bochner
