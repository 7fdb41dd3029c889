#include "estimators/radial_laws/cosine_harmonic.h"

#include "core/special.h"

#include <boost/math/special_functions/gamma.hpp>

#include <algorithm>
#include <cmath>

namespace bochner {

CosineHarmonic::CosineHarmonic(Index dim, Index degree)
    : half_(static_cast<double>(degree) / 2),
      upper_(static_cast<double>(dim) / 2 + half_),
      lower_(static_cast<double>(dim) / 2 + 2 * half_),
      log_small_(boost::math::lgamma(upper_) - boost::math::lgamma(lower_)),
      log_large_(boost::math::lgamma(upper_) - boost::math::lgamma(half_)),
      large_(std::max(60.0, 4 * half_ * upper_)),
      sign_(degree % 4 == 0 ? 1.0 : -1.0) {}

double CosineHarmonic::at(double x) const {
  if (x == 0) return 0;
  if (x < large_) return std::exp(log_small_ + half_ * std::log(x) - x + log_hyp1f1(half_, lower_, x));
  double term = 1;
  double sum = 1;
  for (double n = 0; n + 1 < half_ && std::fabs(term) > 1e-17; ++n) {
    term *= (1 - half_ + n) * (upper_ + n) / ((n + 1) * x);
    sum += term;
  }
  return std::exp(log_large_ + (half_ - upper_) * std::log(x)) * sum;
}

}  // namespace bochner
