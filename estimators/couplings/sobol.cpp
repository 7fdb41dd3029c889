#include "estimators/couplings/sobol.h"

#include <boost/random/sobol.hpp>

#include <array>
#include <bit>
#include <cstdint>
#include <stdexcept>

namespace bochner {
namespace {

constexpr int kBits = 64;
constexpr std::uint64_t kHighest = std::uint64_t{1} << (kBits - 1);

/// x -> L x + s over the field of two elements, bits from the highest down; L is lower triangular with ones on its
/// diagonal, otherwise random, and s is random.
class Scramble {
 public:
  explicit Scramble(Stream& stream) : shift_(stream.next()) {
    for (int k = 0; k < kBits; ++k) {
      const std::uint64_t diagonal = kHighest >> k;
      columns_[static_cast<std::size_t>(k)] = diagonal | (stream.next() & (diagonal - 1));
    }
  }

  std::uint64_t operator()(std::uint64_t x) const {
    std::uint64_t result = shift_;
    while (x != 0) {
      const int k = std::countl_zero(x);
      result ^= columns_[static_cast<std::size_t>(k)];
      x ^= kHighest >> k;
    }
    return result;
  }

 private:
  std::uint64_t shift_;
  std::array<std::uint64_t, kBits> columns_{};
};

/// The middle of the cell of width 2^-53 in which x 2^-64 lies.
double inner_uniform(std::uint64_t x) { return unit_uniform(x) + 0x1p-54; }

}  // namespace

void SobolCoupling::fill_points(const Stream& stream, Matrix<double>& points) const {
  if (points.cols() > kMaxDimension) {
    throw std::invalid_argument("sobol: a frequency takes " + std::to_string(points.cols()) +
                                " uniform numbers; expected at most " + std::to_string(kMaxDimension));
  }
  Stream bits = stream.lane(0);
  std::vector<Scramble> scrambles;
  scrambles.reserve(static_cast<std::size_t>(points.cols()));
  for (Index j = 0; j < points.cols(); ++j) scrambles.emplace_back(bits);
  boost::random::sobol sequence(static_cast<std::size_t>(points.cols()));
  for (Index i = 0; i < points.rows(); ++i) {
    for (Index j = 0; j < points.cols(); ++j) {
      // Boost leaves out the point 0.
      const std::uint64_t x = i == 0 ? 0 : sequence();
      points(i, j) = inner_uniform(scrambles[static_cast<std::size_t>(j)](x));
    }
  }
}

}  // namespace bochner
