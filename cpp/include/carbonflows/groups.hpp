// Moving a few right-hand sides between the caller's array and the kernels' layout.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "carbonflows/kernels.hpp"
#include "carbonflows/solver.hpp"

namespace carbonflows {

// A group of columns that is worked on together.
struct Group {
  std::int64_t first = 0;
  std::int64_t columns = 0;
  int width = 0;  // of all panels
  std::vector<Panel> panels;
};

// What a pass over the tiles costs for a panel of each width, measured with AVX2.
inline constexpr double panel_cost[] = {1.0, 1.5, 1.8, 2.4, 4.2, 5.4};

// The least cost of panels that hold so many columns, and the first of them.
inline double cheapest(std::int64_t columns, int& index) {
  if (columns <= 0) return 0.0;
  index = width_index(columns);
  const bool holds = widths[index] >= columns;
  const int narrower = holds ? index - 1 : index;
  if (narrower < 0) return panel_cost[index];
  int next = 0;
  const double split = panel_cost[narrower] + cheapest(columns - widths[narrower], next);
  if (holds && panel_cost[index] <= split) return panel_cost[index];
  index = narrower;
  return split;
}

// Several panels up to `most` columns, or one.
inline Group next_group(std::int64_t first, std::int64_t columns, std::int64_t most, bool several) {
  Group group{first, std::min(columns - first, most), 0, {}};
  for (std::int64_t left = group.columns; left > 0;) {
    int index = width_index(left);
    if (several) cheapest(left, index);
    group.panels.push_back({index, group.width});
    group.width += widths[index];
    left -= widths[index];
  }
  return group;
}

// packed (panels of rows × width) = the group's columns, the spare ones zero.
template <class Number>
void pack(const Columns<const double>& from, const Group& group, Number* packed) {
  for (const Panel& panel : group.panels) {
    Number* to = packed + from.rows * panel.first;
    const double* column = from.data + (group.first + panel.first) * from.column;
    const int width = panel.width();
    const auto filled = std::min<std::int64_t>(width, group.columns - panel.first);
    for (std::int64_t i = 0; i < from.rows; ++i) {
      for (std::int64_t w = 0; w < width; ++w) {
        to[i * width + w] =
            w < filled ? static_cast<Number>(column[i * from.row + w * from.column]) : Number{0};
      }
    }
  }
}

template <class Number>
void unpack(const Number* packed, const Group& group, const Columns<double>& to) {
  for (const Panel& panel : group.panels) {
    const Number* from = packed + to.rows * panel.first;
    double* column = to.data + (group.first + panel.first) * to.column;
    const int width = panel.width();
    const auto filled = std::min<std::int64_t>(width, group.columns - panel.first);
    for (std::int64_t i = 0; i < to.rows; ++i) {
      for (std::int64_t w = 0; w < filled; ++w) {
        column[i * to.row + w * to.column] = static_cast<double>(from[i * width + w]);
      }
    }
  }
}

}  // namespace carbonflows
