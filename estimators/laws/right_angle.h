#pragma once

#include "core/signed_log.h"
#include "estimators/radial_law.h"

#include <optional>

namespace bochner {

/// Cov(cos(w1.u), cos(w2.u)) at |u|^2 = q for independent norms and orthogonal directions, from the harmonics of the
/// law, E cos(w.u) P_l(s.u / |u|) = h_l:
///
///   sum over even l >= 2 of N_l P_l(0) h_l^2,   N_l = (2l + d - 2) (l + d - 3)! / (l! (d - 2)!),
///
/// which alternates. Heavy tails make it fall as a power of l only, so its end is summed by the alternation
/// [CohenVillegasZagier00, Algorithm 1]. None where harmonics are not known or dim < 2, and where two such sums differ
/// by more than 1e-11 of Var cos(w.u), beside which the covariance stands in every law. Cost: at most 36 harmonics,
/// fewer where they fall fast.
std::optional<SignedLog> right_angle_covariance(const RadialLaw& radial, Index dim, double q);

}  // namespace bochner
