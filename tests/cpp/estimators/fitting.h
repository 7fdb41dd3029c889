#pragma once

#include "estimators/estimator.h"
#include "estimators/registry.h"

#include <optional>
#include <stdexcept>
#include <string>

namespace bochner {

/// The estimator of registered parts, for walks over all of them; none where they do not fit.
inline std::optional<Estimator> fitting(const std::string& kernel, const std::string& features,
                                        const std::string& coupling, const std::string& radial = {}) {
  try {
    return Estimator(make_kernel(kernel), make_features(features), make_coupling(coupling),
                     radial.empty() ? nullptr : make_radial_law(radial));
  } catch (const std::invalid_argument&) {
    return std::nullopt;
  }
}

/// The same where its law is that of one frequency's function (estimators/laws/one_frequency.h).
inline std::optional<Estimator> fitting_one_frequency(const std::string& kernel, const std::string& features,
                                                      const std::string& coupling, const std::string& radial = {}) {
  auto estimator = fitting(kernel, features, coupling, radial);
  if (estimator && !estimator->features().one_frequency(estimator->kernel())) return std::nullopt;
  return estimator;
}

}  // namespace bochner
