// Delimited numbers: lines of text become rows of float64, exactly.
//
// A number written with its shortest or with 17 significant digits comes back with the same bits.
// Only plain cells are taken: digits, sign, point and exponent, nothing else, and finite. A line
// with any other cell (empty, padded, quoted, a word) is left to the caller, who can say where it
// is and what is wrong with it.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace carbonflows {

// Which columns of a line are wanted: all if the mask is empty, else those with a nonzero byte.
struct ColumnChoice {
  std::ptrdiff_t columns;
  std::span<const std::uint8_t> wanted;

  std::ptrdiff_t width() const {
    if (wanted.empty()) return columns;
    return std::count_if(wanted.begin(), wanted.end(), [](std::uint8_t one) { return one != 0; });
  }
};

// Parse a line into the wanted columns; false if it is not that many plain numbers.
bool parse_line(std::string_view line, char delimiter, ColumnChoice choice, double* row);

// Parse the nonzeros of a line and their places among the wanted columns, for all of which there is
// room. Return their number, or -1 if the line is not that many plain numbers.
std::ptrdiff_t parse_line(std::string_view line, char delimiter, ColumnChoice choice,
                          double* values, std::int32_t* columns);

}  // namespace carbonflows
