#include "estimators/component.h"

#include <array>
#include <charconv>

namespace bochner {

std::string component_number(double value) {
  std::array<char, 32> text{};
  const auto end = std::to_chars(text.data(), text.data() + text.size(), value).ptr;
  return {text.data(), end};
}

std::string listed_numbers(const std::vector<double>& values) {
  std::string text;
  for (const double value : values) text += (text.empty() ? "[" : ", ") + component_number(value);
  return text + "]";
}

std::string Component::describe() const {
  const Parameters named = parameters();
  if (named.empty()) return name();
  std::string text = name();
  const char* separator = "(";
  for (const auto& [key, value] : named) {
    text += separator + key + "=" + component_number(value);
    separator = ", ";
  }
  return text + ")";
}

}  // namespace bochner
