#pragma once

#include "estimators/feature_family.h"

#include <memory>
#include <string>

namespace bochner {

/// f: R -> R, or log f where f is positive, applied to every entry of an array. A user's own derives from it.
class ElementwiseFunction {
 public:
  virtual ~ElementwiseFunction() = default;

  virtual std::string name() const = 0;
  /// kValues: evaluate() gives f. kExponents: log f, finite for every finite argument.
  virtual Form form() const { return Form::kValues; }
  /// U <- f(U) or log f(U), (n, m).
  virtual void evaluate(MutableMatrixView<float> U) const = 0;
  virtual void evaluate(MutableMatrixView<double> U) const = 0;

  /// Whether differentiate() exists.
  virtual bool differentiable() const = 0;
  /// U <- f'(U) or (log f)'(U), (n, m). Called only where differentiable() is true.
  virtual void differentiate(MutableMatrixView<float> U) const = 0;
  virtual void differentiate(MutableMatrixView<double> U) const = 0;

 protected:
  ElementwiseFunction() = default;
  ElementwiseFunction(const ElementwiseFunction&) = default;
  ElementwiseFunction& operator=(const ElementwiseFunction&) = default;
};

/// One of elementwise_functions.h as an ElementwiseFunction.
template <class F>
class BuiltInFunction final : public ElementwiseFunction {
 public:
  std::string name() const override { return F::kName; }
  Form form() const override { return F::kForm; }
  void evaluate(MutableMatrixView<float> U) const override { evaluate_of<float>(U); }
  void evaluate(MutableMatrixView<double> U) const override { evaluate_of<double>(U); }
  bool differentiable() const override { return true; }
  void differentiate(MutableMatrixView<float> U) const override { differentiate_of<float>(U); }
  void differentiate(MutableMatrixView<double> U) const override { differentiate_of<double>(U); }

 private:
  template <class Scalar>
  void evaluate_of(MutableMatrixView<Scalar>& U) const {
    U = U.unaryExpr([](Scalar u) { return F::value(u); });
  }
  template <class Scalar>
  void differentiate_of(MutableMatrixView<Scalar>& U) const {
    U = U.unaryExpr([](Scalar u) { return F::slope(u); });
  }
};

/// phi(x) = m^(-1/2) (f(w_1.x) + epsilon, ..., f(w_m.x) + epsilon), p = m: generalized attention
/// [Choromanski21, eq. 5 with h = 1].
///
/// epsilon >= 0 is the kernel epsilon, inside m^(-1/2), so that m^(-1/2) cancels in renormalised attention whatever
/// epsilon is; without renormalisation phi(x).phi(y) is a mean over the frequencies and has a limit in m. The kernel of
/// the estimator gives the law and the bandwidth of the frequencies and nothing else: no f but by chance makes
/// phi(x).phi(y) an unbiased estimate of it, so there is no law.
///
/// Positive f are held as exponents. The others are values, a row with entries above 2^(e/4) or all below 2^(-e/4),
/// where e is the largest exponent of the scalar type, with its power of two in the log-scale: so no product of two
/// rows overflows or vanishes, and all is right as long as W x itself is finite. Differentiable where f is; f is
/// evaluated again for it. Cost: O(n m d) and n m values of f.
class ElementwiseFeatures final : public FeatureFamily {
 public:
  /// Throws std::invalid_argument if the function is null, std::domain_error unless epsilon is finite and at least 0.
  explicit ElementwiseFeatures(std::shared_ptr<const ElementwiseFunction> function, double epsilon = 0);

  std::string name() const override { return function_->name(); }
  Parameters parameters() const override { return {{"epsilon", epsilon_}}; }
  std::shared_ptr<const FeatureMap> make(const Kernel& kernel,
                                         std::shared_ptr<const Projection> projection) const override;
  Index features(Index m) const override { return m; }

 private:
  std::shared_ptr<const ElementwiseFunction> function_;
  double epsilon_;
};

}  // namespace bochner
