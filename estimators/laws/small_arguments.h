#pragma once

#include "core/signed_log.h"
#include "estimators/radial_law.h"

#include <optional>

/// Laws at small arguments, where moments that are nearly equal are subtracted and their leading terms cancel.
///
/// The moments of a radial law alone determine the power series
///
///   E cosh(w.u) = sum_k A_k q^k,   A_k = E |w|^(2k) / (4^k k! (d/2)_k),   q = |u|^2
///
/// (of cos with (-q)^k; exp has the mean of cosh), since E s_1^(2k) = (1/2)_k / (d/2)_k on the unit sphere. A
/// difference is therefore one series of differences of coefficients: those that vanish do so exactly. All functions
/// want q <= kSmallArgument and return none where the radial law does not know its moments. Their relative error is
/// below 1e-13, where long double is wider than double.
/// Source: [Bochner, 8].
namespace bochner {

inline constexpr double kSmallArgument = 1;

/// E f(w.u) for w of the first radial law, minus that of the second. Cost: some 15 terms.
std::optional<SignedLog> mean_difference(const RadialLaw& first, const RadialLaw& second, Shape shape, Index dim,
                                         double q);

/// An even one-frequency moment at |u|^2 = q: exp(prefactor) E f(w.u).
struct ScaledArgument {
  long double q = 0;
  long double prefactor = 0;
};

/// [E cos(w.u) - E cos(g.u)] e^(cosine.prefactor) - [E cosh(w.v) - E cosh(g.v)] e^(hyperbolic.prefactor), g Gaussian,
/// |u|^2 = cosine.q, |v|^2 = hyperbolic.q, given `difference` = |u|^2 - |v|^2 to its own relative accuracy: the
/// leading terms are proportional to it.
std::optional<SignedLog> excess_difference(const RadialLaw& radial, Index dim, const ScaledArgument& cosine,
                                           const ScaledArgument& hyperbolic, long double difference);

/// Var sum_i f(w_i.u), f = cosh or cos, over m frequencies of independent norms, `orthogonal_pairs` ordered pairs of
/// which are orthogonal and all others independent. In a complete block of one radius sum_i (w_i.u)^2 is constant, so
/// that the coefficients of q^2 and q^3 are exactly 0; in one dimension with one radius all of them are.
/// Cost: at most 20 coefficients of at most 10 products, 0.2 to 2 microseconds.
std::optional<SignedLog> variance_of_sum(const RadialLaw& radial, Shape shape, Index dim, double q, Index m,
                                         double orthogonal_pairs);

}  // namespace bochner
