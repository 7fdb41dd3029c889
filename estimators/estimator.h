#pragma once

#include "core/types.h"
#include "estimators/coupling.h"
#include "estimators/feature_family.h"
#include "estimators/kernel.h"
#include "estimators/law.h"
#include "estimators/radial_law.h"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// A kernel with a recipe for drawing feature maps of any size: K^(x, y) = phi(x).phi(y).
///
/// Kernel, feature family, coupling and radial law are independent choices. The truth is always the kernel; frequencies
/// of a radial law other than the kernel's own make the estimate biased, and law() says by how much.
class Estimator {
 public:
  /// `radial` null means the kernel's own frequency law. Throws std::invalid_argument where the parts do not fit, and
  /// for a radial law that the features have no use for.
  Estimator(std::shared_ptr<const Kernel> kernel, std::shared_ptr<const FeatureFamily> features,
            std::shared_ptr<const Coupling> coupling, std::shared_ptr<const RadialLaw> radial = nullptr);

  const Kernel& kernel() const { return *kernel_; }
  const FeatureFamily& features() const { return *features_; }
  const Coupling& coupling() const { return *coupling_; }
  /// The law of the frequencies in use; null where the features have none.
  const FrequencyLaw* frequency_law() const { return frequencies_.get(); }
  const std::shared_ptr<const FrequencyLaw>& shared_frequency_law() const { return frequencies_; }

  /// The feature map of trial `trial` of seed `seed`: the stream (seed, frequencies, trial).
  /// Throws std::invalid_argument unless dim >= 1 and m >= 1.
  std::shared_ptr<const FeatureMap> draw(Index dim, Index m, std::uint64_t seed, std::uint64_t trial) const;

  /// The same trial for several m at once, in their order. Where the coupling declares valid prefixes one draw of the
  /// largest serves all, so that map k equals draw(dim, m[k], ...) to rounding.
  std::vector<std::shared_ptr<const FeatureMap>> draw_each(Index dim, std::span<const Index> m, std::uint64_t seed,
                                                           std::uint64_t trial) const;

  /// The feature map of given unscaled frequencies W (m, dim), such as a tilted draw's, of a family that is projected.
  std::shared_ptr<const FeatureMap> map_of(const Matrix<double>& W) const;

  /// Mean, variance, bias and MSE of K^(x, y), to a relative error of 1e-9 of the MSE. Throws NoLawError where none is
  /// known, std::invalid_argument on sizes, std::domain_error outside the kernel's range. x and y are finite.
  Law law(std::span<const double> x, std::span<const double> y, Index m) const;

  /// The same for each m, sharing the work that does not depend on m.
  std::vector<Law> laws(std::span<const double> x, std::span<const double> y, std::span<const Index> m) const;

  /// Whether law() exists for this combination, tried on one pair.
  bool has_law() const;

  /// Why this combination loses against another, in theory, one sentence each; empty where nothing is known.
  std::vector<std::string> cautions() const;

  std::string describe() const;

 private:
  std::shared_ptr<const Kernel> kernel_;
  std::shared_ptr<const FeatureFamily> features_;
  std::shared_ptr<const Coupling> coupling_;
  std::shared_ptr<const FrequencyLaw> frequencies_;
};

}  // namespace bochner
