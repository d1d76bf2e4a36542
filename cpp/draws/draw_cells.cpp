// Perturbed tiles: a walk over the cells row by row, with a random word for each of them.
#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "carbonflows/draws.hpp"
#include "carbonflows/threads.hpp"

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

double cumulative(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752); }

// The width a of a normal that, cut at 1 ± 1, has this deviation: f(a) = a² − 2aφ/(1 − 2Φ) = d².
double width_before_cut(double deviation) {
  double low = deviation, high = 1e3;
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double a = 0.5 * (low + high);
    const double density = std::exp(-0.5 / (a * a)) * 0.39894228040143268;
    const double inside = 1.0 - 2.0 * cumulative(-1.0 / a);
    const bool wide = a * a - 2.0 * a * density / inside > deviation * deviation;
    (wide ? high : low) = a;
  }
  return 0.5 * (low + high);
}

// Shapes of a run of cells; most runs have one deviation.
class Shapes {
 public:
  explicit Shapes(Distribution distribution) : distribution_(distribution) {}
  void fill(const double* deviations, std::int64_t count, float* a, float* b) {
    for (std::int64_t k = 0; k < count; ++k) {
      if (deviations[k] != last_) {
        last_ = deviations[k];
        shape_ = shape_of(distribution_, last_);
      }
      a[k] = shape_.a;
      b[k] = shape_.b;
    }
  }

 private:
  Distribution distribution_;
  double last_ = 0.0;
  Shape shape_{0.0F, 0.0F};
};

// The cells of a whole row: their factors are made together, for each takes long and none waits for
// another.
struct RowOfCells {
  // Those in one tile.
  struct Run {
    std::int64_t start;   // first column of the tile
    std::int64_t first;   // position of the first value, …
    bool together;        // … whose others follow it, or lie at first + column
    std::int64_t offset;  // of the first one within the row
    std::int64_t count;
  };
  std::vector<std::uint32_t> words;  // of a row of the table
  std::int64_t first_word = 0;       // the word of its first column
  std::int64_t count = 0;
  std::vector<Run> runs;
  std::vector<std::uint8_t> columns;
  std::vector<std::uint32_t> word;
  std::vector<float> a, b, factor;
  Shapes shapes;
  std::array<double, max_block> deviation{}, value{};

  RowOfCells(std::int64_t n, Distribution distribution)
      : words(at(n + 8)),
        columns(at(n + max_block)),
        word(at(n + 16)),
        a(at(n + 16)),
        b(at(n + 16)),
        factor(at(n + 16)),
        shapes(distribution) {}

  void fill_shapes(double everywhere) {
    shapes.fill(&everywhere, 1, a.data(), b.data());
    std::fill(a.begin(), a.end(), a[0]);
    std::fill(b.begin(), b.end(), b[0]);
  }
  void add(const Cells& cells) {
    runs.push_back({cells.start, cells.first, cells.together, count, cells.count});
    std::copy_n(cells.columns.data(), cells.count, columns.data() + count);
    count += cells.count;
  }
  // Write value · factor of a run; return Σ of it · output.
  double apply(const Run& run, const DrawKernels& kernels, std::span<const double> cells,
               std::span<float> values, std::span<const double> outputs) {
    const std::uint8_t* column = columns.data() + run.offset;
    const float* factors = factor.data() + run.offset;
    if (run.together) {
      kernels.multiply(run.count, cells.data() + run.first, factors, values.data() + run.first,
                       value.data());
    } else {
      for (std::int64_t k = 0; k < run.count; ++k) {
        const std::int64_t position = run.first + column[k];
        kernels.multiply(1, &cells[at(position)], factors + k, &values[at(position)],
                         &value[at(k)]);
      }
    }
    return sum_of(run.count, column, value.data(), outputs.data() + run.start);
  }
};

}  // namespace

namespace baseline {
extern const DrawKernels draw_kernels;
}
#if defined(CARBONFLOWS_AVX2)
namespace avx2 {
extern const DrawKernels draw_kernels;
}
#endif
#if defined(CARBONFLOWS_AVX512)
namespace avx512 {
extern const DrawKernels draw_kernels;
}
#endif

const DrawKernels& draw_kernels(const char* name) {
#if defined(CARBONFLOWS_AVX512)
  if (std::strcmp(name, "avx512") == 0) return avx512::draw_kernels;
#endif
#if defined(CARBONFLOWS_AVX2)
  if (std::strcmp(name, "avx2") == 0) return avx2::draw_kernels;
#endif
  static_cast<void>(name);
  return baseline::draw_kernels;
}

Shape shape_of(Distribution distribution, double deviation) {
  const auto shape = [](double a, double b) {
    return Shape{static_cast<float>(a), static_cast<float>(b)};
  };
  if (deviation == 0.0) return shape(0.0, 0.0);
  switch (distribution) {
    case Distribution::lognormal: {
      const double square = std::log1p(deviation * deviation);
      return shape(std::sqrt(square), -0.5 * square);
    }
    case Distribution::normal: {
      const double a = width_before_cut(deviation);
      return shape(a, cumulative(-1.0 / a));
    }
    case Distribution::uniform:
      return shape(std::sqrt(3.0) * deviation, 0.0);
    default:
      return shape(std::sqrt(6.0) * deviation, 0.0);
  }
}

