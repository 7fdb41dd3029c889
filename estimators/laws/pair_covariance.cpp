#include "estimators/laws/pair_covariance.h"

#include "estimators/law.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>

namespace bochner {
namespace {

/// A product of two parts below this is below rounding.
constexpr double kNegligible = 1e-9;
/// So many falling parts below it in succession end the series.
constexpr int kQuietDegrees = 3;

/// P_{l+1}(t) = forward(l) t P_l(t) - (forward(l) - 1) P_{l-1}(t), l >= 1, in R^d.
double forward(double dim, double degree) { return (2 * degree + dim - 2) / (degree + dim - 2); }

/// log N_l = log[(2l + d - 2) (l + d - 3)! / (l! (d - 2)!)] for d >= 2, l >= 1.
double log_harmonics(double dim, double degree) {
  if (dim == 2) return std::log(2.0);
  return std::log(2 * degree + dim - 2) + boost::math::lgamma(degree + dim - 2) - boost::math::lgamma(degree + 1) -
         boost::math::lgamma(dim - 1);
}

}  // namespace

PairCovariance::PairCovariance(const RadialLaw& radial, Shape shape, Index dim, const Vector<double>& q,
                               const Vector<double>& log_scale, double cosine)
    : dim_(static_cast<double>(dim)) {
  if (dim < 2) return;  // two directions of a line have no angle to keep
  double factor = cosine;
  double before = 1;
  const auto part_of = [&](Index degree) {
    const double half_log = degree == 0 ? 0 : log_harmonics(dim_, static_cast<double>(degree)) / 2;
    Vector<double> part(q.size());
    for (Index i = 0; i < q.size(); ++i) {
      const auto harmonic = radial.harmonic(shape, dim, degree, q(i));
      if (!harmonic) {
        throw NoLawError("attention_law: no law is known of pairs of frequencies of the radial law " +
                         radial.describe());
      }
      part(i) = harmonic->scaled(half_log - log_scale(i)).value();
    }
    return part;
  };
  Vector<double> last = part_of(0);
  int quiet = 0;
  for (Index degree = 1;; ++degree) {
    const auto order = static_cast<double>(degree);
    const bool vanishes = factor == 0 || (degree % 2 != 0 && shape != Shape::kExp);
    if (!vanishes) {
      Vector<double> part = part_of(degree);
      // Parts rise with the degree before they fall, from far below rounding where q is large, and those of cosines of
      // one radius pass through zero on the way.
      const bool falling = (part.array().abs() <= last.array().abs()).all();
      quiet = falling && part.cwiseAbs().maxCoeff() <= kNegligible ? quiet + 1 : 0;
      if (quiet == kQuietDegrees) return;
      last = part;
      terms_.push_back({degree, factor, std::move(part)});
    }
    const double next = forward(dim_, order) * cosine * factor - (forward(dim_, order) - 1) * before;
    before = factor;
    factor = next;
  }
}

void PairCovariance::fill(Index first, Index second, const MatrixView<double>& cosines,
                          MutableMatrixView<double> out) const {
  using Row = Eigen::Array<double, 1, Eigen::Dynamic>;
  const Index columns = cosines.cols();
  Row polynomial(columns), before(columns), next(columns);
  for (Index i = 0; i < cosines.rows(); ++i) {
    const auto t = cosines.row(i).array();
    auto sum = out.row(i).array();
    sum.setZero();
    before.setOnes();
    polynomial = t;
    Index degree = 1;
    for (const Term& term : terms_) {
      for (; degree < term.degree; ++degree) {
        const double ahead = forward(dim_, static_cast<double>(degree));
        next = ahead * t * polynomial - (ahead - 1) * before;
        before.swap(polynomial);
        polynomial.swap(next);
      }
      sum += term.factor * term.part(first + i) * term.part.segment(second, columns).transpose().array() * polynomial;
    }
  }
}

}  // namespace bochner
