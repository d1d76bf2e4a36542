#include "carbonflows/tiles.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <vector>

#include "carbonflows/threads.hpp"
#include "visit.hpp"

namespace carbonflows {
namespace {

// Above this share of nonzero cells a dense tile is no larger worth mentioning, and faster.
constexpr double dense_share = 0.9;

std::vector<std::int32_t> block_of_rows(std::span<const std::int64_t> starts) {
  std::vector<std::int32_t> block(at(starts.back()));
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
    std::fill(block.begin() + starts[b], block.begin() + starts[b + 1],
              static_cast<std::int32_t>(b));
  }
  return block;
}

// Call visit(position, value) for the nonzero entries of one line, in ascending position.
template <class Index, class Visit>
void visit_line(const Source<Index>& source, std::int64_t line, Visit visit) {
  const double line_divisor =
      source.divisor != nullptr && source.by_column ? source.divisor[line] : 1.0;
  if (line_divisor == 0.0) return;
  const auto take = [&](std::int64_t position, double value) {
    if (value == 0.0) return;
    if (source.divisor != nullptr) {
      const double divisor = source.by_column ? line_divisor : source.divisor[position];
      if (divisor == 0.0) return;
      value /= divisor;
      if (value == 0.0) return;  // underflow
    }
    visit(position, value);
  };
  if (source.positions == nullptr) {
    const double* values = source.values + line * source.stride;
    for (std::int64_t first = 0; first < source.size; first += 64) {
      // Bits first: branches on every cell are mispredicted where a third of them are zeros.
      const std::int64_t here = std::min<std::int64_t>(64, source.size - first);
      std::uint64_t nonzero = 0;
      for (std::int64_t j = 0; j < here; ++j) {
        nonzero |= std::uint64_t{values[first + j] != 0.0} << j;
      }
      for (; nonzero != 0; nonzero &= nonzero - 1) {
        const std::int64_t j = first + std::countr_zero(nonzero);
        take(j, values[j]);
      }
    }
  } else {
    const auto end = static_cast<std::int64_t>(source.line_starts[line + 1]);
    for (auto e = static_cast<std::int64_t>(source.line_starts[line]); e < end; ++e) {
      take(static_cast<std::int64_t>(source.positions[e]), source.values[e]);
    }
  }
}

template <class Value>
void clear_tile(const TileEntry& entry, std::int64_t rows, std::int64_t columns,
                std::span<std::uint16_t> masks, std::span<Value> values) {
  if (entry.kind == TileKind::dense) {
    std::fill_n(values.data() + entry.values, rows * dense_stride(columns), Value{0});
  } else if (entry.kind == TileKind::packed) {
    std::fill_n(masks.data() + entry.masks, rows * mask_count(columns), std::uint16_t{0});
  }
}

// Put a row into its tiles, one after the other; cursors say where the next values of each go.
template <class Index, class Value>
void fill_row(const Source<Index>& source, std::int64_t line, std::int64_t row,
              std::span<const std::int64_t> starts, const TileEntry* tiles,
              std::span<std::int64_t> cursor, std::span<std::uint16_t> masks,
              std::span<Value> values) {
  std::int64_t other = -1;
  std::int64_t first = 0;
  std::int64_t end = 0;
  Value* dense = nullptr;
  Value* next = nullptr;
  std::uint16_t* mask = nullptr;
  const auto keep_cursor = [&] {
    if (other >= 0) cursor[at(other)] = next - values.data();
  };
  visit_line(source, line, [&](std::int64_t p, double value) {
    if (p >= end) {
      keep_cursor();
      do end = starts[at(++other) + 1];
      while (p >= end);
      first = starts[at(other)];
      const TileEntry& tile = tiles[other];
      const bool is_dense = tile.kind == TileKind::dense;
      dense = is_dense ? values.data() + tile.values + row * dense_stride(end - first) : nullptr;
      next = values.data() + cursor[at(other)];
      mask = masks.data() + tile.masks + row * mask_count(end - first);
    }
    const std::int64_t column = p - first;
    if (dense != nullptr) {
      dense[column] = static_cast<Value>(value);
      return;
    }
    mask[column / 16] = static_cast<std::uint16_t>(mask[column / 16] | 1U << (column % 16));
    *next++ = static_cast<Value>(value);
  });
  keep_cursor();
}

}  // namespace

