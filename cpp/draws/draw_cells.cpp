// Perturbed tiles: a walk over the cells row by row, with a random word for each of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "carbonflows/draws.hpp"
#include "carbonflows/threads.hpp"
#include "draw_factors.hpp"

namespace carbonflows {
namespace {

// The cells of one row in one tile.
struct Cells {
  std::int64_t row;    // of the matrix
  std::int64_t start;  // first column of the tile
  std::int64_t first;  // position of the first value, …
  bool together;       // … whose others follow it, or lie at first + column
  std::int64_t count;
  std::array<std::uint8_t, max_block + 8> columns;  // within the tile; the last 8 are room

  // Call visit(k, position of the value, column within the tile) for every cell.
  template <class Visit>
  void each(Visit visit) const {
    if (together) {
      for (std::int64_t k = 0; k < count; ++k) visit(k, first + k, columns[at(k)]);
    } else {
      for (std::int64_t k = 0; k < count; ++k) visit(k, first + columns[at(k)], columns[at(k)]);
    }
  }
};

// The places of the bits of a byte, and how many there are.
struct BitPlaces {
  std::array<std::array<std::uint8_t, 8>, 256> of;
  std::array<std::uint8_t, 256> count;
  constexpr BitPlaces() : of{}, count{} {
    for (unsigned byte = 0; byte < 256; ++byte) {
      for (std::uint8_t place = 0; place < 8; ++place) {
        if ((byte >> place & 1U) != 0) of[byte][count[byte]++] = place;
      }
    }
  }
};
constexpr BitPlaces bit_places;

// Fill in the cells of row i of a tile; `next` is where the next value of a packed one lies.
void find_cells(const Tile<double>& tile, const TileEntry& entry, std::int64_t i,
                std::int64_t& next, Cells& cells) {
  cells.count = 0;
  cells.together = tile.kind == TileKind::packed;
  if (tile.kind == TileKind::empty) return;
  if (tile.kind == TileKind::dense) {
    const std::int64_t offset = i * dense_stride(tile.columns);
    cells.first = entry.values + offset;
    for (std::int64_t j = 0; j < tile.columns; ++j) {
      cells.columns[at(cells.count)] = static_cast<std::uint8_t>(j);
      cells.count += tile.values[offset + j] != 0.0;
    }
    return;
  }
  cells.first = next;
  const std::int64_t chunks = mask_count(tile.columns);
  std::uint8_t* column = cells.columns.data();
  for (std::int64_t half = 0; half < 2 * chunks; ++half) {
    const unsigned byte = (tile.masks[i * chunks + half / 2] >> (half % 2 * 8)) & 0xffU;
    std::uint64_t places = 0;  // eight at once; none exceeds a byte
    std::memcpy(&places, bit_places.of[byte].data(), 8);
    places += std::uint64_t{0x0101010101010101U} * static_cast<std::uint64_t>(8 * half);
    std::memcpy(column, &places, 8);
    column += bit_places.count[byte];
  }
  cells.count = column - cells.columns.data();
  next += cells.count;
}

// Call begin(row), visit(cells) for every tile of it, in order, and end(row) for every row of the
// matrix, with a state of its own for each block of rows.
template <class MakeState, class Begin, class Visit, class End>
void walk(const TiledMatrix<double>& matrix, int threads, MakeState make, Begin begin, Visit visit,
          End end) {
  parallel_for(threads, matrix.blocks(), [&](std::int64_t r) {
    auto state = make();
    std::vector<std::int64_t> next(at(matrix.blocks()));
    for (std::int64_t s = 0; s < matrix.blocks(); ++s) next[at(s)] = matrix.entry(r, s).values;
    Cells cells{};
    for (std::int64_t i = 0; i < matrix.rows(r); ++i) {
      cells.row = matrix.starts[at(r)] + i;
      begin(state, cells.row);
      for (std::int64_t s = 0; s < matrix.blocks(); ++s) {
        cells.start = matrix.starts[at(s)];
        find_cells(matrix.tile(r, s), matrix.entry(r, s), i, next[at(s)], cells);
        if (cells.count > 0) visit(state, cells);
      }
      end(state, cells.row);
    }
  });
}

// The number of each of these cells.
void numbers_of(const CellNumbers& given, std::span<const std::int64_t> rows, const Cells& cells,
                double* out) {
  const auto column = [&](std::int64_t k) { return cells.start + cells.columns[at(k)]; };
  if (given.dense != nullptr) {
    const double* row = given.dense + rows[at(cells.row)] * given.row_stride;
    for (std::int64_t k = 0; k < cells.count; ++k) {
      out[k] = row[rows[at(column(k))] * given.column_stride];
    }
  } else if (!given.row_starts.empty()) {
    const std::int64_t* next = given.columns.data() + given.row_starts[at(cells.row)];
    const std::int64_t* end = given.columns.data() + given.row_starts[at(cells.row + 1)];
    next = std::lower_bound(next, end, cells.start);
    for (std::int64_t k = 0; k < cells.count; ++k) {
      while (next < end && *next < column(k)) ++next;
      const bool found = next < end && *next == column(k);
      out[k] = found ? given.numbers[at(next - given.columns.data())] : 0.0;
    }
  } else if (!given.groups.empty()) {
    const auto groups =
        static_cast<std::int64_t>(std::sqrt(static_cast<double>(given.by_group.size())) + 0.5);
    const double* row = given.by_group.data() + groups * given.groups[at(cells.row)];
    for (std::int64_t k = 0; k < cells.count; ++k) out[k] = row[given.groups[at(column(k))]];
  } else {
    std::fill_n(out, cells.count, given.everywhere);
  }
}

// Σ value · output over cells, as four sums that do not wait for each other.
double sum_of(std::int64_t count, const std::uint8_t* column, const double* values,
              const double* outputs) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  std::int64_t k = 0;
  for (; k + 4 <= count; k += 4) {
    s0 += values[k] * outputs[column[k]];
    s1 += values[k + 1] * outputs[column[k + 1]];
    s2 += values[k + 2] * outputs[column[k + 2]];
    s3 += values[k + 3] * outputs[column[k + 3]];
  }
  for (; k < count; ++k) s0 += values[k] * outputs[column[k]];
  return (s0 + s1) + (s2 + s3);
}

// The cells of a row of the matrix, tile by tile.
struct RowOfCells {
  // Those in one tile.
  struct Run {
    std::int64_t start;   // first column of the tile
    std::int64_t first;   // position of the first value, …
    bool together;        // … whose others follow it, or lie at first + column
    std::int64_t offset;  // of the first one within the row
    std::int64_t count;
  };
  Factors factors;
  std::vector<Run> runs;
  std::vector<std::uint8_t> columns;
  std::array<double, max_block> deviation{}, value{};

