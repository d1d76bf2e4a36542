// Walking over the nonzeros of a tile.
#pragma once

#include <bit>

#include "carbonflows/tiles.hpp"

namespace carbonflows {

// Call visit(row, column, value) for every nonzero of a tile, row by row.
template <class Value, class Visit>
void visit_tile(const Tile<Value>& tile, Visit visit) {
  if (tile.kind == TileKind::dense) {
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      const Value* row = tile.values + i * dense_stride(tile.columns);
      for (std::int64_t j = 0; j < tile.columns; ++j) {
        if (row[j] != Value{0}) visit(i, j, row[j]);
      }
    }
  } else if (tile.kind == TileKind::packed) {
    const std::int64_t chunks = mask_count(tile.columns);
    const Value* value = tile.values;
    for (std::int64_t i = 0; i < tile.rows; ++i) {
      for (std::int64_t c = 0; c < chunks; ++c) {
        for (unsigned mask = tile.masks[i * chunks + c]; mask != 0; mask &= mask - 1) {
          visit(i, 16 * c + std::countr_zero(mask), *value++);
        }
      }
    }
  }
}

}  // namespace carbonflows
