#pragma once

#include "core/moments.h"
#include "core/types.h"
#include "experiments/trials.h"

#include <cstdint>
#include <span>
#include <vector>

namespace bochner {

/// What the trials of one cell (a point and an m) leave behind: the moments of the weighted scaled error
/// a = w (K^ - K) / s and of its square b = w ((K^ - K) / s)^2, w the weight of the sampler (1 for the plain one).
struct CellMoments {
  Moments error;
  Moments square;

  void add(double log_weight, double scaled_error);
  void merge(const CellMoments& other);
};

/// The measured blocks of one shard of a pointwise run, kept apart so that shards join without a change of any bit.
struct PointwiseBlocks {
  Index trials = 0;                  ///< of the whole run
  Shard shard;                       ///< those measured here
  std::uint64_t seed = 0;            ///< of the run
  Index points = 0;                  ///< pairs
  std::vector<Index> m;              ///< numbers of frequencies
  std::vector<CellMoments> moments;  ///< (blocks, points, m)

  Index cells() const { return points * static_cast<Index>(m.size()); }
  /// The moments of all blocks, merged in their order, (points, m).
  std::vector<CellMoments> merged() const;

  /// All of it as numbers, for arrays and files: 8 + |m| numbers of description, then ten for each of `moments`.
  std::vector<double> to_numbers() const;
  /// The inverse, exact to the last bit. Throws std::invalid_argument when the numbers are not of this form.
  static PointwiseBlocks from_numbers(std::span<const double> numbers);
};

/// The shards of one run as one. They are given in order, each beginning where the last one ended.
/// Throws std::invalid_argument when there are none, when they belong to different runs (trials, seed, points or m),
/// and where they overlap or leave a gap, naming the two.
PointwiseBlocks join(std::span<const PointwiseBlocks> shards);

}  // namespace bochner
