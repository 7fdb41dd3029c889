#include "core/check.h"

#include <algorithm>
#include <cmath>
#include <locale>
#include <numeric>
#include <sstream>
#include <vector>

namespace bochner {

namespace {

template <class... Parts>
std::string text(const Parts&... parts) {
  std::ostringstream stream;
  stream.imbue(std::locale::classic());
  (stream << ... << parts);
  return stream.str();
}

// Without the sign that a NaN may carry.
std::string number_text(double value) { return std::isnan(value) ? "nan" : text(value); }

// Levenshtein's: the least number of letters put in, left out or replaced. One row of the table at a time.
std::size_t edit_distance(std::string_view from, std::string_view to) {
  std::vector<std::size_t> row(to.size() + 1);
  std::iota(row.begin(), row.end(), std::size_t{0});
  for (std::size_t i = 0; i < from.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j < to.size(); ++j) {
      const std::size_t replaced = diagonal + (from[i] == to[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, diagonal + 1});
    }
  }
  return row.back();
}

}  // namespace

namespace detail {

void throw_not_finite(std::string_view function, std::string_view parameter, Index row, Index column, double value) {
  const std::string place = column < 0 ? text(row) : text(row, ", ", column);
  throw std::domain_error(
      text(function, ": ", parameter, "[", place, "] is ", number_text(value), "; expected finite values"));
}

void throw_shapes_differ(std::string_view function, std::string_view parameter, Index rows, Index columns,
                         std::string_view other_parameter, Index other_rows, Index other_columns) {
  throw std::invalid_argument(text(function, ": ", parameter, " has shape (", rows, ", ", columns, ") and ",
                                   other_parameter, " has shape (", other_rows, ", ", other_columns,
                                   "); expected equal shapes"));
}

}  // namespace detail

void require_positive(double value, std::string_view function, std::string_view parameter) {
  if (value > 0 && std::isfinite(value)) return;
  throw std::domain_error(
      text(function, ": ", parameter, " is ", number_text(value), "; expected a finite positive number"));
}

void require_nonnegative(double value, std::string_view function, std::string_view parameter) {
  if (value >= 0 && std::isfinite(value)) return;
  throw std::domain_error(
      text(function, ": ", parameter, " is ", number_text(value), "; expected a finite number of at least 0"));
}

void require_finite(double value, std::string_view function, std::string_view parameter) {
  if (std::isfinite(value)) return;
  throw std::domain_error(text(function, ": ", parameter, " is ", number_text(value), "; expected a finite number"));
}

Index require_integer(double value, Index low, Index high, std::string_view function, std::string_view parameter) {
  if (value >= static_cast<double>(low) && value <= static_cast<double>(high) && std::floor(value) == value) {
    return static_cast<Index>(value);
  }
  throw std::domain_error(
      text(function, ": ", parameter, " is ", number_text(value), "; expected an integer from ", low, " to ", high));
}

void require_at_least(Index value, Index minimum, std::string_view function, std::string_view parameter) {
  if (value >= minimum) return;
  throw std::invalid_argument(text(function, ": ", parameter, " is ", value, "; expected at least ", minimum));
}

void require_rows(Index rows, std::string_view function, std::string_view parameter) {
  if (rows > 0) return;
  throw std::invalid_argument(text(function, ": ", parameter, " has no rows; expected at least 1"));
}

void require_scales(std::size_t count, Index dim, std::string_view function, std::string_view parameter) {
  if (count == 1 || static_cast<Index>(count) == dim) return;
  throw std::invalid_argument(std::string(function) + ": " + std::string(parameter) + " has " + std::to_string(count) +
                              " entries; expected 1 or " + std::to_string(dim) + ", as many as there are columns");
}

void require_columns(Index columns, Index expected, std::string_view function, std::string_view parameter) {
  if (columns == expected) return;
  throw std::invalid_argument(text(function, ": ", parameter, " has ", columns, " columns; expected ", expected));
}

std::string nearest_name(std::string_view name, std::span<const std::string> known) {
  std::string nearest;
  std::size_t smallest = std::max<std::size_t>(1, name.size() / 3) + 1;
  for (const std::string& candidate : known) {
    const std::size_t distance = edit_distance(name, candidate);
    if (distance >= smallest) continue;
    smallest = distance;
    nearest = candidate;
  }
  return nearest;
}

std::invalid_argument unknown_name(std::string_view kind, std::string_view name, std::span<const std::string> known) {
  std::string message = text("unknown ", kind, " '", name, "'; ");
  const std::string nearest = nearest_name(name, known);
  if (!nearest.empty()) message += text("did you mean '", nearest, "'? ");
  message += "known:";
  for (std::size_t i = 0; i < known.size(); ++i) message += text(i == 0 ? " " : ", ", known[i]);
  return std::invalid_argument(message);
}

}  // namespace bochner
