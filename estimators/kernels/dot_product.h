#pragma once

#include "estimators/kernel.h"

#include <limits>

namespace bochner {

/// A kernel f(x.y) with f(t) = sum_n a_n t^n and a_n >= 0, which is positive definite in every dimension.
class DotProductKernel : public Kernel {
 public:
  /// log a_n, -infinity where a_n = 0; n >= 0.
  virtual double log_maclaurin(Index n) const = 0;
  /// The largest n with a_n > 0, where there is one.
  virtual Index degree() const { return std::numeric_limits<Index>::max(); }
};

}  // namespace bochner
