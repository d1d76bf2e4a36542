// The inner loops, compiled once per instruction set into a namespace of its own.
//
// The including file defines CARBONFLOWS_ISA, the name of that namespace. Nothing here may call
// an inline function of the standard library: the linker keeps one copy of those, and it might
// keep the one built for the newest processor.

#include <cstdint>
#include <utility>

#include "carbonflows/kernels.hpp"

#if defined(__AVX512F__) || defined(__AVX2__)
#include <immintrin.h>
#define CARBONFLOWS_WIDE
#endif

namespace carbonflows::CARBONFLOWS_ISA {
namespace {

// Bytes in one register of this instruction set, and numbers.
#if defined(__AVX512F__)
constexpr int register_bytes = 64;
#elif defined(__AVX2__)
constexpr int register_bytes = 32;
#else
constexpr int register_bytes = 16;
#endif
template <class Number>
constexpr int register_lanes = register_bytes / static_cast<int>(sizeof(Number));

// A vector of `size` numbers, and the same at any address.
template <class Number, int size>
struct Vector {
  typedef Number type __attribute__((vector_size(size * sizeof(Number))));
  typedef Number loose __attribute__((vector_size(size * sizeof(Number)), aligned(sizeof(Number))));
};

// The right-hand sides of one row as `parts` vectors of `lanes`.
template <class Number, int width>
struct Row {
  static constexpr int lanes = width < register_lanes<Number> ? width : register_lanes<Number>;
  static constexpr int parts = width / lanes;
  using Lanes = typename Vector<Number, lanes>::type;
  using Loose = typename Vector<Number, lanes>::loose;

  static Lanes load(const Number* row, int part) {
    return *reinterpret_cast<const Loose*>(row + part * lanes);
  }
  static void store(Number* row, int part, Lanes value) {
    *reinterpret_cast<Loose*>(row + part * lanes) = value;
  }
};

template <Semiring semiring, class Number>
inline Number entry(Number a) {
  return semiring == Semiring::sum || a >= Number{0} ? a : -a;
}

template <Semiring semiring, class Lanes>
inline Lanes merge(Lanes sum, Lanes other) {
  if constexpr (semiring == Semiring::max_absolute) {
    return other > sum ? other : sum;
  } else {
    return sum + other;
  }
}

// sum ⊕ a x; a product and a sum become one instruction where there is one.
template <Semiring semiring, class Number, class Lanes>
inline Lanes join(Lanes sum, Number a, Lanes x) {
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
    const std::uint64_t high = bit_table.positions[mask >> 8U] + base + 0x0808080808080808U;
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

#include "kernel_blocks.inl"
#include "kernel_passes.inl"
#include "kernel_products.inl"
#include "kernel_vectors.inl"

// ---- the table of all of them ------------------------------------------------------------------

template <class Value, int... index>
constexpr KernelSet<Value> make_kernel_set(std::integer_sequence<int, index...>) {
  constexpr Semiring sum = Semiring::sum;
  constexpr Semiring absolute = Semiring::sum_absolute;
  constexpr Semiring largest = Semiring::max_absolute;
  KernelSet<Value> kernels = {
      {{{forward<sum, widths[index], Value>...},
        {forward<absolute, widths[index], Value>...},
        {forward<largest, widths[index], Value>...}},
       {{adjoint<sum, widths[index], Value>...},
        {adjoint<absolute, widths[index], Value>...},
        {adjoint<largest, widths[index], Value>...}}},
      {{solve<widths[index], Value>...}, {solve_adjoint<widths[index], Value>...}},
      {{weighted_dot<widths[index], Value>...},
       {weighted_size<widths[index], Value>...},
       {add_scaled<widths[index], Value>...},
       {scale<widths[index], Value>...}},
      {{gram<widths[index], Value>...}, {add_product<widths[index], Value>...}}};
#if defined(CARBONFLOWS_WIDE)
  kernels.tiles.forward[0][0] = forward_sum_1<Value>;
  kernels.tiles.adjoint[0][0] = adjoint_sum_1<Value>;
#endif
  return kernels;
}

}  // namespace

using Indices = std::make_integer_sequence<int, width_count>;

extern const Kernels kernels;
const Kernels kernels = {CARBONFLOWS_NAME,
                         factor,
                         round,
                         widen,
                         make_kernel_set<double>(Indices{}),
                         make_kernel_set<float>(Indices{})};

}  // namespace carbonflows::CARBONFLOWS_ISA
