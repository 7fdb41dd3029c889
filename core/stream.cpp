#include "core/stream.h"

#include <stdexcept>

namespace bochner {

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
