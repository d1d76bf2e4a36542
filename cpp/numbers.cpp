#include "carbonflows/numbers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "decimal.hpp"

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
  if (decimal::has_short_way && last - first >= decimal::readable) {
    if (const char* end = decimal::parse_short(first, delimiter, value)) return end;
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

// Call take(place among the wanted columns, value) for the cells of a line; zeros may be left out.
template <class Take>
bool each_number(std::string_view line, char delimiter, ColumnChoice choice, Take take) {
  const char* at = line.data();
  const char* const last = at + line.size();
  const std::uint64_t zeros = decimal::four_zeros(delimiter);
  std::ptrdiff_t place = 0;
  for (std::ptrdiff_t column = 0; column < choice.columns; ++column) {
    if (choice.wanted.empty()) {
      while (decimal::has_short_way && last - at >= decimal::readable) {
        const int count = decimal::zero_cells(at, zeros);
        at += 2 * count;
        column += count;
        if (count < 4) break;
      }
      if (column >= choice.columns) return false;
      place = column;
    }
    if (choice.wanted.empty() || choice.wanted[static_cast<std::size_t>(column)] != 0) {
      double value = 0.0;
      at = parse_number(at, last, delimiter, value);
      if (at == nullptr) return false;
      take(place++, value);
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
  std::fill_n(row, choice.width(), 0.0);
  return each_number(line, delimiter, choice,
                     [row](std::ptrdiff_t place, double value) { row[place] = value; });
}

std::ptrdiff_t parse_line(std::string_view line, char delimiter, ColumnChoice choice,
                          double* values, std::int32_t* columns) {
  std::ptrdiff_t count = 0;
  const auto take = [&](std::ptrdiff_t place, double value) {
    values[count] = value;
    columns[count] = static_cast<std::int32_t>(place);
    count += value != 0.0;
  };
  return each_number(line, delimiter, choice, take) ? count : -1;
}

}  // namespace carbonflows