  RowOfCells(std::int64_t n, Factors made) : factors(std::move(made)), columns(at(n + max_block)) {}

  void begin(std::uint64_t position) {
    factors.begin(position);
    runs.clear();
  }
  template <class Place>
  void add(const Cells& cells, Place place, const double* deviations) {
    runs.push_back({cells.start, cells.first, cells.together, factors.count(), cells.count});
    std::copy_n(cells.columns.data(), cells.count, columns.data() + factors.count());
    factors.add(cells.count, place, deviations);
  }
  // Write value · factor of a run; return Σ of it · output.
  double apply(const Run& run, const float* made, const DrawKernels& kernels,
               std::span<const double> cells, std::span<float> values,
               std::span<const double> outputs) {
    const std::uint8_t* column = columns.data() + run.offset;
    const float* factor = made + run.offset;
    if (run.together) {
      kernels.multiply(run.count, cells.data() + run.first, factor, values.data() + run.first,
                       value.data());
    } else {
      for (std::int64_t k = 0; k < run.count; ++k) {
        const std::int64_t position = run.first + column[k];
        kernels.multiply(1, &cells[at(position)], factor + k, &values[at(position)], &value[at(k)]);
      }
    }
    return sum_of(run.count, column, value.data(), outputs.data() + run.start);
  }
  // Multiply the cells that were written.
  void scale(double by, std::span<float> values) const {
    const auto scaled = [by](float cell) {
      return static_cast<float>(by * static_cast<double>(cell));
    };
    for (const Run& run : runs) {
      float* first = values.data() + run.first;
      if (run.together) {
        for (std::int64_t k = 0; k < run.count; ++k) first[k] = scaled(first[k]);
      } else {
        const std::uint8_t* column = columns.data() + run.offset;
        for (std::int64_t k = 0; k < run.count; ++k) first[column[k]] = scaled(first[column[k]]);
      }
    }
  }
};

}  // namespace

double ratio_of_outputs(double before, double after) {
  const bool made = before != 0.0 && after != 0.0 && std::isfinite(after);
  return made ? before / after : 1.0;
}

