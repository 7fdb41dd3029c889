#include <gtest/gtest.h>
#include <malloc.h>

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <new>
#include <vector>

#include "estimators/attention/attention.h"
#include "estimators/attention/state.h"
#include "tests/cpp/estimators/attention_reference.h"

// The bytes that attention allocates for itself, counted: they may not grow with the length. Eigen calls malloc, and
// containers operator new, which calls malloc here; the linker sends the calls of this program to the counters below.

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names.
void* __real_malloc(std::size_t size);
void* __real_aligned_alloc(std::size_t alignment, std::size_t size);
void __real_free(void* pointer);
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

namespace {

std::atomic<std::ptrdiff_t> live = 0;
std::atomic<std::ptrdiff_t> most = 0;

void* counted(void* pointer) {
  if (pointer == nullptr) return pointer;
  const auto size = static_cast<std::ptrdiff_t>(malloc_usable_size(pointer));
  const std::ptrdiff_t now = live += size;
  std::ptrdiff_t seen = most;
  while (now > seen && !most.compare_exchange_weak(seen, now)) {
  }
  return pointer;
}

void* required(void* pointer) {
  if (pointer == nullptr) throw std::bad_alloc();
  return pointer;
}

}  // namespace

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming): the linker's names.
void* __wrap_malloc(std::size_t size) { return counted(__real_malloc(size)); }
void* __wrap_aligned_alloc(std::size_t alignment, std::size_t size) {
  return counted(__real_aligned_alloc(alignment, size));
}
void __wrap_free(void* pointer) {
  if (pointer != nullptr) live -= static_cast<std::ptrdiff_t>(malloc_usable_size(pointer));
  __real_free(pointer);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
}

void* operator new(std::size_t size) { return required(std::malloc(size)); }
void* operator new(std::size_t size, std::align_val_t alignment) {
  const auto unit = static_cast<std::size_t>(alignment);
  return required(std::aligned_alloc(unit, (size + unit - 1) / unit * unit));
}
void operator delete(void* pointer) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::align_val_t) noexcept { std::free(pointer); }
void operator delete(void* pointer, std::size_t, std::align_val_t) noexcept { std::free(pointer); }

namespace bochner {
namespace {

using namespace attention_reference;

/// The most bytes that were alive at once during the call, beyond those before it.
template <class Call>
std::ptrdiff_t working_memory(const Call& call) {
  const std::ptrdiff_t before = live;
  most = before;
  call();
  return most - before;
}

/// malloc hands out more than is asked for, up to a page for each large block.
constexpr std::ptrdiff_t kRounding = 16384;

constexpr Index kDim = 8, kFeatures = 32;

struct Arrays {
  explicit Arrays(Index length)
      : Q(Matrix<float>::Random(length, kDim)),
        K(Matrix<float>::Random(length, kDim)),
        V(Matrix<float>::Random(length, kDim)),
        out(length, kDim) {}
  HeadArray<const float> in(const Matrix<float>& array) const { return {array.data(), 1, 1, array.rows(), kDim}; }
  AttentionBatch<float> batch() { return {in(Q), in(K), in(V), {out.data(), 1, 1, out.rows(), kDim}}; }
  Matrix<float> Q, K, V, out;
};

TEST(AttentionMemory, TheCounterCounts) {
  std::vector<double> values;
  EXPECT_GE(working_memory([&] { values.resize(1000); }), 8000);
  EXPECT_EQ(working_memory([&] { values.resize(1000); }), 0);
  const std::ptrdiff_t twice = working_memory([] {
    for (const Index rows : {16, 16}) EXPECT_EQ(simd::PaddedRows<float>(rows, 16).rows(), 16);
  });
  EXPECT_GE(twice, 1024);
  EXPECT_LT(twice, 4096);
  float sum = 0;
  EXPECT_GE(working_memory([&] { sum = Matrix<float>(Matrix<float>::Random(100, 100)).sum(); }), 40000);
  EXPECT_NE(sum, 0);
}

TEST(AttentionMemory, DoesNotGrowWithTheLength) {
  const std::vector<std::shared_ptr<const FeatureMap>> maps{draw("positive", kDim, kFeatures)};
  Arrays few(Index{1} << 12), many(Index{1} << 18);
  const Mask few_mask = [&] {
    Mask mask(static_cast<std::size_t>(few.K.rows()), 1);
    mask[5] = 0;
    return mask;
  }();
  const Mask many_mask = [&] {
    Mask mask(static_cast<std::size_t>(many.K.rows()), 1);
    mask[5] = 0;
    return mask;
  }();
  for (const bool causal : {false, true}) {
    for (const bool masked : {false, true}) {
      const auto memory = [&](Arrays& arrays, const Mask& mask) {
        const AttentionOptions options{.causal = causal, .key_mask = masked ? span_of(mask) : std::span<const bool>()};
        return working_memory([&] { attention<float>(arrays.batch(), maps, options); });
      };
      memory(few, few_mask);  // what the map packs at its first call is no part of it
      const std::ptrdiff_t bytes = memory(few, few_mask);
      EXPECT_GT(bytes, 1000);
      EXPECT_LE(memory(many, many_mask), bytes + kRounding) << "causal " << causal << ", masked " << masked;
    }
  }
}

// Gradients may keep a few numbers a row: here two floats.
TEST(AttentionMemory, OfGradientsIsTwoNumbersARow) {
  const std::vector<std::shared_ptr<const FeatureMap>> maps{draw("positive", kDim, kFeatures)};
  const auto memory = [&](Index length, bool causal) {
    Arrays arrays(length);
    attention<float>(arrays.batch(), maps, {.causal = causal});
    Matrix<float> d_Q(length, kDim), d_K(length, kDim), d_V(length, kDim);
    const auto out_array = [&](Matrix<float>& array) { return HeadArray<float>{array.data(), 1, 1, length, kDim}; };
    const auto batch = arrays.batch();
    return working_memory([&] {
      attention_vjp<float>(batch.Q, batch.K, batch.V,
                           {arrays.in(arrays.out), arrays.in(arrays.V), out_array(d_Q), out_array(d_K), out_array(d_V)},
                           maps, {.causal = causal});
    });
  };
  for (const bool causal : {false, true}) {
    memory(64, causal);
    const std::ptrdiff_t few = memory(Index{1} << 12, causal), many = memory(Index{1} << 16, causal);
    const auto rows = (std::ptrdiff_t{1} << 16) - (std::ptrdiff_t{1} << 12);
    EXPECT_LE(many - few, 2 * static_cast<std::ptrdiff_t>(sizeof(float)) * rows + kRounding) << "causal " << causal;
  }
}

TEST(AttentionMemory, OfAStateDoesNotGrow) {
  const Arrays arrays(Index{1} << 14);
  AttentionState<float> state(draw("positive", kDim, kFeatures), kDim);
  state.append(arrays.K.topRows(100), arrays.V.topRows(100));
  const std::ptrdiff_t before = live;
  state.append(arrays.K, arrays.V);
  EXPECT_LE(live - before, 0);
}

}  // namespace
}  // namespace bochner
