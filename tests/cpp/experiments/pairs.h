#pragma once

#include "core/types.h"
#include "estimators/estimator.h"
#include "estimators/registry.h"

#include <cmath>
#include <string>
#include <utility>
#include <vector>

namespace bochner {

/// Points X, Y (n, d) in pairs with |x + y|^2 = v for each v, and, where d > 1, |x - y|^2 = w.
struct Pairs {
  Matrix<double> X, Y;
};

inline Pairs pairs_with(Index dim, const std::vector<double>& v, double w = 0.5) {
  const auto n = static_cast<Index>(v.size());
  Pairs pairs{Matrix<double>::Zero(n, dim), Matrix<double>::Zero(n, dim)};
  for (Index i = 0; i < n; ++i) {
    // Not along an axis: a fault that is tied to coordinates must show.
    const double half_sum = std::sqrt(v[static_cast<std::size_t>(i)] / static_cast<double>(dim)) / 2;
    pairs.X.row(i).setConstant(half_sum);
    pairs.Y.row(i).setConstant(half_sum);
    if (dim == 1) continue;
    const double half_difference = std::sqrt(w / 2) / 2;
    for (const auto& [column, sign] : {std::pair{Index{0}, 1.0}, std::pair{dim - 1, -1.0}}) {
      pairs.X(i, column) += sign * half_difference;
      pairs.Y(i, column) -= sign * half_difference;
    }
  }
  return pairs;
}

inline Estimator estimator_of(const std::string& features, const std::string& coupling,
                              const std::string& kernel = "softmax", const std::string& radial = "") {
  return Estimator(make_kernel(kernel), make_features(features), make_coupling(coupling),
                   radial.empty() ? nullptr : make_radial_law(radial));
}

/// The message of the Error that the call throws; empty when it throws none.
template <class Error, class Call>
std::string message_of(const Call& call) {
  try {
    call();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

/// For EXPECT_PRED2, which prints both.
inline bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace bochner
