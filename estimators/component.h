#pragma once

#include <map>
#include <string>
#include <vector>

namespace bochner {

/// Named real parameters of a component, such as {"bandwidth": 2}.
using Parameters = std::map<std::string, double>;

/// The shortest text that reads back as the number.
std::string component_number(double value);
/// "[1, 2.5, 3]".
std::string listed_numbers(const std::vector<double>& values);

/// A part that an estimator is built of: a kernel, a feature family, a coupling or a radial law.
/// Immutable. Its name and parameters rebuild it (see estimators/registry.h), so they are what is compared,
/// printed and stored.
class Component {
 public:
  virtual ~Component() = default;

  /// The registered name, such as "gaussian".
  virtual std::string name() const = 0;
  virtual Parameters parameters() const { return {}; }

  /// name(parameter=value, ...), for people.
  std::string describe() const;

  bool same_as(const Component& other) const { return name() == other.name() && parameters() == other.parameters(); }

 protected:
  Component() = default;
  Component(const Component&) = default;
  Component& operator=(const Component&) = default;
};

}  // namespace bochner
