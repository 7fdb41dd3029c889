#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/input_range.h"

#include <memory>
#include <string>

namespace bochner {

/// Which side of K(x, y) a row stands on; symmetric maps ignore it.
enum class Side { kQuery, kKey };

/// What a tile holds: the logarithms of positive features, or features in a safe range.
enum class Form { kExponents, kValues };

/// phi: R^d -> R^p with K^(x, y) = phi(x).phi(y). Drawn once, then immutable. This is the plug-in interface.
///
/// The unit of work is a tile: a block of rows, small enough to stay in cache, with its output memory given.
/// A tile never overflows, because the magnitude of a row is carried by its log-scale:
///
///   kExponents:  phi(x_i)_l = exp(features(i, l) + log_scale(i))     (log phi = u - h)
///   kValues:     phi(x_i)_l = features(i, l) * exp(log_scale(i)),    features bounded by about 1 or by the data
///
/// transform, gram, paired estimates and attention all go through tile().
class FeatureMap {
 public:
  virtual ~FeatureMap() = default;

  virtual Index dim() const = 0;       ///< d, columns of the input
  virtual Index features() const = 0;  ///< p, columns of the output
  virtual Form form() const = 0;
  virtual bool symmetric() const { return true; }
  /// The entries that rows may have.
  virtual InputRange input_range() const { return {}; }
  /// The frequencies W (m, d), with 1/bandwidth, without d^(-1/4). Throws std::invalid_argument, as it does by default,
  /// for a map that is made of other random numbers.
  virtual Matrix<double> frequencies() const;
  virtual std::string describe() const = 0;

  /// X (n, d) -> features (n, p), log_scale (n). Rows are independent of one another. Input is finite, in the range and
  /// of the right shape: callers have checked it. Cost of a dense projection: O(n m d).
  virtual void tile(const MatrixView<float>& X, Side side, MutableMatrixView<float> features,
                    MutableVectorView<float> log_scale) const = 0;
  virtual void tile(const MatrixView<double>& X, Side side, MutableMatrixView<double> features,
                    MutableVectorView<double> log_scale) const = 0;

  /// The products phi(x_i)_l phi(y_i)_l of rows in pairs, X as queries and Y as keys, in the form of tile(). Shapes and
  /// input as there. Computed from the tiles of both, unless the family knows a shorter way.
  virtual void pair_tile(const MatrixView<float>& X, const MatrixView<float>& Y, MutableMatrixView<float> features,
                         MutableVectorView<float> log_scale) const;
  virtual void pair_tile(const MatrixView<double>& X, const MatrixView<double>& Y, MutableMatrixView<double> features,
                         MutableVectorView<double> log_scale) const;

  /// Whether vjp() exists.
  virtual bool differentiable() const { return false; }
  /// The chain rule through tile(): from the gradients of a number with respect to features (n, p) and log_scale (n),
  /// as tile(X) wrote them, to that with respect to X, d_X (n, d), which is overwritten. d_features is scratch
  /// afterwards. Throws std::invalid_argument where differentiable() is false. Cost of a dense projection: O(n m d).
  virtual void vjp(const MatrixView<float>& X, Side side, const MatrixView<float>& features,
                   MutableMatrixView<float> d_features, const VectorView<float>& d_log_scale,
                   MutableMatrixView<float> d_X) const;
  virtual void vjp(const MatrixView<double>& X, Side side, const MatrixView<double>& features,
                   MutableMatrixView<double> d_features, const VectorView<double>& d_log_scale,
                   MutableMatrixView<double> d_X) const;

 protected:
  FeatureMap() = default;
  FeatureMap(const FeatureMap&) = default;
  FeatureMap& operator=(const FeatureMap&) = default;
};

/// Rows of a tile such that features and inputs stay in a level-two cache.
Index tile_rows(const FeatureMap& map);

/// phi(X), (n, p); what Scalar cannot hold becomes 0 or infinity.
/// Throws std::invalid_argument on a shape, std::domain_error on NaN or infinity in X and entries outside its range.
template <class Scalar>
Matrix<Scalar> transform(const FeatureMap& map, const MatrixView<Scalar>& X, Side side = Side::kQuery,
                         const Execution& execution = {});
/// The same into memory that the caller has, Z (n, p).
template <class Scalar>
void transform(const FeatureMap& map, const MatrixView<Scalar>& X, MutableMatrixView<Scalar> Z, Side side,
               const Execution& execution);

/// The chain rule through transform(): from d_Z (n, p), the gradient of a number with respect to phi(X), that with
/// respect to X, (n, d). Throws as transform does, for d_Z too, and as vjp() does. Cost: twice to three times
/// transform.
template <class Scalar>
Matrix<Scalar> transform_vjp(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& d_Z,
                             Side side = Side::kQuery, const Execution& execution = {});

/// phi(X) as values * exp(log_scale): values (n, p) with largest magnitude 1 in a row of kExponents maps.
template <class Scalar>
struct ScaledFeatures {
  Matrix<Scalar> values;
  Vector<Scalar> log_scale;
};
template <class Scalar>
ScaledFeatures<Scalar> transform_scaled(const FeatureMap& map, const MatrixView<Scalar>& X, Side side = Side::kQuery,
                                        const Execution& execution = {});

/// phi(X_i).phi(Y_j), (n, k), X as queries and Y as keys. Where the product of two scaled rows underflows it is
/// summed again as a log-sum-exp, so a representable estimate is never lost.
template <class Scalar>
Matrix<Scalar> gram(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y,
                    const Execution& execution = {});

/// phi(X_i).phi(Y_i), (n), by pair_tile(): one exponential a feature, not two, for kExponents maps.
template <class Scalar>
Vector<Scalar> paired(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y);

namespace detail {

/// paired() of inputs that were checked before, such as those of a trial loop.
template <class Scalar>
Vector<Scalar> paired(const FeatureMap& map, const MatrixView<Scalar>& X, const MatrixView<Scalar>& Y);

}  // namespace detail

}  // namespace bochner
