#pragma once

#include "estimators/coupling.h"
#include "estimators/feature_family.h"
#include "estimators/kernel.h"
#include "estimators/radial_law.h"

#include <memory>
#include <string>
#include <vector>

namespace bochner {

/// What a name stands for: how to make the component, its parameters with their defaults, and a line for people.
template <class Part>
struct Registered {
  std::string name;
  Parameters defaults;
  std::string summary;
  std::shared_ptr<const Part> (*make)(const Parameters&);
};

/// The components that this library brings, in the order in which they are listed. A new one is its file and its line
/// in registry.cpp.
const std::vector<Registered<Kernel>>& registered_kernels();
const std::vector<Registered<FeatureFamily>>& registered_features();
const std::vector<Registered<Coupling>>& registered_couplings();
const std::vector<Registered<RadialLaw>>& registered_radial_laws();

/// The component of that name; parameters that are not given have their defaults.
/// Throws std::invalid_argument for an unknown name or parameter, with near matches, and whatever the component throws
/// for a bad value.
std::shared_ptr<const Kernel> make_kernel(const std::string& name, const Parameters& parameters = {});
std::shared_ptr<const FeatureFamily> make_features(const std::string& name, const Parameters& parameters = {});
std::shared_ptr<const Coupling> make_coupling(const std::string& name, const Parameters& parameters = {});
std::shared_ptr<const RadialLaw> make_radial_law(const std::string& name, const Parameters& parameters = {});

/// The coupling of one who names none: `orthogonal` where the features have maps with it for the kernel, else `iid`.
std::shared_ptr<const Coupling> default_coupling(const Kernel& kernel, const FeatureFamily& features);

}  // namespace bochner
