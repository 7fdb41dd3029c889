#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>

#include "benchmarks/fma_peak.h"
#include "core/simd/functions.h"
#include "core/simd/product.h"
#include "core/simd/targets.h"
#include "estimators/estimator.h"
#include "estimators/registry.h"

// The peak of one core and the kernels that should come near it, in operations a second: `run.py` sets them beside each
// other.

namespace bochner {
namespace {

constexpr Index kRows = 64, kDim = 64, kFeatures = 256;

/// The shortest of some calls, in seconds.
double shortest(const std::function<void()>& call) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9;
  for (int round = 0; round < 3000; ++round) {
    const auto start = Clock::now();
    call();
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  return best;
}

/// exp(u + h) of a tile of positive features while it is in cache: 2 n d m operations, the exponential not counted.
double positive_tile() {
  const Estimator estimator(make_kernel("softmax", {}), make_features("positive"), make_coupling("orthogonal"));
  const auto map = estimator.draw(kDim, kFeatures, 0, 0);
  simd::PaddedRows<float> X(kRows, kDim), features(kRows, kFeatures);
  X.top(kRows).setRandom();
  Vector<float> log_scale(kRows);
  const Vector<float> zero = Vector<float>::Zero(kFeatures);
  const double seconds = shortest([&] {
    map->tile(X.top(kRows), Side::kQuery, features.top(kRows), log_scale);
    simd::exp_rows<float>(features.top(kRows), log_scale, zero, features.top(kRows));
  });
  return 2.0 * kRows * kDim * kFeatures / seconds;
}

}  // namespace
}  // namespace bochner

int main() {
  // The clock of a core may rise and fall: the peak is taken on both sides of what is compared with it.
  double peak = bochner::fma_peak_float();
  const double tile = bochner::positive_tile();
  peak = std::max(peak, bochner::fma_peak_float());
  std::printf("{\"instruction_set\": \"%s\", \"fma_peak_float\": %.6g, \"positive_tile\": %.6g}\n",
              bochner::simd::supported_targets().front().c_str(), peak, tile);
}
