#pragma once

#include "estimators/coupling.h"

namespace bochner {

/// Stacks of P consecutive rows, P the least power of two >= d: the rows of H D_1 ... H D_k without their last P - d
/// columns, as long as independent norms from the radial law. H is the Walsh-Hadamard matrix, D_t are independent
/// diagonals of random signs, k = `blocks` is 1, 2 or 3 [Yu16, Section 4]. A product costs O(m log d) a point.
///
/// Biased: norms have their exact law, directions have not that of the sphere. With k = 1 they are corners of a cube,
/// and E cos(w.x) = E prod_j cos(|w| x_j / sqrt(d)); larger k smooth that.
class HadamardCoupling final : public Coupling {
 public:
  /// Throws std::invalid_argument unless blocks is 1, 2 or 3.
  explicit HadamardCoupling(double blocks);

  std::string name() const override { return "hadamard"; }
  Parameters parameters() const override { return {{"blocks", static_cast<double>(blocks_)}}; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  bool unbiased() const override { return false; }
  /// The first rows of a draw are one, since stack follows stack; but the rows of a prefix would be stored as a dense
  /// W.
  bool prefixes_are_draws() const override { return false; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override { return std::nullopt; }

 private:
  Index blocks_;
};

}  // namespace bochner
