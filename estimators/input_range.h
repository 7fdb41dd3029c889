#pragma once

#include "core/types.h"

#include <limits>
#include <string_view>

namespace bochner {

/// The entries that points may have: every finite number by default.
struct InputRange {
  double low = -std::numeric_limits<double>::infinity();
  bool low_belongs = true;  ///< Whether `low` itself is allowed.

  bool contains(double value) const { return low_belongs ? value >= low : value > low; }
};

/// "gram: X[0, 1] is -1; expected values of at least 0": every entry of X (n, d) is in the range.
/// Throws std::domain_error that names the first one that is not, in row order. Cost: one pass over X, nothing for the
/// range of all numbers.
template <class Scalar>
void require_in_range(const InputRange& range, const MatrixView<Scalar>& X, std::string_view function,
                      std::string_view parameter);

extern template void require_in_range(const InputRange&, const MatrixView<float>&, std::string_view, std::string_view);
extern template void require_in_range(const InputRange&, const MatrixView<double>&, std::string_view, std::string_view);

}  // namespace bochner
