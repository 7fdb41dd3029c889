#pragma once

#include "core/parallel.h"
#include "core/types.h"
#include "estimators/estimator.h"

#include <span>
#include <vector>

namespace bochner {

/// The exact mean squared error of a Gram matrix: the mean of Estimator::law(X_i, X_j, m).mse over all ordered pairs, i
/// = j too, for each m.
///
/// X (n, d) -> (|m|), bit-identical for any number of threads. Throws NoLawError where none is known,
/// std::invalid_argument on sizes, std::domain_error on NaN or infinity in X, Interrupted.
/// Cost: Estimator::laws for n (n + 1) / 2 pairs with a symmetric map, n^2 with any other.
std::vector<double> gram_law_mse(const Estimator& estimator, const MatrixView<double>& X, std::span<const Index> m,
                                 const Execution& execution = {});

}  // namespace bochner
