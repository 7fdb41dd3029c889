#pragma once

#include "estimators/coupling.h"

namespace bochner {

/// Stacks of P consecutive rows, P the least power of two >= d: the rows of H D_1 ... H D_k without their last P - d
/// columns, as long as independent norms from the radial law. H is the Walsh-Hadamard matrix, D_t are independent
/// diagonals of random signs, k = `blocks` is 1, 2 or 3 [Yu16, Section 4]. A product costs O(m log d) a point.
///
/// Biased: norms have their exact law, directions have not that of the sphere. With k = 1 they are corners of a cube,
/// and E cos(w.x) = E prod_j cos(|w| x_j / sqrt(d)); larger k smooth that. Bias measured for the Gaussian kernel at
/// d = m = 64 and |x| = 0.5, 1, 2; for a random direction of x in 100,000 draws, standard
/// errors 1.3e-5, 5.5e-5, 2.3e-4, along an axis in 20,000:
///
///     k = 1   random 3e-5, 2.6e-4, 1.1e-3     axis -4.9e-3, -6.5e-2, -0.54
///     k = 2   random -1e-5, -6e-5, -3e-4      axis 1.3e-4, 1.4e-3, 5e-3
///     k = 3   none found in either
///
/// With norms of sqrt(d), as in [Yu16], the kernel is another one, and the bias for the Gaussian one about
/// -e^{-w/2} w^2 / (4 d), w = |x|^2: measured for k = 3 -2.10e-4, -2.34e-3, -8.6e-3 in 200,000 draws.
///
/// No law is known of its variance. Measured at m = d for k = 3 it is 0.04, 0.10, 0.69 of that of iid.
class HadamardCoupling final : public Coupling {
 public:
  /// Throws std::invalid_argument unless blocks is 1, 2 or 3.
  explicit HadamardCoupling(double blocks);

  std::string name() const override { return "hadamard"; }
  Parameters parameters() const override { return {{"blocks", static_cast<double>(blocks_)}}; }
  std::shared_ptr<const Projection> draw(const FrequencyLaw& law, Index m, Index dim,
                                         const Stream& stream) const override;
  bool unbiased() const override { return false; }
  /// The first rows of a draw are one, since stack follows stack; but a prefix would be stored as a dense W.
  bool prefixes_are_draws() const override { return false; }
  std::optional<std::vector<PairGroup>> dependent_pairs(Index, Index) const override { return std::nullopt; }

 private:
  Index blocks_;
};

}  // namespace bochner
