#pragma once

#include "core/projection.h"
#include "core/stream.h"
#include "core/types.h"
#include "estimators/component.h"
#include "estimators/frequency_law.h"
#include "estimators/radial_law.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bochner {

/// How the norms of two dependent rows are related. kEqual: |w| = |w'|. kAntimonotone: F(|w|) + F(|w'|) = 1, F the
/// distribution function of the norm, and independent of the directions.
enum class NormRelation { kIndependent, kEqual, kAntimonotone };

/// The number of ordered pairs i != j of rows whose directions meet at one fixed cosine and whose norms are related in
/// one way. Equal norms at cosine -1 are a row and its opposite.
struct PairGroup {
  double pairs = 0;
  double cosine = 0;
  NormRelation norms = NormRelation::kIndependent;

  bool opposite() const { return norms == NormRelation::kEqual && cosine == -1; }
};

/// What features may be, as functions of their frequencies w, that decides which couplings serve them.
enum class Trait {
  kEven,           ///< the estimate of -w is that of w
  kEvenAndConvex,  ///< beside, it is a convex function of w.u
  kWeightsNorms,   ///< the estimate is a function of |w| beside that of projections of w
};

/// How the frequencies w_1..w_m are drawn jointly. Every row keeps the marginal law that the frequency law states.
///
/// A coupling declares what it is: whether it is unbiased, whether the first rows of a draw are a draw, which pairs
/// of rows are dependent, and whether one row can be drawn tilted. It knows no kernel and no feature map.
class Coupling : public Component {
 public:
  /// The projection W (m, dim). The same stream gives the same W; where prefixes_are_draws() a larger m only appends
  /// rows (to rounding). Throws std::invalid_argument for a law that is not drawable.
  virtual std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                                 const Stream& stream) const = 0;

  /// Throws std::invalid_argument, for `who` and with the reason, for a law that it cannot draw. By default for one
  /// that is not isotropic, for most couplings draw directions and norms by themselves.
  virtual void require_drawable(const FrequencyLaw& law, const std::string& who) const;

  /// Whether each row has exactly the marginal law.
  virtual bool unbiased() const { return true; }
  /// Whether the first k rows of a draw of m rows are themselves a draw of k rows.
  virtual bool prefixes_are_draws() const = 0;
  /// The dependent pairs of rows; all others are independent. None where pairs are dependent in another way.
  virtual std::optional<std::vector<PairGroup>> dependent_pairs(Index m, Index dim) const = 0;

  /// Why it loses, in theory, with features of this trait against a coupling that costs no more; none where it does
  /// not.
  virtual std::optional<std::string> caution(Trait /*trait*/) const { return std::nullopt; }

  /// Whether draw_tilted exists.
  virtual bool tiltable() const { return false; }
  /// W (m, dim) in which row `row` has the tilted density of RadialLaw::fill_tilted and the others their law given its
  /// direction. Throws std::invalid_argument where tiltable() is false.
  virtual Matrix<double> draw_tilted(const RadialLaw& radial, Index m, Index dim, Index row,
                                     std::span<const double> shift, const Stream& stream) const;
};

}  // namespace bochner
