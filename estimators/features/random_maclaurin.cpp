#include "estimators/features/random_maclaurin.h"

#include "estimators/kernels/dot_product.h"
#include "estimators/laws/independent.h"
#include "estimators/laws/products.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numbers>
#include <utility>
#include <vector>

namespace bochner {
namespace {

constexpr int kWordBits = 64;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

/// A number n >= 0 with probability 2^-(n+1): the zeros before the first one among random bits.
Index draw_degree(Stream& stream) {
  Index degree = 0;
  std::uint64_t word = stream.next();
  for (; word == 0; word = stream.next()) degree += kWordBits;
  return degree + std::countr_zero(word);
}

/// mantissa 2^exponent, so that no product overflows.
template <class Scalar>
struct Wide {
  Scalar mantissa = 0;
  Index exponent = 0;

  void multiply(Scalar factor) {
    int change = 0;
    mantissa = std::frexp(mantissa * factor, &change);
    exponent += change;
  }
};

/// e^log.
Wide<double> wide_exp(double log) {
  if (log == -std::numeric_limits<double>::infinity()) return {};
  const double power = std::floor(log / std::numbers::ln2);
  return {std::exp(log - power * std::numbers::ln2), static_cast<Index>(power)};
}

/// What the features of a draw are made of: feature l is a coefficient times the projections on the signs of rows
/// first(l) to first(l + 1).
struct Products {
  std::vector<Wide<double>> coefficients;
  std::vector<Index> first;
  std::vector<double> signs;  // by rows
};

class RandomMaclaurinMap final : public FeatureMap {
 public:
  RandomMaclaurinMap(Products products, double amplitude, Index dim, std::string description)
      : first_(std::move(products.first)),
        coefficients_(std::move(products.coefficients)),
        log_weight_(std::log(amplitude / static_cast<double>(coefficients_.size())) / 2),
        dim_(dim),
        description_(std::move(description)) {
    if (products.signs.empty()) return;
    projection_ = std::make_shared<DenseProjection>(
        Eigen::Map<const Matrix<double>>(products.signs.data(), static_cast<Index>(products.signs.size()) / dim, dim));
  }

  Index dim() const override { return dim_; }
  Index features() const override { return static_cast<Index>(coefficients_.size()); }
  Form form() const override { return Form::kValues; }
  std::string describe() const override { return description_; }

  void tile(const MatrixView<float>& X, Side, MutableMatrixView<float> features,
            MutableVectorView<float> log_scale) const override {
    tile_of<float>(X, features, log_scale);
  }
  void tile(const MatrixView<double>& X, Side, MutableMatrixView<double> features,
            MutableVectorView<double> log_scale) const override {
    tile_of<double>(X, features, log_scale);
  }

 private:
  /// (a_N 2^(N+1))^(1/2) times the product of projections u.
  template <class Scalar>
  Wide<Scalar> feature(const Scalar* u, std::size_t l) const {
    Wide<Scalar> result{static_cast<Scalar>(coefficients_[l].mantissa), coefficients_[l].exponent};
    for (Index k = first_[l]; k < first_[l + 1]; ++k) result.multiply(u[k]);
    return result;
  }

  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    Matrix<Scalar> U(X.rows(), projection_ ? projection_->rows() : 0);
    if (projection_) projection_->apply(X, U);
    constexpr Index kSafe = std::numeric_limits<Scalar>::max_exponent / 4;
    const auto log_weight = static_cast<Scalar>(log_weight_);
    std::vector<Wide<Scalar>> row(coefficients_.size());
    for (Index i = 0; i < X.rows(); ++i) {
      Index largest = std::numeric_limits<Index>::min();
      for (std::size_t l = 0; l < row.size(); ++l) {
        row[l] = feature<Scalar>(U.row(i).data(), l);
        if (row[l].mantissa != 0) largest = std::max(largest, row[l].exponent);
      }
      // The power of two that leaves the row for its log-scale, none while products of two rows are safe.
      const bool zero = largest == std::numeric_limits<Index>::min();
      const Index common = zero || std::abs(largest) <= kSafe ? 0 : largest;
      for (std::size_t l = 0; l < row.size(); ++l) {
        // Beyond the range of an int there is nothing but 0.
        const Index shift = std::max<Index>(row[l].exponent - common, -100'000);
        features(i, static_cast<Index>(l)) =
            row[l].mantissa == 0 ? Scalar{0} : std::ldexp(row[l].mantissa, static_cast<int>(shift));
      }
      log_scale(i) = log_weight + static_cast<Scalar>(common) * std::numbers::ln2_v<Scalar>;
    }
  }