void draw_cells(const TiledMatrix<double>& matrix, const Draw& draw, const CellNumbers& deviations,
                std::span<const std::int64_t> rows, std::span<const double> outputs,
                std::span<const double> rest, std::span<float> values, std::span<double> sums,
                const DrawKernels& kernels, int threads) {
  const std::int64_t n = matrix.size();
  const bool in_order = std::is_sorted(rows.begin(), rows.end());
  const bool one_for_all = deviations.one_for_all();
  const auto make = [&] {
    return RowOfCells(n, Factors(draw, kernels, n, n, deviations.everywhere));
  };
  const auto begin = [&](RowOfCells& found, std::int64_t row) {
    found.begin(static_cast<std::uint64_t>(rows[at(row)] * n));
  };
  const auto visit = [&](RowOfCells& found, const Cells& cells) {
    if (!one_for_all) numbers_of(deviations, rows, cells, found.deviation.data());
    const double* deviation = one_for_all ? nullptr : found.deviation.data();
    const auto column = [&](std::int64_t k) { return cells.start + cells.columns[at(k)]; };
    if (in_order) {
      found.add(cells, column, deviation);
    } else {
      found.add(cells, [&](std::int64_t k) { return rows[at(column(k))]; }, deviation);
    }
  };
  const auto end = [&](RowOfCells& found, std::int64_t row) {
    const float* factors = found.factors.make();
    double sum = 0.0;
    for (const RowOfCells::Run& run : found.runs) {
      sum += found.apply(run, factors, kernels, matrix.values, values, outputs);
    }
    sums[at(row)] = sum;
    if (!rest.empty()) {
      found.scale(ratio_of_outputs(outputs[at(row)], sum + rest[at(row)]), values);
    }
  };
  walk(matrix, threads, make, begin, visit, end);
}

void move_cells(const TiledMatrix<double>& matrix, double size, const CellNumbers& loadings,
                std::span<const std::int64_t> rows, std::span<const double> outputs,
                std::span<float> values, std::span<double> sums, int threads) {
  using Numbers = std::array<double, max_block>;
  const auto begin = [&](Numbers&, std::int64_t row) { sums[at(row)] = 0.0; };
  const auto make = [] { return Numbers{}; };
  walk(
      matrix, threads, make, begin,
      [&](Numbers& numbers, const Cells& cells) {
        numbers_of(loadings, rows, cells, numbers.data());
        cells.each([&](std::int64_t k, std::int64_t position, std::uint8_t) {
          const double before = static_cast<double>(values[at(position)]);
          const auto value = static_cast<float>(before * (1.0 + size * numbers[at(k)]));
          numbers[at(k)] = static_cast<double>(value);
          values[at(position)] = value;
        });
        sums[at(cells.row)] +=
            sum_of(cells.count, cells.columns.data(), numbers.data(), outputs.data() + cells.start);
      },
      [](Numbers&, std::int64_t) {});
}

void scale_rows(const TiledMatrix<double>& matrix, std::span<const double> by,
                std::span<float> values, int threads) {
  const auto nothing = [](int, std::int64_t) {};
  const auto make = [] { return 0; };
  walk(
      matrix, threads, make, nothing,
      [&](int, const Cells& cells) {
        const double factor = by[at(cells.row)];
        cells.each([&](std::int64_t, std::int64_t position, std::uint8_t) {
          float& value = values[at(position)];
          value = static_cast<float>(static_cast<double>(value) * factor);
        });
      },
      nothing);
}

void draw_sums(const Draw& draw, std::span<const double> cells, std::span<const std::int32_t> codes,
               const ArrayNumbers& deviations, std::span<const double> sizes,
               std::span<const ArrayNumbers> loadings, const DrawnSums& sums,
               const DrawKernels& kernels, int threads) {
  const auto columns = static_cast<std::int64_t>(codes.size());
  const auto rows = static_cast<std::int64_t>(cells.size()) / columns;
  const auto in_turn = [](std::int64_t k) { return k; };
  constexpr std::int64_t step = 64;  // rows
  parallel_for(threads, (rows + step - 1) / step, [&](std::int64_t part) {
    Factors row(draw, kernels, columns, columns, deviations.everywhere);
    for (std::int64_t i = step * part; i < std::min(step * (part + 1), rows); ++i) {
      const double* dense = deviations.dense;
      row.begin(static_cast<std::uint64_t>(i * columns));
      row.add(columns, in_turn, dense == nullptr ? nullptr : dense + i * columns);
      const float* factors = row.make();
      double* own = sums.own + i * sums.groups;
      double* together = sums.together + i * sums.groups;
      std::fill_n(own, sums.groups, 0.0);
      std::fill_n(together, sums.groups, 0.0);
      for (std::int64_t j = 0; j < columns; ++j) {
        double cell = cells[at(i * columns + j)] * static_cast<double>(factors[j]);
        own[codes[at(j)]] += cell;
        for (std::size_t k = 0; k < sizes.size(); ++k) {
          const ArrayNumbers& loading = loadings[k];
          cell *= 1.0 + sizes[k] * (loading.dense != nullptr ? loading.dense[i * columns + j]
                                                             : loading.everywhere);
        }
        together[codes[at(j)]] += cell;
      }
    }
  });
}

}  // namespace carbonflows