void draw_cells(const TiledMatrix<double>& matrix, const Draw& draw, const CellNumbers& deviations,
                std::span<const std::int64_t> rows, std::span<const double> outputs,
                std::span<float> values, std::span<double> sums, const DrawKernels& kernels,
                int threads) {
  const std::int64_t n = matrix.size();
  const bool in_order = std::is_sorted(rows.begin(), rows.end());
  const auto make = [&] {
    RowOfCells row(n, draw.distribution);
    if (deviations.one_for_all()) row.fill_shapes(deviations.everywhere);
    return row;
  };
  const auto begin = [&](RowOfCells& found, std::int64_t row) {
    const auto position = static_cast<std::uint64_t>(rows[at(row)] * n);
    found.first_word = static_cast<std::int64_t>(position % 4);
    found.count = 0;
    found.runs.clear();
    kernels.words(draw, position / 4, (found.first_word + n + 3) / 4, found.words.data());
  };
  const auto visit = [&](RowOfCells& found, const Cells& cells) {
    const std::uint32_t* words = found.words.data() + found.first_word;
    std::uint32_t* to = found.word.data() + found.count;
    if (in_order) {
      words += cells.start;
      for (std::int64_t k = 0; k < cells.count; ++k) to[k] = words[cells.columns[at(k)]];
    } else {
      const std::int64_t* places = rows.data() + cells.start;
      for (std::int64_t k = 0; k < cells.count; ++k) to[k] = words[places[cells.columns[at(k)]]];
    }
    if (!deviations.one_for_all()) {
      numbers_of(deviations, rows, cells, found.deviation.data());
      found.shapes.fill(found.deviation.data(), cells.count, found.a.data() + found.count,
                        found.b.data() + found.count);
    }
    found.add(cells);
  };
  walk(matrix, threads, make, begin, visit, [&](RowOfCells& found, std::int64_t row) {
    kernels.factors(draw.distribution, found.count, found.word.data(), found.a.data(),
                    found.b.data(), found.factor.data());
    double sum = 0.0;
    for (const RowOfCells::Run& run : found.runs) {
      sum += found.apply(run, kernels, matrix.values, values, outputs);
    }
    sums[at(row)] = sum;
  });
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

void scale_columns(const TiledMatrix<double>& matrix, std::span<const double> by,
                   std::span<float> values, int threads) {
  const auto nothing = [](int, std::int64_t) {};
  const auto make = [] { return 0; };
  walk(
      matrix, threads, make, nothing,
      [&](int, const Cells& cells) {
        const double* here = by.data() + cells.start;
        cells.each([&](std::int64_t, std::int64_t position, std::uint8_t column) {
          float& value = values[at(position)];
          value = static_cast<float>(static_cast<double>(value) * here[column]);
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
  const std::int64_t room = (columns + 31) / 16 * 16;
  constexpr std::int64_t step = 64;  // rows
  parallel_for(threads, (rows + step - 1) / step, [&](std::int64_t part) {
    std::vector<std::uint32_t> words(at(room + 8));
    std::vector<float> a(at(room)), b(at(room)), factors(at(room));
    std::vector<double> deviation(at(columns), deviations.everywhere);
    Shapes shapes(draw.distribution);
    shapes.fill(deviation.data(), columns, a.data(), b.data());
    for (std::int64_t i = step * part; i < std::min(step * (part + 1), rows); ++i) {
      const auto position = static_cast<std::uint64_t>(i * columns);
      const auto first = static_cast<std::int64_t>(position % 4);
      kernels.words(draw, position / 4, (first + columns + 3) / 4, words.data());
      if (deviations.dense != nullptr) {
        shapes.fill(deviations.dense + i * columns, columns, a.data(), b.data());
      }
      kernels.factors(draw.distribution, columns, words.data() + first, a.data(), b.data(),
                      factors.data());
      double* own = sums.own + i * sums.groups;
      double* together = sums.together + i * sums.groups;
      std::fill_n(own, sums.groups, 0.0);
      std::fill_n(together, sums.groups, 0.0);
      for (std::int64_t j = 0; j < columns; ++j) {
        double cell = cells[at(i * columns + j)] * static_cast<double>(factors[at(j)]);
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

void draw_factors(const Draw& draw, std::span<const double> deviations, std::span<double> factors,
                  const DrawKernels& kernels) {
  constexpr std::int64_t step = 1024;
  std::array<std::uint32_t, step> words{};
  std::array<float, step> a{}, b{}, found{};
  Shapes shapes(draw.distribution);
  const auto size = static_cast<std::int64_t>(deviations.size());
  for (std::int64_t first = 0; first < size; first += step) {
    const std::int64_t count = std::min(step, size - first);
    kernels.words(draw, static_cast<std::uint64_t>(first / 4), (count + 3) / 4, words.data());
    shapes.fill(deviations.data() + first, count, a.data(), b.data());
    kernels.factors(draw.distribution, count, words.data(), a.data(), b.data(), found.data());
    std::copy_n(found.data(), count, factors.data() + first);
  }
}

}  // namespace carbonflows
