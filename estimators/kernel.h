#pragma once

#include "core/parallel.h"
#include "core/signed_log.h"
#include "core/types.h"
#include "estimators/component.h"
#include "estimators/input_range.h"
#include "estimators/radial_law.h"

#include <memory>
#include <span>
#include <vector>

namespace bochner {

/// How a kernel meets random projections: with x'_j = scales_j x_j (one scale for all coordinates, or one each) it is
/// approximated by features of x' times amplitude^(1/2) exp(exponent |x'|^2), which turns the features of exp(x'.y')
/// into those of the kernel.
struct ProjectionForm {
  std::vector<double> scales{1.0};
  double exponent = 0;
  double amplitude = 1;
};

/// The exact function K(x, y) that is to be approximated. Immutable.
///
/// A kernel brings its closed form and, where it is one of random projections, the law of its frequencies, the form in
/// which it meets them and the shapes that estimate it.
class Kernel : public Component {
 public:
  /// The entries that x and y may have. Callers of value() have checked them.
  virtual InputRange input_range() const { return {}; }
  /// K(x, y) for x, y (d), as sign and log, so that it cannot overflow.
  virtual SignedLog value(std::span<const double> x, std::span<const double> y) const = 0;

  /// The law of the frequencies under which the kernel's features are unbiased; null where it has none.
  virtual std::shared_ptr<const FrequencyLaw> frequency_law() const { return nullptr; }
  virtual ProjectionForm projection_form() const { return {}; }
  /// Whether one-projection estimates of this shape exist.
  virtual bool allows(Shape /*shape*/) const { return false; }

  /// The kernel k of a multiple K = amplitude k, the amplitude being that of projection_form(); otherwise the kernel.
  virtual const Kernel& unscaled() const { return *this; }

  /// Whether K(x, y) = amplitude k(x' - y') with k(0) = 1, x' as projection_form() has it and k(u) = E cos(w.u) for w
  /// of frequency_law(): what ARD, sums and products are made of.
  virtual bool stationary() const { return false; }
  /// The kernel with this length-scale for each coordinate beside its own, where that is not the kernel at
  /// x_j / length_scales_j (kernels/ard.h); null elsewhere.
  virtual std::shared_ptr<const Kernel> with_own_length_scales(const std::vector<double>& /*length_scales*/) const {
    return nullptr;
  }

  /// Whether a one-projection estimate of this shape, with frequencies of this law, has mean K(x, y) exactly.
  virtual bool is_mean_of(Shape shape, const FrequencyLaw& law) const;
};

/// K(X_i, Y_j), (n, k) for X (n, d) and Y (k, d), evaluated in double.
/// Values that Scalar cannot hold become 0 or infinity. Throws std::invalid_argument on a shape, std::domain_error on
/// NaN, infinity and entries outside the kernel's range. Cost: O(n k d).
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
