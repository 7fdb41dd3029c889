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
///   X(w) = exp(exponent (|x'|^2 + |y'|^2)) f(w.(x' + sign y')),   x' = scale x,
///
/// whose mean over w_1..w_m is K^(x, y): positive (exp, +, -1/2), hyperbolic (cosh, +, -1/2), trigonometric
/// (cos, -, +1/2), the kernel's own exponent added.
struct OneFrequencyEstimate {
  Shape shape = Shape::kExp;
  double sign = 1;
  double exponent = 0;
  double scale = 1;
};

/// The exact law of (1/m) sum_i X(w_i):
///
///   variance = (m Var X + sum_groups pairs Cov(cosine)) / m^2,
///
/// every term taken from the radial law, every pair from the coupling [Bochner, 0; Choromanski21, Lemma 2]. Evaluated
/// in the log domain, so that only a value that a double cannot hold becomes infinity. None where the coupling or the
/// radial law has no closed form. Cost: O(d) and a few special functions.
std::optional<Law> one_frequency_law(const OneFrequencyEstimate& estimate, const Kernel& kernel,
                                     const RadialLaw& radial, const Coupling& coupling, Index m,
                                     std::span<const double> x, std::span<const double> y);

/// The same for each m: the special functions are evaluated once. Empty where there is none.
std::vector<Law> one_frequency_laws(const OneFrequencyEstimate& estimate, const Kernel& kernel, const RadialLaw& radial,
                                    const Coupling& coupling, std::span<const Index> m, std::span<const double> x,
                                    std::span<const double> y);

}  // namespace bochner