template <class Index>
TileTotals plan_tiles(const Source<Index>& source, std::span<const std::int64_t> starts,
                      std::span<TileEntry> entries, int threads) {
  const auto blocks = static_cast<std::int64_t>(starts.size()) - 1;
  const std::vector<std::int32_t> block = block_of_rows(starts);
  parallel_for(threads, blocks, [&](std::int64_t b) {
    std::vector<std::int64_t> counts(at(blocks), 0);
    for (std::int64_t line = starts[at(b)]; line < starts[at(b) + 1]; ++line) {
      visit_line(source, line, [&](std::int64_t p, double) { ++counts[at(block[at(p)])]; });
    }
    for (std::int64_t other = 0; other < blocks; ++other) {
      const std::int64_t r = source.by_column ? other : b;
      const std::int64_t s = source.by_column ? b : other;
      entries[at(r * blocks + s)].count = counts[at(other)];
    }
  });
  TileTotals totals{0, 0};
  for (std::int64_t r = 0; r < blocks; ++r) {
    for (std::int64_t s = 0; s < blocks; ++s) {
      TileEntry& entry = entries[at(r * blocks + s)];
      const std::int64_t rows = starts[at(r) + 1] - starts[at(r)];
      const std::int64_t columns = starts[at(s) + 1] - starts[at(s)];
      entry.values = totals.values;
      entry.masks = totals.masks;
      if (entry.count == 0) {
        entry.kind = TileKind::empty;
      } else if (static_cast<double>(entry.count) >=
                 dense_share * static_cast<double>(rows * dense_stride(columns))) {
        entry.kind = TileKind::dense;
        totals.values += rows * dense_stride(columns);
      } else {
        entry.kind = TileKind::packed;
        totals.values += (entry.count + 7) / 8 * 8;  // every tile starts on a cache line
        totals.masks += rows * mask_count(columns);
      }
    }
  }
  totals.values += value_padding;
  return totals;
}

template <class Index, class Value>
void fill_tiles(const Source<Index>& source, std::span<const std::int64_t> starts,
                std::span<const TileEntry> entries, std::span<std::uint16_t> masks,
                std::span<Value> values, int threads) {
  const auto blocks = static_cast<std::int64_t>(starts.size()) - 1;
  const std::vector<std::int32_t> block = block_of_rows(starts);
  std::fill(values.end() - value_padding, values.end(), Value{0});
  parallel_for(threads, blocks, [&](std::int64_t b) {
    const std::int64_t first = starts[at(b)];
    const std::int64_t last = starts[at(b) + 1];
    const auto tile_of = [&](std::int64_t other) -> const TileEntry& {
      return entries[at(source.by_column ? other * blocks + b : b * blocks + other)];
    };
    for (std::int64_t other = 0; other < blocks; ++other) {
      const std::int64_t across = starts[at(other) + 1] - starts[at(other)];
      const std::int64_t along = last - first;
      clear_tile(tile_of(other), source.by_column ? across : along,
                 source.by_column ? along : across, masks, values);
    }
    // Where the next value of a packed tile goes: one cursor a tile when lines are rows; one
    // cursor a tile row when they are columns, since each row then fills in column order.
    std::vector<std::int64_t> cursor(at(source.by_column ? source.size : blocks), 0);
    if (source.by_column) {
      for (std::int64_t line = first; line < last; ++line) {
        visit_line(source, line, [&](std::int64_t p, double) { ++cursor[at(p)]; });
      }
      for (std::int64_t other = 0; other < blocks; ++other) {
        std::int64_t next = tile_of(other).values;
        for (std::int64_t i = starts[at(other)]; i < starts[at(other) + 1]; ++i) {
          const std::int64_t count = cursor[at(i)];
          cursor[at(i)] = next;
          next += count;
        }
      }
    } else {
      for (std::int64_t other = 0; other < blocks; ++other) {
        cursor[at(other)] = tile_of(other).values;
      }
    }
    for (std::int64_t line = first; line < last; ++line) {
      if (!source.by_column) {
        fill_row(source, line, line - first, starts, &tile_of(0), cursor, masks, values);
        continue;
      }
      visit_line(source, line, [&](std::int64_t p, double value) {
        const std::int64_t other = block[at(p)];
        const TileEntry& entry = tile_of(other);
        const std::int64_t row = p - starts[at(other)];
        const std::int64_t column = line - first;
        const std::int64_t columns = last - first;
        if (entry.kind == TileKind::dense) {
          values[at(entry.values + row * dense_stride(columns) + column)] =
              static_cast<Value>(value);
          return;
        }
        std::uint16_t& mask = masks[at(entry.masks + row * mask_count(columns) + column / 16)];
        mask = static_cast<std::uint16_t>(mask | (1U << (column % 16)));
        values[at(cursor[at(p)]++)] = static_cast<Value>(value);
      });
    }
    for (std::int64_t other = 0; other < blocks; ++other) {  // the gaps between packed tiles
      const TileEntry& entry = tile_of(other);
      if (entry.kind != TileKind::packed) continue;
      std::fill(values.begin() + entry.values + entry.count,
                values.begin() + entry.values + (entry.count + 7) / 8 * 8, Value{0});
    }
  });
}

