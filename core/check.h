#pragma once

#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "core/simd/functions.h"
#include "core/types.h"

namespace bochner {

namespace detail {

/// Throws the std::domain_error of `require_finite`; column < 0 means that the parameter is a vector.
[[noreturn]] void throw_not_finite(std::string_view function, std::string_view parameter, Index row, Index column,
                                   double value);
/// Throws the std::invalid_argument of `require_same_shape`.
[[noreturn]] void throw_shapes_differ(std::string_view function, std::string_view parameter, Index rows, Index columns,
                                      std::string_view other_parameter, Index other_rows, Index other_columns);

/// Whether every entry is finite. Unlike Eigen's allFinite this runs on vectors.
template <class Derived>
bool all_finite(const Eigen::DenseBase<Derived>& values) {
  using Scalar = typename Derived::Scalar;
  if constexpr (Derived::IsRowMajor && (Derived::Flags & Eigen::DirectAccessBit) != 0) {
    return simd::all_finite<Scalar>(values.derived());
  } else {
    return (values.derived().array() * Scalar{0}).sum() == Scalar{0};
  }
}

}  // namespace detail

// Checks of the arguments of public functions, so that every message says the same things in the same words: the
// function, the parameter, what was got and what was expected. Shapes and sizes throw std::invalid_argument, values
// std::domain_error. Cost: one pass over the values for `require_finite`, nothing for the others.

/// Every entry is finite: "transform: X[3, 1] is nan; expected finite values". Names the first offender in row order.
template <class Derived>
void require_finite(const Eigen::DenseBase<Derived>& values, std::string_view function, std::string_view parameter) {
  if (detail::all_finite(values)) return;
  for (Index row = 0; row < values.rows(); ++row) {
    for (Index column = 0; column < values.cols(); ++column) {
      const auto value = static_cast<double>(values.derived()(row, column));
      if (value - value == 0) continue;
      if constexpr (Derived::IsVectorAtCompileTime) {
        detail::throw_not_finite(function, parameter, row + column, -1, value);
      } else {
        detail::throw_not_finite(function, parameter, row, column, value);
      }
    }
  }
}

/// "gaussian: bandwidth is -1; expected a finite positive number".
void require_positive(double value, std::string_view function, std::string_view parameter);

/// "log_kummer: v is -1; expected a finite number of at least 0".
void require_nonnegative(double value, std::string_view function, std::string_view parameter);

/// "kummer: u is nan; expected a finite number".
void require_finite(double value, std::string_view function, std::string_view parameter);

/// The value as an integer; "polynomial: degree is 2.5; expected an integer from 1 to 100" where it is none.
Index require_integer(double value, Index low, Index high, std::string_view function, std::string_view parameter);

/// "draw: m is 0; expected at least 1".
void require_at_least(Index value, Index minimum, std::string_view function, std::string_view parameter);

/// "transform: X has no rows; expected at least 1".
void require_rows(Index rows, std::string_view function, std::string_view parameter);

/// "transform: X has 5 columns; expected 3".
void require_columns(Index columns, Index expected, std::string_view function, std::string_view parameter);

/// "matern: bandwidth has 3 entries; expected 1 or 2, as many as there are columns".
void require_scales(std::size_t count, Index dim, std::string_view function, std::string_view parameter);

/// "law: X has shape (2, 3) and Y has shape (4, 3); expected equal shapes".
template <class Derived, class OtherDerived>
void require_same_shape(const Eigen::DenseBase<Derived>& values, const Eigen::DenseBase<OtherDerived>& others,
                        std::string_view function, std::string_view parameter, std::string_view other_parameter) {
  if (values.rows() == others.rows() && values.cols() == others.cols()) return;
  detail::throw_shapes_differ(function, parameter, values.rows(), values.cols(), other_parameter, others.rows(),
                              others.cols());
}

/// What every function of points (n, d) asks of them: at least one row, at least one column, finite entries.
template <class Derived>
void require_points(const Eigen::DenseBase<Derived>& values, std::string_view function, std::string_view parameter) {
  require_rows(values.rows(), function, parameter);
  require_at_least(values.cols(), 1, function, std::string(parameter) + ".columns");
  require_finite(values, function, parameter);
}

/// The known name with the smallest edit distance to `name`, the first of equals, or an empty string when none is
/// close (more than a third of its letters, and more than one, would have to change).
std::string nearest_name(std::string_view name, std::span<const std::string> known);

/// The exception to throw for a name that is not known:
/// "unknown coupling 'orthogonl'; did you mean 'orthogonal'? known: iid, orthogonal".
std::invalid_argument unknown_name(std::string_view kind, std::string_view name, std::span<const std::string> known);

}  // namespace bochner
