// Perturbed tables: every cell times a random factor of mean 1.
//
// The factor of a cell is a function of seed, draw, source, the year of the table and the position
// of the cell in it (row · columns + column), and of its deviation: never of threads, tiles or
// other cells.
// Random words are those of Philox4x32-10, one block for four neighbouring cells. Source: Salmon,
// Moraes, Dror & Shaw (2011), Parallel random numbers: as easy as 1, 2, 3, SC11.
#pragma once

#include <cstdint>
#include <span>

#include "carbonflows/tiles.hpp"

namespace carbonflows {

enum class Distribution : int { lognormal = 0, normal = 1, uniform = 2, triangular = 3 };

struct Draw {
  std::uint64_t seed;
  std::uint32_t number;
  std::uint32_t source;  // Z, Y, …: another stream of random words
  Distribution distribution;
  std::uint16_t year = 0;    // each has words of its own; those of 0 are common to all years
  double correlation = 0.0;  // of a cell's factors in any two years; lognormal if not 0 or 1
};

// What a distribution needs besides a uniform number.
//   lognormal   exp(a z + b), b = −a²/2
//   normal      1 + a z, z cut where the factor would leave (0, 2); b is the probability of a cut
//   uniform     1 + a (2u − 1)
//   triangular  1 + a t, t from −1 to 1
struct Shape {
  float a;
  float b;
};
Shape shape_of(Distribution distribution, double deviation);

// The inner loops, one set per instruction set, all with the same bits.
struct DrawKernels {
  const char* name;
  // words (4 · blocks) of Philox for the counters from `first` on
  void (*words)(const Draw& draw, std::uint64_t first, std::int64_t blocks, std::uint32_t* words);
  // factors (count) from one word and one shape each; all have room for a multiple of 16
  void (*factors)(Distribution distribution, std::int64_t count, const std::uint32_t* words,
                  const float* a, const float* b, float* factors);
  // out (count) = cells · factors, rounded to float, and the same in double
  void (*multiply)(std::int64_t count, const double* cells, const float* factors, float* out,
                   double* values);
};
const DrawKernels& draw_kernels(const char* name);

// A number for each cell of a matrix in tile order, in one of four forms; the others are empty.
struct CellNumbers {
  double everywhere = 0.0;
  std::span<const std::int32_t> groups;  // of rows and of columns
  std::span<const double> by_group;      // groups × groups
  const double* dense = nullptr;         // in the order of the table
  std::int64_t row_stride = 0;
  std::int64_t column_stride = 0;
  std::span<const std::int64_t> row_starts;  // sparse, in tile order, columns ascending
  std::span<const std::int64_t> columns;
  std::span<const double> numbers;

  bool one_for_all() const { return dense == nullptr && row_starts.empty() && groups.empty(); }
};

// Write value · factor of every cell; `rows` are the table's rows of the tiles' (n). What is no
// cell is not touched. sums (n) = Σ_j new value · outputs_j of each row. With `rest` (n; may be
// empty) the output of a row is sums_i + rest_i in place of outputs_i: then its cells are
// multiplied by ratio_of_outputs of the two while they are at hand.
void draw_cells(const TiledMatrix<double>& matrix, const Draw& draw, const CellNumbers& deviations,
                std::span<const std::int64_t> rows, std::span<const double> outputs,
                std::span<const double> rest, std::span<float> values, std::span<double> sums,
                const DrawKernels& kernels, int threads);

// Output before over output after; 1 where there is none of either.
double ratio_of_outputs(double before, double after);

// Multiply every cell in place by 1 + size · loading; sums as above.
void move_cells(const TiledMatrix<double>& matrix, double size, const CellNumbers& loadings,
                std::span<const std::int64_t> rows, std::span<const double> outputs,
                std::span<float> values, std::span<double> sums, int threads);

// Multiply every row in place.
void scale_rows(const TiledMatrix<double>& matrix, std::span<const double> by,
                std::span<float> values, int threads);

// A number for each cell of a dense array (rows × columns): one for all, or its own.
struct ArrayNumbers {
  double everywhere;
  const double* dense;  // or null
};

// Cells (rows × columns) of a source, row by row, each with a factor of its own, and with those of
// shared errors on top: 1 + size · loading. Sums over the columns of a group, (rows × groups) each:
// without shared errors, and with.
struct DrawnSums {
  std::int64_t groups;
  double* own;
  double* together;
};
void draw_sums(const Draw& draw, std::span<const double> cells, std::span<const std::int32_t> codes,
               const ArrayNumbers& deviations, std::span<const double> sizes,
               std::span<const ArrayNumbers> loadings, const DrawnSums& sums,
               const DrawKernels& kernels, int threads);

// factors (count) of the cells at positions 0, 1, … of a source, one deviation each.
void draw_factors(const Draw& draw, std::span<const double> deviations, std::span<double> factors,
                  const DrawKernels& kernels);

}  // namespace carbonflows
