#include "estimators/couplings/halton.h"

#include <boost/math/special_functions/prime.hpp>

#include <algorithm>
#include <numeric>
#include <stdexcept>
#include <utility>
#include <vector>

namespace bochner {
namespace {

/// The radical inverses of 0, 1, 2, ... in one base, with as many scrambled digits as make 53 bits, and the middle of
/// the cell that they name.
void fill_coordinate(Stream& stream, std::uint64_t base, Eigen::Ref<Vector<double>> values) {
  std::vector<std::uint64_t> permutation(base);
  std::vector<std::uint64_t> rest(static_cast<std::size_t>(values.size()));
  std::iota(rest.begin(), rest.end(), std::uint64_t{0});
  values.setZero();
  double unit = 1;
  while (unit > 0x1p-53) {
    unit /= static_cast<double>(base);
    std::iota(permutation.begin(), permutation.end(), std::uint64_t{0});
    for (std::uint64_t k = base; k > 1; --k) std::swap(permutation[k - 1], permutation[stream.below(k)]);
    for (std::size_t i = 0; i < rest.size(); ++i) {
      values(static_cast<Index>(i)) += unit * static_cast<double>(permutation[rest[i] % base]);
      rest[i] /= base;
    }
  }
  values.array() = (values.array() + unit / 2).min(1 - 0x1p-53);
}

}  // namespace

void HaltonCoupling::fill_points(const Stream& stream, Matrix<double>& points) const {
  if (points.cols() > kMaxDimension) {
    throw std::invalid_argument("halton: a frequency takes " + std::to_string(points.cols()) +
                                " uniform numbers; expected at most " + std::to_string(kMaxDimension));
  }
  Vector<double> values(points.rows());
  for (Index j = 0; j < points.cols(); ++j) {
    Stream coordinate = stream.lane(static_cast<std::uint64_t>(j));
    fill_coordinate(coordinate, boost::math::prime(static_cast<unsigned>(j)), values);
    points.col(j) = values;
  }
}

}  // namespace bochner
