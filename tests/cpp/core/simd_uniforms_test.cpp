#include "core/simd/uniforms.h"

#include <gtest/gtest.h>

#include <limits>
#include <stdexcept>
#include <string>
#include <vector>

#include "core/simd/targets.h"

namespace bochner::simd {
namespace {

// From the words one by one; the counter may go over its end.
std::vector<double> expected_uniforms(PhiloxCounter counter, PhiloxKey key, std::size_t blocks) {
  std::vector<double> uniforms;
  for (std::size_t block = 0; block < blocks; ++block, ++counter[0]) {
    for (const std::uint64_t word : philox4x64(counter, key)) {
      uniforms.push_back(static_cast<double>(word >> 11) * 0x1p-53);
    }
  }
  return uniforms;
}

TEST(PhiloxUniforms, AreThoseOfTheWordsOnEveryTarget) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  const std::vector<PhiloxCounter> counters = {{0, 0, 0, 0}, {1234567, 89, 1011, 12}, {last - 2, last, last, last}};
  for (const std::string& name : supported_targets()) {
    const TargetOverride target(name);
    for (const PhiloxCounter& counter : counters) {
      for (const PhiloxKey key : {PhiloxKey{0, 0}, PhiloxKey{last, 0x243f6a8885a308d3}}) {
        // Lengths on both sides of whole registers: up to 16 blocks at a time.
        for (const std::size_t blocks : {0U, 1U, 3U, 7U, 8U, 9U, 15U, 16U, 17U, 31U, 32U, 33U, 100U}) {
          std::vector<double> uniforms(4 * blocks);
          philox_uniforms(counter, key, uniforms);
          EXPECT_EQ(uniforms, expected_uniforms(counter, key, blocks)) << name << ", " << blocks << " blocks";
        }
      }
    }
  }
}

TEST(PhiloxUniforms, PartOfABlockIsAnError) {
  std::vector<double> uniforms(6);
  try {
    philox_uniforms({}, {}, uniforms);
    FAIL() << "expected an exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(), "philox_uniforms: uniforms has 6 elements; expected a multiple of 4");
  }
}

}  // namespace
}  // namespace bochner::simd
