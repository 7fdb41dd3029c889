#pragma once

#include "estimators/coupling.h"
#include "estimators/kernel.h"
#include "estimators/law.h"
#include "estimators/radial_law.h"

#include <optional>
#include <span>
#include <vector>

namespace bochner {

/// The one-frequency estimate of a family,
///
///   X(w) = amplitude exp(exponent (|x'|^2 + |y'|^2)) f(w.(x' + sign y')),   x'_j = scales_j x_j,
///
/// whose mean over w_1..w_m is K^(x, y): positive (exp, +, -1/2), hyperbolic (cosh, +, -1/2), trigonometric
/// (cos, -, +1/2), the kernel's own exponent, scales and amplitude beside.
struct OneFrequencyEstimate {
  Shape shape = Shape::kExp;
  double sign = 1;
  double exponent = 0;
  std::vector<double> scales{1.0};
  double amplitude = 1;

  /// scales_j, one for all coordinates or one each.
  double scale(std::size_t j) const { return scales.size() == 1 ? scales.front() : scales[j]; }
  /// log amplitude + exponent (|x'|^2 + |y'|^2): what stands before f.
  long double log_prefactor(std::span<const double> x, std::span<const double> y) const;
};

/// The exact law of (1/m) sum_i X(w_i):
///
///   variance = (m Var X + sum_groups pairs Cov(cosine, norms)) / m^2,
///
/// every term taken from the radial law, every pair from the coupling [Bochner, 0; Choromanski21, Lemma 2]; the bias is
/// a difference of means under two radial laws, the frequencies' own and the kernel's. Evaluated in the log domain, so
/// that only a value that a double cannot hold becomes infinity. At small arguments, where these parts cancel, both are
/// power series (laws/small_arguments.h) if the radial laws know their moments. None where the coupling or the radial
/// law has no closed form.
///
/// Error: each of mean, variance, bias and mse is right to a relative 1e-9 for rows of norm up to 1e3 (measured: 3e-12
/// for |x' +- y'|^2 <= 1e3, 3e-10 for norms of 1e3, where it is that of rounding |x' +- y'|^2 to a double), and what is
/// exactly 0 is exactly 0. The exceptions are values that vanish only at isolated arguments, between which they change
/// sign: the mean of cosines of one radius, at zeros of a Bessel function, and the bias of regularized softmax by
/// cosines. Near these the error is that of rounding in the parts; and the mean of cosines of one radius is only
/// absolutely right from d = 341 on, since bessel() is. Cost: O(d) and a few special functions or series.
std::optional<Law> one_frequency_law(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                     const FrequencyLaw& frequencies, const Coupling& coupling, Index m,
                                     std::span<const double> x, std::span<const double> y);

/// The same for each m: the special functions are evaluated once. Empty where there is none.
std::vector<Law> one_frequency_laws(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                    const FrequencyLaw& frequencies, const Coupling& coupling, std::span<const Index> m,
                                    std::span<const double> x, std::span<const double> y);

}  // namespace bochner
