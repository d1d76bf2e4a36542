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
using PanelCosts = double[width_count];
inline constexpr PanelCosts panel_costs = {1.0, 1.5, 1.8, 2.4, 4.2, 5.4};
// The same where it adds up rows of few right-hand sides, which stay in a cache.
inline constexpr PanelCosts near_panel_costs = {1.0, 1.3, 1.5, 1.9, 2.8, 4.5};
inline constexpr std::int64_t near_bytes = 1 << 20;

template <class Value>
const PanelCosts& costs_of(const Operator<Value>& op) {
  const std::int64_t bytes = op.matrix.size() * 32 * std::int64_t{sizeof(Value)};
  return !op.adjoint && bytes <= near_bytes ? near_panel_costs : panel_costs;
}

// The least cost of panels that hold so many columns, and the first of them.
inline double cheapest(std::int64_t columns, const PanelCosts& costs, int& index) {
  if (columns <= 0) return 0.0;
  index = width_index(columns);
  const bool holds = widths[index] >= columns;
  const int narrower = holds ? index - 1 : index;
  if (narrower < 0) return costs[index];
  int next = 0;
  const double split = costs[narrower] + cheapest(columns - widths[narrower], costs, next);
  if (holds && costs[index] <= split) return costs[index];
  index = narrower;
  return split;
}

// One panel up to `most` columns, or several if their costs are given.
inline Group next_group(std::int64_t first, std::int64_t columns, std::int64_t most,
                        const PanelCosts* costs) {
  Group group{first, std::min(columns - first, most), 0, {}};
  for (std::int64_t left = group.columns; left > 0;) {
    int index = width_index(left);
    if (costs != nullptr) cheapest(left, *costs, index);
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