template <class Value>
void TiledMatrix<Value>::row_counts(std::span<std::int64_t> counts, int threads) const {
  std::fill(counts.begin(), counts.end(), 0);
  parallel_for(threads, blocks(), [&](std::int64_t r) {
    const std::int64_t first = starts[at(r)];
    for (std::int64_t s = 0; s < blocks(); ++s) {
      visit_tile(tile(r, s),
                 [&](std::int64_t i, std::int64_t, double) { ++counts[at(first + i)]; });
    }
  });
}

template <class Value>
void TiledMatrix<Value>::unpack_rows(std::span<const std::int64_t> row_starts,
                                     std::span<std::int64_t> positions, std::span<double> out,
                                     int threads) const {
  parallel_for(threads, blocks(), [&](std::int64_t r) {
    const std::int64_t first = starts[at(r)];
    std::vector<std::int64_t> cursor(row_starts.begin() + first,
                                     row_starts.begin() + first + rows(r));
    for (std::int64_t s = 0; s < blocks(); ++s) {
      visit_tile(tile(r, s), [&](std::int64_t i, std::int64_t j, double value) {
        const std::size_t place = at(cursor[at(i)]++);
        positions[place] = starts[at(s)] + j;
        out[place] = value;
      });
    }
  });
}

template <class Value>
void TiledMatrix<Value>::unpack_negated(bool absolute, std::span<Value> dense, int threads) const {
  const std::int64_t n = size();
  parallel_for(threads, blocks(), [&](std::int64_t s) {
    const std::int64_t first = starts[at(s)];
    Value* columns = dense.data() + first * n;
    std::vector<Value> corner;  // a tile by columns: small enough for a cache, unlike columns of n
    for (std::int64_t r = 0; r < blocks(); ++r) {
      const std::int64_t height = rows(r);
      corner.assign(at(height * rows(s)), Value{0});
      visit_tile(tile(r, s), [&](std::int64_t i, std::int64_t j, Value value) {
        corner[at(j * height + i)] = -(absolute ? std::abs(value) : value);
      });
      for (std::int64_t j = 0; j < rows(s); ++j) {
        std::copy_n(corner.data() + j * height, height, columns + j * n + starts[at(r)]);
      }
    }
  });
}

template <class Value>
void Tile<Value>::unpack(std::span<double> dense) const {
  std::fill(dense.begin(), dense.end(), 0.0);
  visit_tile(*this, [&](std::int64_t i, std::int64_t j, double value) {
    dense[at(i * columns + j)] = value;
  });
}

template <class Value>
void TiledMatrix<Value>::scale(std::span<const double> left, std::span<const double> right,
                               std::span<Value> out, int threads) const {
  std::fill(out.end() - value_padding, out.end(), Value{0});
  parallel_for(threads, blocks(), [&](std::int64_t r) {
    for (std::int64_t s = 0; s < blocks(); ++s) {
      const Tile<Value> tile = this->tile(r, s);
      const double* of_row = left.data() + starts[at(r)];
      const double* of_column = right.data() + starts[at(s)];
      Value* to = out.data() + entry(r, s).values;
      const auto scaled = [&](std::int64_t i, std::int64_t j, Value value) {
        return static_cast<Value>(of_row[i] * static_cast<double>(value) * of_column[j]);
      };
      if (tile.kind == TileKind::dense) {
        std::fill_n(to, tile.end - tile.values, Value{0});
        visit_tile(tile, [&](std::int64_t i, std::int64_t j, Value value) {
          to[i * dense_stride(tile.columns) + j] = scaled(i, j, value);
        });
      } else if (tile.kind == TileKind::packed) {
        const std::int64_t count = tile.end - tile.values;
        std::fill_n(to + count, (count + 7) / 8 * 8 - count, Value{0});
        visit_tile(tile, [&](std::int64_t i, std::int64_t j, Value value) {
          *to++ = scaled(i, j, value);
        });
      }
    }
  });
}

