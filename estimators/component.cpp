#include "estimators/component.h"

#include <sstream>

namespace bochner {

std::string Component::describe() const {
  const Parameters named = parameters();
  if (named.empty()) return name();
  std::ostringstream text;
  text << name();
  const char* separator = "(";
  for (const auto& [key, value] : named) {
    text << separator << key << "=" << value;
    separator = ", ";
  }
  text << ")";
  return text.str();
}

}  // namespace bochner
