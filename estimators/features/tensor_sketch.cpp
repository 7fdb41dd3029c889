#include "estimators/features/tensor_sketch.h"

#include "estimators/features/row_exponent.h"
#include "estimators/kernels/polynomial.h"
#include "estimators/laws/products.h"

#include <unsupported/Eigen/FFT>

#include <cmath>
#include <complex>
#include <numbers>
#include <utility>

namespace bochner {
namespace {

/// Where the coordinates of z = (x, sqrt(c)) go in each count sketch, and with which sign.
struct Hashes {
  Eigen::Matrix<Index, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> buckets;  // (degree, d + 1)
  Matrix<double> signs;                                                           // (degree, d + 1)
};

class TensorSketchMap final : public FeatureMap {
 public:
  TensorSketchMap(Hashes hashes, const MultipleOf<PolynomialKernel>& of, Index m, std::string description)
      : hashes_(std::move(hashes)),
        root_(std::sqrt(of.kernel.c())),
        log_weight_(std::log(of.amplitude) / 2),
        m_(m),
        description_(std::move(description)) {}

  Index dim() const override { return hashes_.buckets.cols() - 1; }
  Index features() const override { return m_; }
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
  template <class Scalar>
  void tile_of(const MatrixView<Scalar>& X, MutableMatrixView<Scalar>& features,
               MutableVectorView<Scalar>& log_scale) const {
    // Plans of the transform are kept in the object, which threads must not share.
    Eigen::FFT<Scalar> transform;
    const Index degree = hashes_.buckets.rows();
    Vector<Scalar> z(X.cols() + 1), sketch(m_);
    Vector<std::complex<Scalar>> spectrum(m_), product(m_);
    for (Index i = 0; i < X.rows(); ++i) {
      z << X.row(i).transpose(), static_cast<Scalar>(root_);
      const int exponent = row_exponent(z, degree);
      divide_by_power(Eigen::Ref<Vector<Scalar>>(z), exponent);
      for (Index k = 0; k < degree; ++k) {
        sketch.setZero();
        for (Index j = 0; j < z.size(); ++j) {
          sketch(hashes_.buckets(k, j)) += static_cast<Scalar>(hashes_.signs(k, j)) * z(j);
        }
        transform.fwd(spectrum, sketch);
        if (k == 0) {
          product = spectrum;
        } else {
          product.array() *= spectrum.array();
        }
      }
      transform.inv(sketch, product);
      features.row(i) = sketch.transpose();
      log_scale(i) = static_cast<Scalar>(log_weight_) +
                     static_cast<Scalar>(degree) * static_cast<Scalar>(exponent) * std::numbers::ln2_v<Scalar>;
    }
  }

  Hashes hashes_;
  double root_;
  double log_weight_;
  Index m_;
  std::string description_;
};

}  // namespace

void TensorSketchFeatures::require_compatible(const Kernel& kernel, const Coupling& coupling) const {
  require_multiple_of<PolynomialKernel>(kernel, *this);
  FeatureFamily::require_compatible(kernel, coupling);
}

std::shared_ptr<const FeatureMap> TensorSketchFeatures::draw(const Kernel& kernel, const FrequencyLaw*, const Coupling&,
                                                             Index m, Index dim, const Stream& stream) const {
  const auto of = require_multiple_of<PolynomialKernel>(kernel, *this);
  const Index degree = of.kernel.degree();
  Hashes hashes{{degree, dim + 1}, {degree, dim + 1}};
  Stream buckets = stream.lane(0), signs = stream.lane(1);
  for (Index k = 0; k < hashes.signs.size(); ++k) {
    hashes.buckets.data()[k] = static_cast<Index>(buckets.below(static_cast<std::uint64_t>(m)));
    hashes.signs.data()[k] = (signs.next() & 1) == 0 ? -1 : 1;
  }
  return std::make_shared<TensorSketchMap>(std::move(hashes), of, m, describe_map(kernel, dim, m, m));
}

std::optional<Law> TensorSketchFeatures::law(const Kernel& kernel, const FrequencyLaw*, const Coupling&, Index m,
                                             std::span<const double> x, std::span<const double> y) const {
  const auto [polynomial, amplitude] = require_multiple_of<PolynomialKernel>(kernel, *this);
  const ProductMoments moments = product_moments(x, y, polynomial.c());
  const long double S = moments.square, Q = moments.distinct, R = moments.crossed;
  // Differences of powers as sums of products: with P_p(u) = (S + u)^p - S^p,
  // P_{p+1}(u) = (S + u) P_p(u) + u S^p, and the last bracket B_p = P_p(Q + R) - P_p(Q) - P_p(R) likewise.
  long double power = 1, of_distinct = 0, of_crossed = 0, bracket = 0;
  for (Index p = 0; p < polynomial.degree(); ++p) {
    bracket = (S + Q + R) * bracket + R * of_distinct + Q * of_crossed;
    of_distinct = (S + Q) * of_distinct + Q * power;
    of_crossed = (S + R) * of_crossed + R * power;
    power *= S;
  }
  const auto buckets = static_cast<long double>(m);
  const long double kappa = (m % 2 == 0 ? 2 : 1) / (buckets * buckets);
  const auto variance =
      static_cast<double>(amplitude * amplitude * ((of_distinct + of_crossed) / buckets + kappa * bracket));
  return Law{kernel.value(x, y).value(), variance, 0, variance, {}};
}

}  // namespace bochner
