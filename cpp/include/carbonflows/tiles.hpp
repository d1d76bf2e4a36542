// The region-tiled matrix: the one stored form of A.
//
// The n rows and columns are cut at the same places into blocks (regions, or pieces of one).
// Tile (r, s) holds what block r delivers to block s, as
//   empty   nothing;
//   dense   row-major float values, each row padded with zeros to a multiple of 8;
//   packed  for every row ceil(columns/16) masks of 16 bits, bit b of mask c standing for column
//           16 c + b, and the nonzero values of the tile one after the other, row by row.
// Everything lives in four flat arrays (block starts, tile entries, masks, values), so that a
// saved matrix can be used where it lies on disk. Both A x and A' x run over the same tiles.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace carbonflows {

inline constexpr std::int64_t max_block = 256;     // rows in a block, so that an index fits a byte
inline constexpr std::int64_t value_padding = 16;  // values readable past the end of the last tile

// A position as the standard containers take it.
constexpr std::size_t at(std::int64_t position) { return static_cast<std::size_t>(position); }

enum class TileKind : std::int64_t { empty = 0, dense = 1, packed = 2 };

// One tile in the flat arrays; the first value and mask are positions in them.
struct TileEntry {
  TileKind kind;
  std::int64_t values;
  std::int64_t masks;
  std::int64_t count;  // nonzeros
};

inline std::int64_t mask_count(std::int64_t columns) { return (columns + 15) / 16; }
inline std::int64_t dense_stride(std::int64_t columns) { return (columns + 7) / 8 * 8; }

template <class Value>
struct Tile {
  TileKind kind;
  std::int64_t rows;
  std::int64_t columns;
  const Value* values;
  const std::uint16_t* masks;
  const Value* end;  // past the values

  // Copy the tile into a dense row-major array of rows × columns.
  void unpack(std::span<double> dense) const;
};

// A view; the arrays belong to the caller and outlive it.
template <class Value>
struct TiledMatrix {
  std::span<const std::int64_t> starts;  // blocks + 1
  std::span<const TileEntry> entries;    // blocks × blocks, row-major
  std::span<const std::uint16_t> masks;
  std::span<const Value> values;

  std::int64_t blocks() const { return static_cast<std::int64_t>(starts.size()) - 1; }
  std::int64_t size() const { return starts.back(); }
  std::int64_t rows(std::int64_t block) const { return starts[at(block) + 1] - starts[at(block)]; }
  const TileEntry& entry(std::int64_t r, std::int64_t s) const {
    return entries[at(r * blocks() + s)];
  }
  Tile<Value> tile(std::int64_t r, std::int64_t s) const {
    const TileEntry& e = entry(r, s);
    const bool dense = e.kind == TileKind::dense;
    const std::int64_t length = dense ? rows(r) * dense_stride(rows(s)) : e.count;
    const Value* first = values.data() + e.values;
    return {e.kind, rows(r), rows(s), first, masks.data() + e.masks, first + length};
  }

  // Nonzeros in each row, and the rows themselves as (position, value) in ascending order.
  void row_counts(std::span<std::int64_t> counts, int threads) const;
  void unpack_rows(std::span<const std::int64_t> row_starts, std::span<std::int64_t> positions,
                   std::span<double> out, int threads) const;
  // Write −A, or with `absolute` −|A|, into a dense column-major array of n × n.
  void unpack_negated(bool absolute, std::span<Value> dense, int threads) const;
  // Write the values of diag(left) · A · diag(right), tiled alike; those that become zero stay.
  void scale(std::span<const double> left, std::span<const double> right, std::span<Value> out,
             int threads) const;
  // sums (groups × n) = Σ of the entries of each column over the rows of a group; codes (n).
  void sum_row_groups(std::span<const std::int32_t> codes, std::span<double> sums,
                      int threads) const;
  // Whether the masks of each packed tile stand for as many columns as it has values, and for none
  // that it has not: what every walk over a tile relies on. Entries must lie inside the arrays.
  bool masks_fit(int threads) const;
  // Smallest stored value, 0 if none is negative.
  double lowest(int threads) const;
};

// A matrix given from outside: lines are rows (`by_column` false) or columns (true), each with
// ascending positions. `positions` is null for a dense array, whose lines are `stride` apart.
// Where `divisor` is given, entry (i, j) stands for value / divisor[j], and for nothing at all
// where divisor[j] is zero: Z becomes A on the way in.
template <class Index>
struct Source {
  std::int64_t size;
  bool by_column;
  const Index* line_starts;
  const Index* positions;
  const double* values;
  std::int64_t stride;
  const double* divisor;
};

struct TileTotals {
  std::int64_t values;
  std::int64_t masks;
};

// Count what falls into each tile, choose its kind, and lay out the flat arrays.
template <class Index>
TileTotals plan_tiles(const Source<Index>& source, std::span<const std::int64_t> starts,
                      std::span<TileEntry> entries, int threads);

// Fill the arrays that plan_tiles laid out; they need not be initialised.
template <class Index, class Value>
void fill_tiles(const Source<Index>& source, std::span<const std::int64_t> starts,
                std::span<const TileEntry> entries, std::span<std::uint16_t> masks,
                std::span<Value> values, int threads);

}  // namespace carbonflows
