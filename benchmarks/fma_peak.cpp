#include "benchmarks/fma_peak.h"

#include <algorithm>
#include <chrono>
#include <cstddef>

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "benchmarks/fma_peak.cpp"
#include <hwy/foreach_target.h>
// After foreach_target.h.
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace bochner::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

using Tag = hn::ScalableTag<float>;

}  // namespace

std::size_t flops_a_step() { return 20 * hn::Lanes(Tag()); }

/// Ten independent chains, enough to cover the latency of two units, each of `steps` multiply-adds on registers.
float chains(std::size_t steps) {
  const Tag d;
  const auto factor = hn::Set(d, 0.5f);
  const auto term = hn::Set(d, 1.0f);
  auto s0 = hn::Iota(d, 0), s1 = hn::Add(s0, term), s2 = hn::Add(s1, term), s3 = hn::Add(s2, term),
       s4 = hn::Add(s3, term), s5 = hn::Add(s4, term), s6 = hn::Add(s5, term), s7 = hn::Add(s6, term),
       s8 = hn::Add(s7, term), s9 = hn::Add(s8, term);
  for (std::size_t step = 0; step < steps; ++step) {
    s0 = hn::MulAdd(s0, factor, term);
    s1 = hn::MulAdd(s1, factor, term);
    s2 = hn::MulAdd(s2, factor, term);
    s3 = hn::MulAdd(s3, factor, term);
    s4 = hn::MulAdd(s4, factor, term);
    s5 = hn::MulAdd(s5, factor, term);
    s6 = hn::MulAdd(s6, factor, term);
    s7 = hn::MulAdd(s7, factor, term);
    s8 = hn::MulAdd(s8, factor, term);
    s9 = hn::MulAdd(s9, factor, term);
  }
  const auto sum = hn::Add(hn::Add(hn::Add(hn::Add(s0, s1), hn::Add(s2, s3)), hn::Add(hn::Add(s4, s5), s6)),
                           hn::Add(hn::Add(s7, s8), s9));
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

}  // namespace bochner::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace bochner {

HWY_EXPORT(flops_a_step);
HWY_EXPORT(chains);

double fma_peak_float() {
  using Clock = std::chrono::steady_clock;
  constexpr std::size_t kSteps = 200'000;
  constexpr int kRounds = 20;
  const auto flops = static_cast<double>(kSteps * HWY_DYNAMIC_DISPATCH(flops_a_step)());
  double best = 0;
  for (int round = 0; round < kRounds; ++round) {
    const auto start = Clock::now();
    [[maybe_unused]] volatile float sink = HWY_DYNAMIC_DISPATCH(chains)(kSteps);
    const std::chrono::duration<double> seconds = Clock::now() - start;
    best = std::max(best, flops / seconds.count());
  }
  return best;
}

}  // namespace bochner
#endif  // HWY_ONCE
