#pragma once

#include "estimators/feature_family.h"

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bochner {

/// What data say of the exponents of exponential features: moments of the scaled rows x' (queries) and y' (keys).
struct SideMoments {
  Matrix<double> query_squares, key_squares;  ///< mean of x' x'^T and of y' y'^T, (d, d)
  Vector<double> query_mean, key_mean;        ///< mean of x' and of y', (d)
};

/// The exponents of a member of the families below: a_j for j = 1..d, or one a for all, and T, where the features are
/// made of x'' = T x' for queries and y'' = T^-T y' for keys, so that x''.y'' = x'.y'. T is (d, d), the diagonal of
/// one as (1, d), or (0, 0) for the identity.
struct Exponents {
  Vector<double> a = Vector<double>::Zero(1);
  Matrix<double> T;
};

/// Positive features whose exponent has all terms of second order in frequency and point
/// [Likhosherstov22; Likhosherstov23; Bochner, 2]: for Gaussian w, side k (0 queries, 1 keys),
/// A = diag(a_1, ..., a_d) < 1/4,
///
///   phi(x)_l = m^(-1/2) D exp(w_l^T A w_l + w_l.(B_k x') + x'^T C_k x'),   p = m,
///   D = det(1 - 4A)^(1/4),   B_k = (1 - 4A)^(1/2) T_k,   C_k = -T_k^T T_k / 2,   T_0 = T,   T_1 = T^-T.
///
/// The mean is exp(x'.y') for any A and T; the variance is finite where all a_j < 1/8, and A = 0, T = 1 is `positive`.
/// The weight exp(w^T A w) of A < 0 takes from long frequencies what exp(w.x) gives them: features are bounded, and the
/// variance at points far from 0 is smaller by orders of magnitude. The families below differ in what they choose from
/// data. All minimise the mean, over the pairs of queries and keys, of log E (phi(x)_1 phi(y)_1)^2, whose minimum over
/// A at given T is closed: with f = mean_j phi_j for one a, or f = phi_j for each, phi_j the mean of (x'' + y'')_j^2,
///
///   1 - 8a = ((1 + 2f) + sqrt((1 + 2f)^2 + 8f)) / 2                           [Bochner, 1].
///
/// The law is that of laws/dense_exponential.h. Frequencies must be Gaussian, since with others the mean is another.
/// Errors: those of an exponential of the size of its largest term. Cost of a map: O(n m d), that of a structured
/// projection where T is diagonal and one a serves all; of fitting: O(n d^2 + d^3).
class DenseExponentialFeatures : public FeatureFamily {
 public:
  void require_compatible(const Kernel& kernel, const Coupling& coupling) const final;
  void require_frequencies(const Kernel& kernel, const FrequencyLaw& law) const final;
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const final;
  Index features(Index m) const final { return m; }
  bool fitted() const final { return exponents_.has_value(); }
  std::optional<Index> fitted_dim() const final;
  /// Weights of norms, where some a_j is not 0.
  std::vector<Trait> traits(const Kernel& kernel) const final;
  /// {"A": (1, 1) or (1, d), "T": (d, d) or (1, d)}, where they are no parameters of the name.
  Fitted fitted_parameters() const final;
  std::shared_ptr<const FeatureFamily> with_fitted(const Fitted& parameters) const final;
  std::shared_ptr<const FeatureFamily> fit(const Kernel& kernel, const MatrixView<double>& X,
                                           const MatrixView<double>& Y) const final;
  std::optional<Law> law(const Kernel& kernel, const FrequencyLaw* frequencies, const Coupling& coupling, Index m,
                         std::span<const double> x, std::span<const double> y) const final;
  /// The means of the normal densities that X(w) and X(w)^2 are proportional to, where all a_j <= 0: their variances
  /// are then at most 1. For others none, since these tails are wider than those of any shift.
  std::vector<Vector<double>> tail_shifts(const Kernel& kernel, std::span<const double> x,
                                          std::span<const double> y) const final;

 protected:
  DenseExponentialFeatures() = default;
  /// Throws std::domain_error unless every a_j is finite and below 1/4 and T is finite and invertible,
  /// std::invalid_argument where their shapes differ.
  explicit DenseExponentialFeatures(Exponents exponents);

  const Exponents& exponents() const { return *exponents_; }
  /// The member of this family with these exponents.
  virtual std::shared_ptr<const FeatureFamily> with(Exponents exponents) const = 0;
  /// T, the best for the data; (0, 0) for the identity.
  virtual Matrix<double> best_transform(const SideMoments& moments) const = 0;
  /// Whether T is another matrix than 1, so that arrays say what was fitted.
  virtual bool transforms() const { return true; }
  /// Whether one a serves all coordinates of x''.
  virtual bool one_a() const { return true; }

 private:
  const Exponents& require_fitted(const char* function, const Kernel& kernel, Index dim) const;

  std::optional<Exponents> exponents_;
  Matrix<double> of_keys_;  // T^-T
};

/// `gerf`, generalized exponential random features: T = 1 and one A, a parameter; fitting chooses the optimal one
/// [Likhosherstov22]. With orthogonal frequencies this is FAVOR++.
class GerfFeatures final : public DenseExponentialFeatures {
 public:
  /// Throws std::domain_error unless A is finite and below 1/4.
  explicit GerfFeatures(double A = 0);
  std::string name() const override { return "gerf"; }
  Parameters parameters() const override { return {{"A", exponents().a(0)}}; }

 protected:
  std::shared_ptr<const FeatureFamily> with(Exponents exponents) const override;
  Matrix<double> best_transform(const SideMoments&) const override { return {}; }
  bool transforms() const override { return false; }
};

/// `saderf`, symmetric asymmetric dense exponential features: T diagonal, T_jj = (E y'_j^2 / E x'_j^2)^(1/4), so that
/// queries and keys have equal squares in every coordinate; one A [Likhosherstov23; Bochner, 2].
class SaderfFeatures final : public DenseExponentialFeatures {
 public:
  SaderfFeatures() = default;
  explicit SaderfFeatures(Exponents exponents) : DenseExponentialFeatures(std::move(exponents)) {}
  std::string name() const override { return "saderf"; }

 protected:
  std::shared_ptr<const FeatureFamily> with(Exponents exponents) const override;
  Matrix<double> best_transform(const SideMoments& moments) const override;
};

/// `aderf`, asymmetric dense exponential features: T^T T is the optimal transport map from N(0, E x' x'^T) to
/// N(0, E y' y'^T), so that E x'' x''^T = E y'' y''^T is diagonal; one A [Likhosherstov23; Bochner, 2]. The best of all
/// T with one A.
class AderfFeatures final : public DenseExponentialFeatures {
 public:
  AderfFeatures() = default;
  explicit AderfFeatures(Exponents exponents) : DenseExponentialFeatures(std::move(exponents)) {}
  std::string name() const override { return "aderf"; }

 protected:
  std::shared_ptr<const FeatureFamily> with(Exponents exponents) const override;
  Matrix<double> best_transform(const SideMoments& moments) const override;
};

/// `sderf`, symmetric dense exponential features: T is the orthogonal matrix of the principal axes of x' + y', over all
/// pairs, and each has an a of its own [Likhosherstov23; Bochner, 2]. The best of all symmetric ones. With orthogonal
/// frequencies, FAVOR#, they are unbiased, but no law is known.
class SderfFeatures final : public DenseExponentialFeatures {
 public:
  SderfFeatures() = default;
  explicit SderfFeatures(Exponents exponents) : DenseExponentialFeatures(std::move(exponents)) {}
  std::string name() const override { return "sderf"; }

 protected:
  std::shared_ptr<const FeatureFamily> with(Exponents exponents) const override;
  Matrix<double> best_transform(const SideMoments& moments) const override;
  bool one_a() const override { return false; }
};

}  // namespace bochner
