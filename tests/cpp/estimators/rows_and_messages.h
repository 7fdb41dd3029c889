#pragma once

#include "core/types.h"

#include <cstddef>
#include <exception>
#include <span>
#include <string>

namespace bochner {

inline std::span<const double> row_of(const Matrix<double>& X, Index i) {
  return {X.row(i).data(), static_cast<std::size_t>(X.cols())};
}

/// What the exception says that the call throws.
template <class Call>
std::string message(const Call& call) {
  try {
    call();
  } catch (const std::exception& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace bochner
