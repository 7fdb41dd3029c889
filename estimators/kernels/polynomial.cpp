#include "estimators/kernels/polynomial.h"

#include "core/check.h"

#include <boost/math/special_functions/gamma.hpp>

#include <cmath>
#include <limits>

namespace bochner {

PolynomialKernel::PolynomialKernel(double degree, double c)
    : degree_(require_integer(degree, 1, 100, "polynomial", "degree")), c_(c) {
  require_nonnegative(c, "polynomial", "c");
}

SignedLog PolynomialKernel::value(std::span<const double> x, std::span<const double> y) const {
  long double base = c_;
  for (std::size_t j = 0; j < x.size(); ++j) base += static_cast<long double>(x[j]) * static_cast<long double>(y[j]);
  const SignedLog root = SignedLog::from(base);
  if (root.sign == 0) return {};
  return {degree_ % 2 == 0 ? 1.0 : root.sign, root.log * static_cast<long double>(degree_)};
}

double PolynomialKernel::log_maclaurin(Index n) const {
  if (n > degree_ || (c_ == 0 && n < degree_)) return -std::numeric_limits<double>::infinity();
  if (n == degree_) return 0;
  const auto log_factorial = [](Index k) { return boost::math::lgamma(static_cast<double>(k) + 1); };
  return log_factorial(degree_) - log_factorial(n) - log_factorial(degree_ - n) +
         static_cast<double>(degree_ - n) * std::log(c_);
}

}  // namespace bochner
