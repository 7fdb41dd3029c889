#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace bochner::simd {

/// The instruction sets for which the kernels of this folder were compiled and that this machine runs, best first,
/// by Highway's names ("AVX3", "AVX2", "SSE4", "SSSE3", "SCALAR"). Every call runs on the first of them.
std::vector<std::string> supported_targets();

/// While it lives, every kernel of this folder runs on the named instruction set, in the whole process.
/// Meant for tests and benchmarks; not to be used while another thread computes, nor nested.
/// Throws std::invalid_argument when `name` is not among supported_targets().
class TargetOverride {
 public:
  explicit TargetOverride(const std::string& name);
  ~TargetOverride();
  TargetOverride(const TargetOverride&) = delete;
  TargetOverride& operator=(const TargetOverride&) = delete;
};

}  // namespace bochner::simd
