#pragma once

#include "core/signed_log.h"
#include "core/types.h"

namespace bochner {

/// The harmonic of even degree >= 2 of cos(w.u) for Gaussian w (radial_laws/chi.h) as a function of x = |u|^2 / 2,
///
///   (-1)^(l/2) x^(l/2) Gamma((d+l)/2) / Gamma(d/2+l) e^-x 1F1(l/2; d/2+l; x),
///
/// where many x are wanted, as in a mixture of Gaussians. Above some l (d + l) it is its expansion in 1 / x, which ends
/// after l/2 terms [DLMF, 13.7.2].
class CosineHarmonic {
 public:
  CosineHarmonic(Index dim, Index degree);

  double sign() const { return sign_; }
  /// The modulus.
  double at(double x) const;

 private:
  double half_;
  double upper_;
  double lower_;
  double log_small_;
  double log_large_;
  double large_;
  double sign_;
};

}  // namespace bochner
