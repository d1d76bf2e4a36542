// Passes over the tiles and the block Gauss-Seidel iteration built from them.
//
// With B = A or A', the system is (I − B) X = Y. Split I − B = D − Lower − Upper by blocks, D the
// block diagonal. A sweep solves (D − Lower) X⁺ = Y + Upper X block by block and so reads each
// tile once. The residual of X⁺ is Upper (X⁺ − X), which the next sweep forms anyway.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <type_traits>
#include <vector>

#include "carbonflows/kernels.hpp"
#include "carbonflows/threads.hpp"
#include "carbonflows/tiles.hpp"

namespace carbonflows {

// Right-hand sides beside each other, as many as a kernel takes. `first` counts those of the group
// before it, spare ones too: in a vector of n rows the panel begins at n · first.
struct Panel {
  int index;  // into `widths`
  int first;
  int width() const { return widths[index]; }
};

// Right-hand sides or solutions as the caller holds them: element (i, k) at i*row + k*column.
template <class Number>
struct Columns {
  Number* data;
  std::int64_t rows;
  std::int64_t columns;
  std::ptrdiff_t row;
  std::ptrdiff_t column;
};

template <class Value>
using Other = std::conditional_t<sizeof(Value) == sizeof(double), float, double>;

template <class Value>
struct Operator {
  TiledMatrix<Value> matrix;
  bool adjoint;
  Semiring semiring;
  const Kernels* kernels;
  // Where the matrix is kept in the other precision, its values: `matrix` has none then.
  std::span<const Other<Value>> other = {};
  // Whether the matrix is that of the squares of its values.
  bool squared = false;

  // out = B x in this semiring.
  void product(Columns<const double> x, Columns<double> out, const Run& run) const;
  // out (the panels of block r) gets B_rs · x joined to it, x being the panels of the whole vector.
  void tile_pass(std::int64_t r, std::int64_t s, const Value* x, Value* out,
                 std::span<const Panel> panels) const;
  const KernelSet<Value>& kernel_set() const { return kernels->of<Value>(); }
  bool empty(std::int64_t r, std::int64_t s) const {
    return (adjoint ? matrix.entry(s, r) : matrix.entry(r, s)).count == 0;
  }
  std::int64_t count(std::int64_t r, std::int64_t s) const {
    return (adjoint ? matrix.entry(s, r) : matrix.entry(r, s)).count;
  }
};

// LU factors of the blocks of D, one after the other; those of I − A_rr serve both directions.
template <class Value>
struct Factors {
  std::span<const Value> values;         // Σ rows², block by block
  std::span<const std::int32_t> pivots;  // one a row
};

// Where each block's factors begin in `Factors::values`; the last entry is their number.
std::vector<std::int64_t> factor_starts(std::span<const std::int64_t> starts);

// Factor I − A_rr (or I − |A_rr|) for every block. Returns the row whose pivot vanished, or -1.
template <class Value>
std::int64_t factor_blocks(const TiledMatrix<Value>& matrix, bool absolute, const Kernels& kernels,
                           std::span<double> factors, std::span<std::int32_t> pivots, int threads);

// When to stop: once Σ_i residual_weight_i |r_i| is expected to be at most goal · Σ_i
// value_weight_i |x_i| for every right-hand side, or after `sweeps`. Without weights, after
// `sweeps` exactly.
struct Stopping {
  std::span<const double> residual_weight;
  std::span<const double> value_weight;
  double goal = 0.0;
  int sweeps = 0;
};

// (I − B) X = Y, and where to start. Both ways to solve it improve X, and return the passes over
// the matrix, the most over all groups of right-hand sides.
template <class Value>
struct System {
  const Operator<Value>& op;
  Factors<Value> factors;
  Columns<const double> y;
  Columns<double> x;  // holds the start values
  bool start_is_zero;
  Stopping stopping;

  // Block Gauss-Seidel sweeps.
  int gauss_seidel(const Run& run) const;
  // GMRES with the lower half of a sweep as its preconditioner; it needs the weights.
  int gmres(const Run& run) const;
  // The same, in which up to `shared` right-hand sides have one Krylov space.
  int block_gmres(const Run& run, std::int64_t shared) const;
};

}  // namespace carbonflows
