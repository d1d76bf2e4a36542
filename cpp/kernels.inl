// The inner loops, compiled once per instruction set into a namespace of its own.
//
// The including file defines CARBONFLOWS_ISA, the name of that namespace. Nothing here may call
// an inline function of the standard library: the linker keeps one copy of those, and it might
// keep the one built for the newest processor.

#include <cstdint>

#include "carbonflows/kernels.hpp"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#endif

namespace carbonflows::CARBONFLOWS_ISA {
namespace {

// Doubles in one register of this instruction set.
#if defined(__AVX512F__)
constexpr int register_lanes = 8;
#elif defined(__AVX2__)
constexpr int register_lanes = 4;
#else
constexpr int register_lanes = 2;
#endif

// A vector of `size` doubles, and the same at any address.
template <int size>
struct Vector {
  typedef double type __attribute__((vector_size(size * sizeof(double))));
  typedef double loose __attribute__((vector_size(size * sizeof(double)), aligned(8)));
};

// The right-hand sides of one row as `parts` vectors of `lanes`.
template <int width>
struct Row {
  static constexpr int lanes = width < register_lanes ? width : register_lanes;
  static constexpr int parts = width / lanes;
  using Lanes = typename Vector<lanes>::type;
  using Loose = typename Vector<lanes>::loose;

  static Lanes load(const double* row, int part) {
    return *reinterpret_cast<const Loose*>(row + part * lanes);
  }
  static void store(double* row, int part, Lanes value) {
    *reinterpret_cast<Loose*>(row + part * lanes) = value;
  }
};

template <Semiring semiring>
inline double entry(double a) {
  return semiring == Semiring::sum ? a : __builtin_fabs(a);
}

template <Semiring semiring, class Number>
inline Number merge(Number sum, Number other) {
  if constexpr (semiring == Semiring::max_absolute) {
    return other > sum ? other : sum;
  } else {
    return sum + other;
  }
}

// sum ⊕ a x; a product and a sum become one instruction where there is one.
template <Semiring semiring, class Number>
inline Number join(Number sum, double a, Number x) {
  return merge<semiring>(sum, a * x);
}

// ---- from masks to column numbers ------------------------------------------------------------

// The positions of the set bits of every byte, lowest first, one position a byte.
struct BitTable {
  std::uint64_t positions[256];
};
constexpr BitTable make_bit_table() {
  BitTable table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned place = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      if (byte >> bit & 1U) table.positions[byte] |= std::uint64_t{bit} << (8 * place++);
    }
  }
  return table;
}
constexpr BitTable bit_table = make_bit_table();

// Room for the column numbers of one row, and for what a whole-vector store writes past them.
constexpr int index_room = static_cast<int>(max_block) + 64;

// Write the columns that one row of masks stands for; return how many. The table beats AVX-512's
// compressing instructions three to one on Zen 5.
inline int decode_row(const std::uint16_t* masks, std::int64_t chunks, std::uint8_t* columns) {
  int count = 0;
  for (std::int64_t c = 0; c < chunks; ++c) {
    const unsigned mask = masks[c];
    const std::uint64_t base = 0x0101010101010101U * static_cast<std::uint64_t>(16 * c);
    const std::uint64_t low = bit_table.positions[mask & 255U] + base;
    const std::uint64_t high =
        bit_table.positions[mask >> 8U] + base + 0x0808080808080808U;
    __builtin_memcpy(columns + count, &low, 8);
    count += __builtin_popcount(mask & 255U);
    __builtin_memcpy(columns + count, &high, 8);
    count += __builtin_popcount(mask >> 8U);
  }
  return count;
}

// Call row(i, values, columns, count) for each row of a tile that has entries; columns is null
// for a dense tile, whose entries are all the columns in order.
template <class Value, class Row>
inline void each_row(const Tile<Value>& tile, Row row) {
  const Value* values = tile.values;
  if (tile.kind == TileKind::dense) {
    const std::int64_t stride = dense_stride(tile.columns);
    for (std::int64_t i = 0; i < tile.rows; ++i, values += stride) {
      row(i, values, static_cast<const std::uint8_t*>(nullptr), static_cast<int>(tile.columns));
    }
  } else if (tile.kind == TileKind::packed) {
    const std::int64_t chunks = mask_count(tile.columns);
    const std::uint16_t* masks = tile.masks;
    alignas(64) std::uint8_t columns[index_room];
    for (std::int64_t i = 0; i < tile.rows; ++i, masks += chunks) {
      const int count = decode_row(masks, chunks, columns);
      row(i, values, static_cast<const std::uint8_t*>(columns), count);
      values += count;
    }
  }
}

#include "kernel_passes.inl"
#include "kernel_blocks.inl"
#include "kernel_vectors.inl"

// ---- the table of all of them ------------------------------------------------------------------

template <class Value>
constexpr TileKernels<Value> make_tile_kernels() {
  constexpr Semiring sum = Semiring::sum;
  constexpr Semiring absolute = Semiring::sum_absolute;
  constexpr Semiring largest = Semiring::max_absolute;
  TileKernels<Value> kernels = {
      {{forward<sum, 1, Value>, forward<sum, 4, Value>, forward<sum, 8, Value>,
        forward<sum, 16, Value>},
       {forward<absolute, 1, Value>, forward<absolute, 4, Value>, forward<absolute, 8, Value>,
        forward<absolute, 16, Value>},
       {forward<largest, 1, Value>, forward<largest, 4, Value>, forward<largest, 8, Value>,
        forward<largest, 16, Value>}},
      {{adjoint<sum, 1, Value>, adjoint<sum, 4, Value>, adjoint<sum, 8, Value>,
        adjoint<sum, 16, Value>},
       {adjoint<absolute, 1, Value>, adjoint<absolute, 4, Value>, adjoint<absolute, 8, Value>,
        adjoint<absolute, 16, Value>},
       {adjoint<largest, 1, Value>, adjoint<largest, 4, Value>, adjoint<largest, 8, Value>,
        adjoint<largest, 16, Value>}}};
#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__)
  kernels.forward[0][0] = forward_sum_1<Value>;
  kernels.adjoint[0][0] = adjoint_sum_1<Value>;
#endif
  return kernels;
}

constexpr BlockKernels make_block_kernels() {
  return {factor,
          {solve<1>, solve<4>, solve<8>, solve<16>},
          {solve_adjoint<1>, solve_adjoint<4>, solve_adjoint<8>, solve_adjoint<16>}};
}

constexpr VectorKernels make_vector_kernels() {
  return {{weighted_dot<1>, weighted_dot<4>, weighted_dot<8>, weighted_dot<16>},
          {weighted_size<1>, weighted_size<4>, weighted_size<8>, weighted_size<16>},
          {add_scaled<1>, add_scaled<4>, add_scaled<8>, add_scaled<16>},
          {scale<1>, scale<4>, scale<8>, scale<16>}};
}

}  // namespace

extern const Kernels kernels;
const Kernels kernels = {CARBONFLOWS_NAME, make_tile_kernels<double>(),
                         make_tile_kernels<float>(), make_block_kernels(), make_vector_kernels()};

}  // namespace carbonflows::CARBONFLOWS_ISA
