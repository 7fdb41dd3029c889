#pragma once

namespace bochner {

/// The most floating-point operations a second that one core of this machine does in float on the best of its
/// instruction sets: multiply-adds on registers, two operations each, the best of 20 rounds of some milliseconds.
double fma_peak_float();

}  // namespace bochner
