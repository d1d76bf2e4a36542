#include "carbonflows/numbers.hpp"

#include <charconv>
#include <cmath>

#if !defined(__cpp_lib_to_chars)  // the standard library of macOS
#include <locale.h>
#include <stdlib.h>
#if __has_include(<xlocale.h>)
#include <xlocale.h>
#endif

#include <string>
#endif

namespace carbonflows {
namespace {

#if !defined(__cpp_lib_to_chars)
// Decimal points are points, whatever the program around us has set.
double parse_with_point(const char* text, char** end) {
  static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
  return strtod_l(text, end, plain);
}
#endif

// Parse a number at the start of the text, and return where it ends, or nullptr.
const char* parse_number(const char* first, const char* last, char delimiter, double& value) {
  if (first != last && *first == '0' && (first + 1 == last || first[1] == delimiter)) {
    value = 0.0;  // most cells of a table
    return first + 1;
  }
#if defined(__cpp_lib_to_chars)
  const auto [end, error] = std::from_chars(first, last, value);
  return error == std::errc{} && std::isfinite(value) ? end : nullptr;
#else
  for (const char* at = first; at != last; ++at) {
    const char c = *at;
    if (!((c >= '0' && c <= '9') || c == '.' || c == '-' || c == '+' || c == 'e' || c == 'E')) {
      last = at;
      break;
    }
  }
  const std::string text(first, last);
  if (text.empty() || text[0] == '+') return nullptr;
  char* end = nullptr;
  value = parse_with_point(text.c_str(), &end);
  return end != text.c_str() && std::isfinite(value) ? first + (end - text.c_str()) : nullptr;
#endif
}

template <class Take>
bool each_number(std::string_view line, char delimiter, ColumnChoice choice, Take take) {
  const char* at = line.data();
  const char* const last = at + line.size();
  for (std::ptrdiff_t column = 0; column < choice.columns; ++column) {
    if (choice.wanted.empty() || choice.wanted[static_cast<std::size_t>(column)] != 0) {
      double value = 0.0;
      at = parse_number(at, last, delimiter, value);
      if (at == nullptr) return false;
      take(value);
    } else {
      while (at != last && *at != delimiter) ++at;
    }
    const bool ends = column + 1 == choice.columns;
    if (ends) return at == last;
    if (at == last || *at != delimiter) return false;
    ++at;
  }
  return line.empty();
}

}  // namespace

bool parse_line(std::string_view line, char delimiter, ColumnChoice choice, double* row) {
  return each_number(line, delimiter, choice, [&row](double value) { *row++ = value; });
}

bool parse_line(std::string_view line, char delimiter, ColumnChoice choice, SparseLines& rows) {
  const std::size_t before = rows.values.size();
  std::int32_t column = 0;
  const bool taken = each_number(line, delimiter, choice, [&](double value) {
    if (value != 0.0) {
      rows.values.push_back(value);
      rows.columns.push_back(column);
    }
    ++column;
  });
  if (!taken) {
    rows.values.resize(before);
    rows.columns.resize(before);
    return false;
  }
  rows.row_starts.push_back(static_cast<std::int64_t>(rows.values.size()));
  return true;
}

}  // namespace carbonflows