  std::vector<Index> first_;
  std::vector<Wide<double>> coefficients_;
  double log_weight_;
  Index dim_;
  std::shared_ptr<const Projection> projection_;  // null where every N is 0
  std::string description_;
};

}  // namespace

void RandomMaclaurinFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<DotProductKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> RandomMaclaurinFeatures::draw(const Kernel& kernel, const FrequencyLaw*,
                                                                const Coupling&, Index m, Index dim,
                                                                const Stream& stream) const {
  const auto [dot_product, amplitude] = require_multiple_of<DotProductKernel>(kernel, *this);
  Products products;
  products.first.push_back(0);
  for (Index l = 0; l < m; ++l) {
    Stream numbers = stream.lane(static_cast<std::uint64_t>(l));
    const Index degree = draw_degree(numbers);
    const double log = dot_product.log_maclaurin(degree) + static_cast<double>(degree + 1) * std::numbers::ln2;
    products.coefficients.push_back(wide_exp(log / 2));
    // Where a_N = 0 the feature is 0 whatever the signs are.
    const bool needed = products.coefficients.back().mantissa != 0;
    products.first.push_back(products.first.back() + (needed ? degree : 0));
    if (!needed) continue;
    std::uint64_t bits = 0;
    for (Index k = 0; k < degree * dim; ++k) {
      if (k % kWordBits == 0) bits = numbers.next();
      products.signs.push_back((bits >> (k % kWordBits) & 1) == 0 ? -1 : 1);
    }
  }
  return std::make_shared<RandomMaclaurinMap>(std::move(products), amplitude, dim, describe_map(kernel, dim, m, m));
}

std::optional<Law> RandomMaclaurinFeatures::law(const Kernel& kernel, const FrequencyLaw*, const Coupling&, Index m,
                                                std::span<const double> x, std::span<const double> y) const {
  const auto [dot_product, amplitude] = require_multiple_of<DotProductKernel>(kernel, *this);
  const ProductMoments moments = product_moments(x, y);
  const auto mu = moments.square + moments.distinct + moments.crossed;
  const long double log_mu = std::log(mu);
  // Terms are summed until they fall and are negligible, or until the sum, of which the square of the mean is a part
  // only, is beyond a double even after a division by m.
  constexpr long double kNegligible = 50, kBeyond = 1000;
  const long double log_square = 2 * std::log(static_cast<long double>(amplitude));
  SignedLog second = SignedLog::positive(2 * dot_product.log_maclaurin(0) + std::numbers::ln2_v<long double>);
  long double before = second.log;
  for (Index n = 1; n <= dot_product.degree() && mu > 0; ++n) {
    const long double term = 2 * static_cast<long double>(dot_product.log_maclaurin(n)) +
                             static_cast<long double>(n + 1) * std::numbers::ln2_v<long double> +
                             static_cast<long double>(n) * log_mu;
    second = second + SignedLog::positive(term);
    if (term < before && term < second.log - kNegligible && std::isfinite(term)) break;
    if (second.log > kBeyond) return Law{kernel.value(x, y).value(), kInfinity, 0, kInfinity, {}};
    before = term;
  }
  const SignedLog mean = kernel.value(x, y);
  return independent_law(mean, second.scaled(log_square) - SignedLog{mean.sign * mean.sign, 2 * mean.log}, m);
}

}  // namespace bochner
