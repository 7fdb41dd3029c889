#pragma once

#include "core/signed_log.h"
#include "core/types.h"
#include "estimators/coupling.h"
#include "estimators/law.h"

#include <optional>

namespace bochner {

/// The exact law of a mean over m Gaussian frequencies w of unbiased estimates
///
///   X(w) = M exp(-|s|^2/2) prod_j (1 - 4 a_j)^(1/2) exp(2 a_j w_j^2 + (1 - 4 a_j)^(1/2) w_j s_j),   E X = M,
///
/// with a_j < 1/4 for j = 1..d, or one a for all. With t_j = 1 - 8 a_j > 0 the relative second moment is
///
///   E X^2 / M^2 = prod_j ((1 + t_j)^2 / (4 t_j))^(1/2) exp(s_j^2 / t_j),
///
/// which is infinite where some a_j >= 1/8 [Bochner, 1 and 2]; infinity is then the variance. Given one a, pairs of
/// frequencies with independent norms have the covariance that they have at a = 0, for the weight makes of a chi norm
/// |w| that of |w| / (1 - 4a)^(1/2) [Bochner, 1]; a row and its opposite have
/// E X(w) X(-w) / M^2 = prod_j ((1 + t_j)^2 / (4 t_j))^(1/2) exp(-s_j^2).
///
/// None where other pairs are dependent: with unequal a_j the directions matter, and with a != 0 coupled norms are
/// coupled to the weight. The kurtosis is infinite where some a_j >= 1/16, and unknown where the variance is so small
/// that its parts cancel. Error: a relative 1e-9 or better. Cost: O(d).
std::optional<Law> dense_exponential_law(const SignedLog& mean, const Vector<double>& a, const Vector<long double>& s,
                                         const Coupling& coupling, Index m);

}  // namespace bochner
