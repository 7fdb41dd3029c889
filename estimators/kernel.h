#pragma once

#include "core/parallel.h"
#include "core/signed_log.h"
#include "core/types.h"
#include "estimators/component.h"
#include "estimators/radial_law.h"

#include <memory>
#include <span>

namespace bochner {

/// How a kernel meets random projections: with x' = scale x it is approximated by features of x' times
/// exp(exponent |x'|^2), where exponent = 0 turns the features of exp(x'.y') into those of the kernel.
struct ProjectionForm {
  double scale = 1;
  double exponent = 0;
};

/// The exact function K(x, y) that is to be approximated. Immutable.
///
/// A kernel brings its closed form, the radial law of its frequencies, and the form in which it meets them.
class Kernel : public Component {
 public:
  /// K(x, y) for x, y (d), as sign and log, so that it cannot overflow.
  virtual SignedLog value(std::span<const double> x, std::span<const double> y) const = 0;

  /// The law of |w| under which the kernel's features are unbiased.
  virtual std::shared_ptr<const RadialLaw> radial_law() const = 0;
  virtual ProjectionForm projection_form() const = 0;

  /// Whether a one-projection estimate of this shape, with frequencies of this law, has mean K(x, y) exactly.
  virtual bool is_mean_of(Shape shape, const RadialLaw& radial) const;
};

/// K(X_i, Y_j), (n, k) for X (n, d) and Y (k, d), evaluated in double.
/// Values that Scalar cannot hold become 0 or infinity. Throws std::invalid_argument on a shape, std::domain_error on
/// NaN or infinity. Cost: O(n k d).
template <class Scalar>
Matrix<Scalar> gram(const Kernel& kernel, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y,
                    const Execution& execution = {});

/// K(X_i, Y_i), (n), for rows in pairs.
template <class Scalar>
Vector<Scalar> paired(const Kernel& kernel, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y);

extern template Matrix<float> gram(const Kernel&, const MatrixView<float>&, const MatrixView<float>&, const Execution&);
extern template Matrix<double> gram(const Kernel&, const MatrixView<double>&, const MatrixView<double>&,
                                    const Execution&);
extern template Vector<float> paired(const Kernel&, const MatrixView<float>&, const MatrixView<float>&);
extern template Vector<double> paired(const Kernel&, const MatrixView<double>&, const MatrixView<double>&);

}  // namespace bochner
