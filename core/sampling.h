#pragma once

#include <span>

#include "core/stream.h"
#include "core/types.h"

namespace bochner {

/// One standard normal number, the first of a Box-Muller pair (the second is dropped). Uses two words of the stream.
double normal(Stream& stream);

/// Independent standard normal numbers by Box-Muller: values[2k] = r cos(a), values[2k+1] = r sin(a), with
/// r = sqrt(-2 log(1 - U)), a = 2 pi U', where U, U' are uniforms 2k and 2k+1 of the stream.
/// values: any length n; uses n words, n + 1 when n is odd. No rejection: element i depends on the stream and i only.
/// Throws nothing. Cost: about 3.5 ns a number, 60 ns for the last of an odd n. Numbers are at most
/// sqrt(106 log 2) = 8.57 in absolute value and agree to 1e-12 between machines. Source: [BoxMuller58].
void fill_normal(Stream& stream, std::span<double> values);

/// Independent numbers of the law of |g|, g standard normal in R^dim: sqrt(-2 log prod_{i < dim/2} U_i), under the root
/// the square of one more normal number when dim is odd. Each uses dim / 2 words, two more when dim is odd.
/// norms: any length. Throws std::invalid_argument when dim < 1. No rejection. Cost: about 2.5 ns a word and a
/// logarithm for 16 factors.
void fill_chi(Stream& stream, Index dim, std::span<double> norms);

/// One number of `fill_chi`.
double chi(Stream& stream, Index dim);

/// A uniform point of the unit sphere: g / |g|, g standard normal with the numbers of `fill_normal`.
/// direction: (dim,). Throws std::invalid_argument when it is empty. Cost: that of `fill_normal`.
/// Source: [Muller59].
void fill_sphere(Stream& stream, std::span<double> direction);

}  // namespace bochner
