// The inner loops, one set per instruction set, chosen when the process starts.
//
// All vectors are row-major arrays of `width` right-hand sides: entry i of side w at i*width + w.
#pragma once

#include <cstdint>

#include "carbonflows/tiles.hpp"

namespace carbonflows {

inline constexpr int widths[] = {1, 4, 8, 16};
inline constexpr int width_count = 4;
inline constexpr int max_width = 16;

// Position in `widths` of the narrowest one that holds `columns`.
inline int width_index(std::int64_t columns) {
  return columns <= 1 ? 0 : columns <= 4 ? 1 : columns <= 8 ? 2 : 3;
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
  using Pass = void (*)(const Tile<Value>& tile, const double* x, double* out);
  Pass forward[semiring_count][width_count];
  // out (columns × width) gets tile' · x joined to it; x has the tile's rows.
  Pass adjoint[semiring_count][width_count];
};

struct BlockKernels {
  // Factor the row-major matrix in place as P D = L U, rows exchanged as `pivots` says; the
  // diagonal of U is kept as its reciprocal. Returns the step at which no pivot was left, or -1.
  std::int64_t (*factor)(double* matrix, std::int32_t* pivots, std::int64_t size);
  // x (size × width) becomes D⁻¹ x.
  void (*solve[width_count])(const double* factors, const std::int32_t* pivots, std::int64_t size,
                             double* x);
  // x becomes D⁻ᵀ x.
  void (*solve_adjoint[width_count])(const double* factors, const std::int32_t* pivots,
                                     std::int64_t size, double* x);
};

// On `rows` rows of right-hand sides; `guard` has one number a row, `factor` and `out` one a side.
struct VectorKernels {
  // out = Σ_i guard_i² a_i b_i
  void (*weighted_dot[width_count])(const double* guard, std::int64_t rows, const double* a,
                                    const double* b, double* out);
  // out = Σ_i guard_i |x_i|
  void (*weighted_size[width_count])(const double* guard, std::int64_t rows, const double* x,
                                     double* out);
  // to += factor · from
  void (*add_scaled[width_count])(const double* factor, std::int64_t rows, const double* from,
                                  double* to);
  // x *= factor
  void (*scale[width_count])(const double* factor, std::int64_t rows, double* x);
};

struct Kernels {
  const char* name;
  TileKernels<double> of_double;
  TileKernels<float> of_float;
  BlockKernels blocks;
  VectorKernels vectors;
};

template <class Value>
const TileKernels<Value>& tile_kernels(const Kernels& kernels);
template <>
inline const TileKernels<double>& tile_kernels<double>(const Kernels& kernels) {
  return kernels.of_double;
}
template <>
inline const TileKernels<float>& tile_kernels<float>(const Kernels& kernels) {
  return kernels.of_float;
}

// The best set that this processor runs and that `name` allows ("" for any); null if none has
// that name here.
const Kernels* find_kernels(const char* name);

}  // namespace carbonflows
