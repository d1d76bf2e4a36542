// The inner loops, one set per instruction set, chosen when the process starts.
//
// All vectors are row-major arrays of `width` right-hand sides: entry i of side w at i*width + w.
// They have the precision of the tiles: float vectors beside float tiles halve the arithmetic.
#pragma once

#include <cstdint>

#include "carbonflows/tiles.hpp"

namespace carbonflows {

inline constexpr int widths[] = {1, 4, 8, 16, 32, 48};
inline constexpr int width_count = 6;
inline constexpr int max_width = 48;

// The widest panel whose rows for one block stay near the first-level cache (40 to 64 KB).
template <class Value>
inline constexpr std::int64_t widest = sizeof(Value) == sizeof(double) ? 32 : 48;

// Columns that are worked on together at most, in panels of these widths.
inline constexpr std::int64_t most_columns = 64;

// Position in `widths` of the narrowest one that holds `columns`.
inline int width_index(std::int64_t columns) {
  int index = 0;
  while (index + 1 < width_count && widths[index] < columns) ++index;
  return index;
}

// What a pass does with the entries a of the matrix and the elements x of the vector.
enum class Semiring {
  sum,           // Σ a x
  sum_absolute,  // Σ |a| x
  max_absolute,  // max |a| x, and never below 0
};
inline constexpr int semiring_count = 3;

template <class Value>
struct TileKernels {
  // out (rows × width) gets tile · x joined to it; x has the tile's columns.
  using Pass = void (*)(const Tile<Value>& tile, const Value* x, Value* out);
  Pass forward[semiring_count][width_count];
  // out (columns × width) gets tile' · x joined to it; x has the tile's rows.
  Pass adjoint[semiring_count][width_count];
};

template <class Number>
struct BlockKernels {
  using Solve = void (*)(const Number* factors, const std::int32_t* pivots, std::int64_t size,
                         Number* x);
  // x (size × width) becomes D⁻¹ x.
  Solve solve[width_count];
  // x becomes D⁻ᵀ x.
  Solve solve_adjoint[width_count];
};

// On `rows` rows of right-hand sides; `guard` has one number a row, `factor` and `out` one a side.
// Sums are made in double.
template <class Number>
struct VectorKernels {
  // out = Σ_i guard_i² a_i b_i
  void (*weighted_dot[width_count])(const double* guard, std::int64_t rows, const Number* a,
                                    const Number* b, double* out);
  // out = Σ_i guard_i |x_i|
  void (*weighted_size[width_count])(const double* guard, std::int64_t rows, const Number* x,
                                     double* out);
  // to += factor · from
  void (*add_scaled[width_count])(const double* factor, std::int64_t rows, const Number* from,
                                  Number* to);
  // x *= factor
  void (*scale[width_count])(const double* factor, std::int64_t rows, Number* x);
};

// On `rows` rows of right-hand sides; the kernel's width is that of b and of `to`. A square of
// factors has one row for each side of a or `from`, `stride` numbers from one to the next.
template <class Number>
struct ProductKernels {
  // square += a'b, in double from time to time
  void (*gram[width_count])(std::int64_t rows, const Number* a, int a_width, const Number* b,
                            double* square, int stride);
  // to += from · square
  void (*add_product[width_count])(const Number* square, int stride, std::int64_t rows,
                                   const Number* from, int from_width, Number* to);
};

template <class Value>
struct KernelSet {
  TileKernels<Value> tiles;
  BlockKernels<Value> blocks;
  VectorKernels<Value> vectors;
  ProductKernels<Value> products;
};

struct Kernels {
  const char* name;
  // Factor the row-major matrix in place as P D = L U, rows exchanged as `pivots` says; the
  // diagonal of U is kept as its reciprocal. Returns the step at which no pivot was left, or -1.
  std::int64_t (*factor)(double* matrix, std::int32_t* pivots, std::int64_t size);
  // to = from, rounded, or as it is
  void (*round)(const double* from, std::int64_t count, float* to);
  void (*widen)(const float* from, std::int64_t count, double* to);
  KernelSet<double> of_double;
  KernelSet<float> of_float;

  template <class Value>
  const KernelSet<Value>& of() const {
    if constexpr (sizeof(Value) == sizeof(double)) {
      return of_double;
    } else {
      return of_float;
    }
  }
};

// The best set that this processor runs and that `name` allows ("" for any); null if none has
// that name here.
const Kernels* find_kernels(const char* name);

}  // namespace carbonflows
