#pragma once

#include "core/signed_log.h"
#include "core/types.h"
#include "estimators/radial_law.h"

/// Cov(f(w1.u), f(w2.u)), |u|^2 = q, of two frequencies with independent norms whose directions meet at a fixed cosine
/// c in [-1, 1] other than 0, as the vertices of a simplex do.
///
/// Even functions see c and -c alike, so that theirs are means of the values of exp (of cos: at -q) at c and at -c.
/// Below q = kSmallArgument all are power series in q, in which what cancels does so in each coefficient by itself; a
/// covariance that vanishes to leading order keeps its relative accuracy, but for the factor of about d by which the
/// coefficients of dimension d are smaller than their parts.
namespace bochner {

/// Of chi norms: E exp(w1.u + w2.u) = E F_d((1 + c s) q), s^2 ~ Beta(d/2, 1/2), with F_d of core/special.h, since the
/// norms are r cos a and r sin a with r independent of a and s = sin 2a [Bochner, 3].
/// Error against Var f(w.u), which is what a law adds it to: 1e-13 (measured). Cost: 64 (exp) or 128 special functions
/// above kSmallArgument.
SignedLog chi_covariance(Shape shape, Index dim, double q, double cosine);

/// Of the norm sqrt(d): B_d(2 (1 + c) q) - B_d(q)^2, with B_d of core/special.h [Bochner, 3]. The frequencies of a
/// whole simplex of one norm add up to 0, so that in the variance of their sum of exponentials the terms of first order
/// cancel: it is right to about 1e-15 / q.
SignedLog constant_covariance(Shape shape, Index dim, double q, double cosine);

}  // namespace bochner
