#pragma once

#include <span>

#include "core/stream.h"

namespace bochner::simd {

/// The numbers 2^-53 (w >> 11) of the words w of philox4x64(counter, key), philox4x64(counter + 1, key), ..., the first
/// word of the counter counting up. Shape: uniforms (4 blocks) for any number of blocks.
/// Integer arithmetic and an exact conversion: the same bits on every instruction set.
/// Throws std::invalid_argument when the length is not a multiple of 4. Cost: about 7 ns a block. Source: [Salmon11].
void philox_uniforms(PhiloxCounter counter, PhiloxKey key, std::span<double> uniforms);

}  // namespace bochner::simd
