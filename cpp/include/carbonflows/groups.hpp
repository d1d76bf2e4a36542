// Moving a few right-hand sides between the caller's array and the kernels' layout.
#pragma once

#include <algorithm>

#include "carbonflows/kernels.hpp"
#include "carbonflows/solver.hpp"

namespace carbonflows {

// A group of columns that is worked on together, at most `widest`.
struct Group {
  std::int64_t first;
  std::int64_t columns;
  int index;  // into `widths`
  int width() const { return widths[index]; }
};

template <class Value>
Group next_group(std::int64_t first, std::int64_t columns) {
  const std::int64_t taken = std::min(columns - first, widest<Value>);
  return {first, taken, width_index(taken)};
}

// packed (rows × width) = the group's columns, the spare ones zero.
template <class Number>
void pack(const Columns<const double>& from, const Group& group, Number* packed) {
  const int width = group.width();
  for (std::int64_t i = 0; i < from.rows; ++i) {
    for (int w = 0; w < width; ++w) {
      packed[i * width + w] =
          w < group.columns
              ? static_cast<Number>(from.data[i * from.row + (group.first + w) * from.column])
              : Number{0};
    }
  }
}

template <class Number>
void unpack(const Number* packed, const Group& group, const Columns<double>& to) {
  const int width = group.width();
  for (std::int64_t i = 0; i < to.rows; ++i) {
    for (std::int64_t w = 0; w < group.columns; ++w) {
      to.data[i * to.row + (group.first + w) * to.column] =
          static_cast<double>(packed[i * width + w]);
    }
  }
}

}  // namespace carbonflows
