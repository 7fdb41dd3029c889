#include "estimators/component.h"

#include <sstream>

namespace bochner {

std::string Component::describe() const {
  std::ostringstream text;
  text << name();
  const char* separator = "(";
  for (const auto& [key, value] : parameters()) {
    text << separator << key << "=" << value;
    separator = ", ";
  }
  if (!parameters().empty()) text << ")";
  return text.str();
}

}  // namespace bochner