template <class Value>
void TiledMatrix<Value>::sum_row_groups(std::span<const std::int32_t> codes, std::span<double> sums,
                                        int threads) const {
  const std::int64_t n = size();
  parallel_for(threads, blocks(), [&](std::int64_t b) {
    double* left = sums.data() + starts[at(b)];
    const auto groups = static_cast<std::int64_t>(sums.size()) / n;
    for (std::int64_t g = 0; g < groups; ++g) {
      std::fill_n(left + g * n, rows(b), 0.0);
    }
    for (std::int64_t r = 0; r < blocks(); ++r) {
      const std::int32_t* group = codes.data() + starts[at(r)];
      visit_tile(tile(r, b), [&](std::int64_t i, std::int64_t j, Value a) {
        left[group[i] * n + j] += static_cast<double>(a);
      });
    }
  });
}

template <class Value>
bool TiledMatrix<Value>::masks_fit(int threads) const {
  std::vector<std::uint8_t> fits(at(blocks()), 1);
  parallel_for(threads, blocks(), [&](std::int64_t r) {
    for (std::int64_t s = 0; s < blocks(); ++s) {
      const Tile<Value> tile = this->tile(r, s);
      if (tile.kind != TileKind::packed) continue;
      const std::int64_t chunks = mask_count(tile.columns);
      const unsigned outside = 0xffffU << ((tile.columns - 1) % 16 + 1);  // of the last mask
      unsigned beyond = 0;
      std::int64_t count = 0;
      for (std::int64_t i = 0; i < tile.rows; ++i) {
        const std::uint16_t* row = tile.masks + i * chunks;
        for (std::int64_t c = 0; c < chunks; ++c) {
          count += std::popcount(static_cast<unsigned>(row[c]));
        }
        beyond |= row[chunks - 1] & outside;
      }
      if (beyond != 0 || count != tile.end - tile.values) fits[at(r)] = 0;
    }
  });
  return std::find(fits.begin(), fits.end(), std::uint8_t{0}) == fits.end();
}

template <class Value>
double TiledMatrix<Value>::lowest(int threads) const {
  std::vector<Value> smallest(at(blocks()), Value{0});
  parallel_for(threads, blocks(), [&](std::int64_t r) {
    Value low{0};
    for (std::int64_t s = 0; s < blocks(); ++s) {
      const TileEntry& e = entry(r, s);
      const bool dense = e.kind == TileKind::dense;
      const std::int64_t count = dense ? rows(r) * dense_stride(rows(s)) : e.count;
      const Value* value = values.data() + e.values;
      for (std::int64_t i = 0; i < count; ++i) low = std::min(low, value[i]);
    }
    smallest[at(r)] = low;
  });
  return static_cast<double>(*std::min_element(smallest.begin(), smallest.end()));
}

template struct Tile<double>;
template struct Tile<float>;
template struct TiledMatrix<double>;
template struct TiledMatrix<float>;

#define CARBONFLOWS_FOR_INDEX(Index)                                                            \
  template TileTotals plan_tiles<Index>(const Source<Index>&, std::span<const std::int64_t>,    \
                                        std::span<TileEntry>, int);                             \
  template void fill_tiles<Index, double>(const Source<Index>&, std::span<const std::int64_t>,  \
                                          std::span<const TileEntry>, std::span<std::uint16_t>, \
                                          std::span<double>, int);                              \
  template void fill_tiles<Index, float>(const Source<Index>&, std::span<const std::int64_t>,   \
                                         std::span<const TileEntry>, std::span<std::uint16_t>,  \
                                         std::span<float>, int);
CARBONFLOWS_FOR_INDEX(std::int32_t)
CARBONFLOWS_FOR_INDEX(std::int64_t)
#undef CARBONFLOWS_FOR_INDEX

}  // namespace carbonflows
