#include "core/stream.h"

#include <stdexcept>

#include "core/simd/uniforms.h"

namespace bochner {

void Stream::fill_uniform(std::span<double> values) {
  std::size_t i = 0;
  while (i < values.size() && used_ < block_.size()) values[i++] = uniform();
  const std::size_t blocks = (values.size() - i) / block_.size();
  simd::philox_uniforms(counter_, key_, values.subspan(i, blocks * block_.size()));
  counter_[0] += blocks;
  i += blocks * block_.size();
  while (i < values.size()) values[i++] = uniform();
}

std::uint64_t Stream::below(std::uint64_t n) {
  if (n == 0) throw std::invalid_argument("below: n is 0; expected at least 1");
  detail::Uint128 product = detail::Uint128{next()} * n;
  if (detail::low_word(product) < n) {
    // The first 2^64 mod n low words would favour some results; drawing again there leaves each result equally many.
    const std::uint64_t threshold = (0 - n) % n;
    while (detail::low_word(product) < threshold) product = detail::Uint128{next()} * n;
  }
  return detail::high_word(product);
}

}  // namespace bochner
