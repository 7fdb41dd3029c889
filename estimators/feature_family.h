#pragma once

#include "core/projection.h"
#include "core/stream.h"
#include "estimators/component.h"
#include "estimators/coupling.h"
#include "estimators/feature_map.h"
#include "estimators/kernel.h"
#include "estimators/law.h"
#include "estimators/laws/one_frequency.h"
#include "estimators/radial_law.h"

#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bochner {

/// Arrays that a family found in data, by name; a vector is one row.
using Fitted = std::map<std::string, Matrix<double>>;

/// A recipe for drawing feature maps for a kernel: trigonometric, positive, hyperbolic, ...
///
/// Most turn a projection into a map, by make(); those whose randomness is of another kind override draw().
/// It knows no coupling by name and no experiment. What an experiment may ask beyond a map - the exact law, and the
/// directions in which the estimate's heavy tail lies - has a default answer of "not known".
class FeatureFamily : public Component {
 public:
  /// Whether maps are made of frequencies, drawn by the coupling from the kernel's law. A family without any draws its
  /// random numbers independently: its coupling is `iid`.
  virtual bool has_frequencies() const { return true; }
  /// Throws std::invalid_argument, with the reason, unless this family has maps for the kernel with this coupling.
  /// By default: unless the kernel has frequencies, and for a family without frequencies unless the coupling is `iid`.
  virtual void require_compatible(const Kernel& kernel, const Coupling& coupling) const;

  /// Throws std::invalid_argument, with the reason, for frequencies of a law with which maps of the kernel mean
  /// nothing. By default for none: of another law than the kernel's own the estimate is biased, and law() says by how
  /// much.
  virtual void require_frequencies(const Kernel& /*kernel*/, const FrequencyLaw& /*law*/) const {}

  /// The map of one draw with m frequencies, a function of the stream's name alone. `frequencies` is null where the
  /// family has none. By default make() of the coupling's frequencies.
  virtual std::shared_ptr<const FeatureMap> draw(const Kernel& kernel, const FrequencyLaw* frequencies,
                                                 const Coupling& coupling, Index m, Index dim,
                                                 const Stream& stream) const;

  /// Whether a map is a function of its frequencies alone, so that draw() is make() of them.
  virtual bool projected() const { return has_frequencies(); }
  /// The feature map of this family for the kernel with the frequencies of the projection, W with the kernel's scales.
  /// Throws std::invalid_argument where projected() is false and where the kernel does not allow it.
  virtual std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                                 std::shared_ptr<const Projection> projection) const;

  /// The family adapted to data, X (n, d) as queries and Y (k, d) as keys; null for one that does not adapt.
  virtual std::shared_ptr<const FeatureFamily> fit(const Kernel& kernel, const MatrixView<double>& X,
                                                   const MatrixView<double>& Y) const;
  /// Whether it has what it needs of data; maps and laws of others throw std::invalid_argument.
  virtual bool fitted() const { return true; }
  /// The columns of the data that it was fitted to, where it has maps for no others.
  virtual std::optional<Index> fitted_dim() const { return std::nullopt; }
  /// What fit() found beside parameters(): with both, name and registry rebuild the family.
  virtual Fitted fitted_parameters() const { return {}; }
  /// The family of this name and these parameters with what was found before. Throws std::invalid_argument for a name
  /// that it does not know, as for every name by default, and what the family throws for a bad value.
  virtual std::shared_ptr<const FeatureFamily> with_fitted(const Fitted& parameters) const;

  /// Columns p of a map with m frequencies; in one coordinate where p depends on their number.
  virtual Index features(Index m) const = 0;

  /// What decides which couplings serve it.
  virtual std::vector<Trait> traits(const Kernel& /*kernel*/) const { return {}; }

  /// The function of one frequency whose mean over w_1..w_m is K^; none where the estimate is of another kind.
  virtual std::optional<OneFrequencyEstimate> one_frequency(const Kernel& kernel) const;

  /// The exact law of K^(x, y) with m frequencies; none where it is not known.
  /// `frequencies` is null where the family has none.
  virtual std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                 Index m, std::span<const double> x, std::span<const double> y) const;
  /// The same for each m, which may share work; empty where it is not known.
  virtual std::vector<Law> laws(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling,
                                std::span<const Index> m, std::span<const double> x, std::span<const double> y) const;

  /// Shifts a_k (d) such that a frequency from the density p(w) exp(a_k.w), for a k drawn evenly, samples the tails
  /// that carry the mean and the squared error at (x, y), in units of the unscaled frequencies; empty where none is
  /// needed.
  virtual std::vector<Vector<double>> tail_shifts(const Kernel& kernel, std::span<const double> x,
                                                  std::span<const double> y) const;

 protected:
  /// What a map of this family says of itself: family, kernel and sizes.
  std::string describe_map(const Kernel& kernel, const Projection& projection) const;
  std::string describe_map(const Kernel& kernel, Index dim, Index m, Index columns) const;
};

/// The kernel as one of the kind Part, which features `features` need. Throws std::invalid_argument where it is none.
template <class Part>
const Part& require_kind(const Kernel& kernel, const FeatureFamily& features) {
  if (const auto* part = dynamic_cast<const Part*>(&kernel)) return *part;
  throw std::invalid_argument("Estimator: the kernel '" + kernel.describe() + "' is not estimated by features '" +
                              features.name() + "'");
}

/// A kernel amplitude k with k of the kind Part.
template <class Part>
struct MultipleOf {
  const Part& kernel;
  double amplitude = 1;
};

/// The kernel as a multiple of one of the kind Part, which features `features` need. Throws as require_kind() does.
template <class Part>
MultipleOf<Part> require_multiple_of(const Kernel& kernel, const FeatureFamily& features) {
  return {require_kind<Part>(kernel.unscaled(), features), kernel.projection_form().amplitude};
}

}  // namespace bochner
