#pragma once

#include "core/parallel.h"
#include "core/types.h"

#include <functional>

namespace bochner {

/// A run of `trials` trials is cut into blocks of block_length(trials) consecutive trials, the last one possibly
/// shorter: the smallest power of two that is at least trials / 128, and at least 16. It depends on nothing else, so
/// the blocks of any shard on any machine are blocks of the whole run. Throws std::invalid_argument unless trials >= 1.
Index block_length(Index trials);

/// Blocks of the whole run, at most 128.
Index block_count(Index trials);

/// The shard [begin, end) of a run: trials counted from 0.
struct Shard {
  Index begin = 0;
  Index end = 0;
};

/// Blocks of the shard. Throws std::invalid_argument, naming all numbers, unless 0 <= begin < end <= trials, begin is a
/// multiple of the block length and end is one or is `trials`.
Index shard_blocks(Index trials, const Shard& shard, const char* function);

/// parallel_for with long bodies: parallel_for completes the bodies that it has begun, so a body calls check() now and
/// then, which throws Interrupted once the progress callback has returned false or thrown. Throws what parallel_for
/// throws.
void stoppable_for(Index count, const Execution& execution, const char* function,
                   const std::function<void(Index index, const std::function<void()>& check)>& body);

/// Calls body(block, trial) for every trial of the shard: blocks, counted from the shard's first, in parallel, the
/// trials of one block in order on one thread. What a body writes must belong to its block; merged in the order of the
/// blocks, the result is then bit-identical for any number of threads and any cut into shards.
/// Progress counts blocks; a stop takes effect before the next trial. Throws what shard_blocks and parallel_for throw.
void for_trials(Index trials, const Shard& shard, const Execution& execution, const char* function,
                const std::function<void(Index block, Index trial)>& body);

}  // namespace bochner
