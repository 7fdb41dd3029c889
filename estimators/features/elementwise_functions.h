#pragma once

#include "estimators/feature_map.h"

#include <cmath>
#include <numbers>

/// The functions f of generalized attention [Choromanski21, eq. 5], for ElementwiseFeatures.
///
/// Each has a name and the form in which it is evaluated. Where f is positive everywhere that is kExponents: `value` is
/// log f(u) and `slope` its derivative, which no finite u overflows and where no feature vanishes. Otherwise `value` is
/// f(u) and `slope` is f'(u), 0 at a kink of relu and abs. NaN stays NaN. Error: a few units in the last place of f,
/// and of log f where that is not small.
namespace bochner::elementwise {

/// max(u, 0).
struct Relu {
  static constexpr const char* kName = "relu";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return u < 0 ? Scalar{0} : u;
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    return u > 0 ? Scalar{1} : Scalar{0};
  }
};

/// e^u.
struct Exp {
  static constexpr const char* kName = "exp";
  static constexpr Form kForm = Form::kExponents;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return u;
  }
  template <class Scalar>
  static Scalar slope(Scalar) {
    return 1;
  }
};

/// 1 / (1 + e^-u).
struct Sigmoid {
  static constexpr const char* kName = "sigmoid";
  static constexpr Form kForm = Form::kExponents;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return (u < 0 ? u : Scalar{0}) - std::log1p(std::exp(-std::abs(u)));
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    return 1 / (1 + std::exp(u));
  }
};

/// |u|.
struct Abs {
  static constexpr const char* kName = "abs";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return std::abs(u);
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    return static_cast<Scalar>(u > 0) - static_cast<Scalar>(u < 0);
  }
};

/// u Phi(u), Phi the standard normal distribution function: by erfc, so that the left tail is relatively exact.
struct Gelu {
  static constexpr const char* kName = "gelu";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar distribution(Scalar u) {
    return std::erfc(-u / std::numbers::sqrt2_v<Scalar>) / 2;
  }
  template <class Scalar>
  static Scalar value(Scalar u) {
    return u * distribution(u);
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    const Scalar density = std::exp(-u * u / 2) * (std::numbers::inv_sqrtpi_v<Scalar> / std::numbers::sqrt2_v<Scalar>);
    return distribution(u) + u * density;
  }
};

/// cos u.
struct Cos {
  static constexpr const char* kName = "cos";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return std::cos(u);
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    return -std::sin(u);
  }
};

/// tanh u.
struct Tanh {
  static constexpr const char* kName = "tanh";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return std::tanh(u);
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    // Not 1 - tanh^2, which cancels.
    const Scalar inverse = 1 / std::cosh(u);
    return inverse * inverse;
  }
};

/// u.
struct Identity {
  static constexpr const char* kName = "identity";
  static constexpr Form kForm = Form::kValues;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return u;
  }
  template <class Scalar>
  static Scalar slope(Scalar) {
    return 1;
  }
};

/// elu(u) + 1: u + 1 for u > 0, e^u otherwise [Katharopoulos20, eq. 7].
struct Elu1 {
  static constexpr const char* kName = "elu1";
  static constexpr Form kForm = Form::kExponents;
  template <class Scalar>
  static Scalar value(Scalar u) {
    return u > 0 ? std::log1p(u) : u;
  }
  template <class Scalar>
  static Scalar slope(Scalar u) {
    return u > 0 ? 1 / (1 + u) : Scalar{1};
  }
};

}  // namespace bochner::elementwise
