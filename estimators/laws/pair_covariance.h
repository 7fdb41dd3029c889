#pragma once

#include "core/types.h"
#include "estimators/radial_law.h"

#include <vector>

namespace bochner {

/// Cov(f(w1.z_i), f(w2.z_j)) over points z_1..z_n of R^d, for frequencies w1, w2 with independent norms whose
/// directions meet at a fixed cosine c.
///
/// Spherical harmonics diagonalise the average over all directions at a fixed angle from a given one: degree l is
/// multiplied by P_l(c), the Legendre polynomial of R^d with P_l(1) = 1 [DLMF, 18.17.20, Funk and Hecke]. With
/// f_l(z) = E f(w.z) P_l(cos(w, z)), which the radial law knows, and N_l the number of harmonics of degree l,
///
///   Cov = sum_{l >= 1} P_l(c) N_l f_l(z_i) f_l(z_j) P_l(cos(z_i, z_j)).
///
/// At c = 0 odd degrees vanish, and P_2(0) < 0 < P_4(0) < ...: a term of degree 2 lowers every quadratic form
/// sum_ij a_i a_j Cov, since P_l(cos(z_i, z_j)) is a positive definite matrix, and one of degree 4 raises it.
///
/// Everything is relative to scales e^{s_i} of the points, so that nothing overflows. With e^{2 s_i} >= E f(w.z_i)^2
/// all terms lie in [-1, 1], by Parseval's identity, and the series ends where they are below 1e-18.
class PairCovariance {
 public:
  /// q (n) holds |z_i|^2, log_scale (n) the s_i. Throws NoLawError where the radial law knows no harmonics.
  /// Cost: O(n) special functions a degree; some |z| degrees for exp and cosh, |w| |z| for cos.
  PairCovariance(const RadialLaw& radial, Shape shape, Index dim, const Vector<double>& q,
                 const Vector<double>& log_scale, double cosine);

  /// The degrees of the series.
  Index degrees() const { return static_cast<Index>(terms_.size()); }

  /// Fills out (r, c) with e^{-s_i - s_j} Cov for the points i in [first, first + r) and j in [second, second + c),
  /// given the cosines cos(z_i, z_j) of shape (r, c). Cost: O(r c) a degree.
  void fill(Index first, Index second, const MatrixView<double>& cosines, MutableMatrixView<double> out) const;

 private:
  struct Term {
    Index degree;
    double factor;        // P_l(c)
    Vector<double> part;  // (n): sqrt(N_l) f_l(z_i) e^{-s_i}
  };
  double dim_;
  std::vector<Term> terms_;
};

}  // namespace bochner
