// Delimited numbers: lines of text become rows of float64, exactly.
//
// A number written with its shortest or with 17 significant digits comes back with the same bits.
// Only plain cells are taken: digits, sign, point and exponent, nothing else, and finite. A line
// with any other cell (empty, padded, quoted, a word) is left to the caller, who can say where it
// is and what is wrong with it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace carbonflows {

// Which columns of a line are wanted: all if the mask is empty, else those with a nonzero byte.
struct ColumnChoice {
  std::ptrdiff_t columns;
  std::span<const std::uint8_t> wanted;
};

// Parse a line into the wanted columns; false if it is not that many plain numbers.
bool parse_line(std::string_view line, char delimiter, ColumnChoice choice, double* row);

// The nonzeros of lines below each other, in the order of the columns that are wanted.
struct SparseLines {
  std::vector<double> values;
  std::vector<std::int32_t> columns;
  std::vector<std::int64_t> row_starts{0};
};

// Append a line without its zeros; false, and nothing appended, if it cannot be taken.
bool parse_line(std::string_view line, char delimiter, ColumnChoice choice, SparseLines& rows);

}  // namespace carbonflows
