#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "core/simd/product.h"
#include "core/types.h"
#include "estimators/attention/feature_tile.h"
#include "estimators/attention/options.h"
#include "estimators/attention/sums.h"

namespace bochner {

/// What queries read from the sums of keys, whose values are [v_j, 1]: numerators and denominator of a tile of queries,
///
///   N_i = sum_l w_il S_l + sum_(open j seen) P_ij v_j,   D_i likewise with 1 for v_j,
///
/// weights w_i relative to the references of the sums, so that D_i is at least 1 with kExponents maps.
template <class Scalar>
class Readout {
 public:
  Readout(Index features, Index values);

  /// Query i of the tile sees the closed keys and the first visible[i] open ones, in all at least one.
  void read(AttentionSums<Scalar>& sums, const FeatureTile<Scalar>& queries, const std::vector<Index>& visible);

  const simd::PaddedRows<Scalar>& weights() const { return weights_; }  ///< w (n, p)
  auto shift() const { return shift_.head(rows_); }                     ///< (n): N_i, D_i are in units of exp(shift_i)
  auto denominator() const { return denominator_.head(rows_); }         ///< D (n)

  /// Loads the rows of Q at these positions into the tile, reads, and writes the outputs into these rows of `out`:
  /// N_i / D_i, or N_i itself unless `renormalize`. Where D_i is 0 the output is infinite with the sign of N_i, and 0
  /// for 0/0; where it is negative the quotient stands.
  template <class Rows, class Out>
  DenominatorCounts attend(AttentionSums<Scalar>& sums, FeatureTile<Scalar>& queries, const Rows& Q,
                           std::span<const Index> positions, const std::vector<Index>& visible, bool renormalize,
                           Out&& out) {
    queries.load(Q, positions);
    read(sums, queries, visible);
    const DenominatorCounts counts = count(sums, visible);
    finish(sums, queries, visible, renormalize);
    for (Index i = 0; i < rows_; ++i) out.row(positions[static_cast<std::size_t>(i)]) = output_.top(rows_).row(i);
    return counts;
  }

 private:
  DenominatorCounts count(const AttentionSums<Scalar>& sums, const std::vector<Index>& visible) const;
  void finish(AttentionSums<Scalar>& sums, const FeatureTile<Scalar>& queries, const std::vector<Index>& visible,
              bool renormalize);

  simd::PaddedRows<Scalar> weights_;
  simd::PaddedRows<Scalar> scores_;
  Vector<Scalar> shift_;
  Vector<Scalar> denominator_;
  simd::PaddedRows<Scalar> output_;
  Index values_;
  Index rows_ = 0;
};

}  // namespace bochner
