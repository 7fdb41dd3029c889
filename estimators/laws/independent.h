#pragma once

#include "core/signed_log.h"
#include "core/types.h"
#include "estimators/coupling.h"
#include "estimators/law.h"

namespace bochner {

/// Whether all m frequencies of the coupling are independent of one another.
bool independent(const Coupling& coupling, Index m, Index dim);

/// The law of a mean of m independent unbiased estimates that have this mean and variance each.
Law independent_law(const SignedLog& mean, const SignedLog& variance, Index m);

}  // namespace bochner
