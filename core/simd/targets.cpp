#include "core/simd/targets.h"

#include <hwy/targets.h>

#include <algorithm>
#include <stdexcept>

namespace bochner::simd {

std::vector<std::string> supported_targets() {
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

TargetOverride::TargetOverride(const std::string& name) {
  const std::vector<std::int64_t> targets = hwy::SupportedAndGeneratedTargets();
  const auto found = std::find_if(targets.begin(), targets.end(),
                                  [&](std::int64_t target) { return hwy::TargetName(target) == name; });
  if (found == targets.end()) {
    throw std::invalid_argument("TargetOverride: name is \"" + name + "\", expected one of supported_targets()");
  }
  hwy::SetSupportedTargetsForTest(*found);
}

TargetOverride::~TargetOverride() { hwy::SetSupportedTargetsForTest(0); }

}  // namespace bochner::simd
