// Passes without an order among the blocks: products, and the factorisation of the blocks.
#include <algorithm>
#include <cmath>
#include <vector>

#include "carbonflows/buffers.hpp"
#include "carbonflows/groups.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/threads.hpp"

namespace carbonflows {
namespace {

// A tile that is converted as it is read, from the other precision or to squares: little beside
// many right-hand sides, and no second copy of the matrix. It lasts until this thread asks for the
// next.
template <class Value>
Tile<Value> converted_tile(const Operator<Value>& op, std::int64_t row, std::int64_t column) {
  static thread_local Buffer<Value> room(at(max_block * max_block + value_padding), Value{0});
  const auto held = [&](const auto& tile, auto convert) -> Tile<Value> {
    const std::int64_t count = tile.end - tile.values;
    convert(tile.values, count, room.data());
    if (op.squared) {
      for (std::int64_t k = 0; k < count; ++k) room[at(k)] *= room[at(k)];
    }
    const Value* first = room.data();
    return {tile.kind, tile.rows, tile.columns, first, tile.masks, first + count};
  };
  if (op.other.empty())
    return held(op.matrix.tile(row, column), std::copy_n<const Value*, std::int64_t, Value*>);
  const TiledMatrix<Other<Value>> source{op.matrix.starts, op.matrix.entries, op.matrix.masks,
                                         op.other};
  if constexpr (sizeof(Value) == sizeof(double)) {
    return held(source.tile(row, column), op.kernels->widen);
  } else {
    return held(source.tile(row, column), op.kernels->round);
  }
}

}  // namespace

template <class Value>
void Operator<Value>::tile_pass(std::int64_t r, std::int64_t s, const Value* x, Value* out,
                                std::span<const Panel> panels) const {
  const TileKernels<Value>& table = kernel_set().tiles;
  const auto& kernel = (adjoint ? table.adjoint : table.forward)[static_cast<int>(semiring)];
  const std::int64_t row = adjoint ? s : r;
  const std::int64_t column = adjoint ? r : s;
  const Tile<Value> tile =
      other.empty() && !squared ? matrix.tile(row, column) : converted_tile(*this, row, column);
  const std::int64_t start = matrix.starts[at(s)];
  for (const Panel& panel : panels) {
    kernel[panel.index](tile, x + matrix.size() * panel.first + start * panel.width(),
                        out + matrix.rows(r) * panel.first);
  }
}

std::vector<std::int64_t> factor_starts(std::span<const std::int64_t> starts) {
  std::vector<std::int64_t> first{0};
  for (std::size_t b = 0; b + 1 < starts.size(); ++b) {
    const std::int64_t rows = starts[b + 1] - starts[b];
    first.push_back(first.back() + rows * rows);
  }
  return first;
}

template <class Value>
std::int64_t factor_blocks(const TiledMatrix<Value>& matrix, bool absolute, const Kernels& kernels,
                           std::span<double> factors, std::span<std::int32_t> pivots, int threads) {
  const std::int64_t blocks = matrix.blocks();
  const std::vector<std::int64_t> first = factor_starts(matrix.starts);
  std::vector<std::int64_t> failed(at(blocks), -1);
  parallel_for(threads, blocks, [&](std::int64_t b) {
    const std::int64_t size = matrix.rows(b);
    const std::span<double> block = factors.subspan(at(first[at(b)]), at(size * size));
    matrix.tile(b, b).unpack(block);
    for (double& a : block) a = -(absolute ? std::abs(a) : a);
    for (std::int64_t i = 0; i < size; ++i) block[at(i * size + i)] += 1.0;
    const std::int64_t start = matrix.starts[at(b)];
    const std::int64_t step = kernels.factor(block.data(), pivots.data() + start, size);
    if (step >= 0) failed[at(b)] = start + step;
  });
  return *std::max_element(failed.begin(), failed.end());
}

template <class Value>
void Operator<Value>::product(Columns<const double> x, Columns<double> out, const Run& run) const {
  const std::int64_t n = matrix.size();
  Buffer<Value> source, result;
  for (std::int64_t first = 0; first < x.columns; first += most_columns) {
    run.interrupt();
    const Group group = next_group(first, x.columns, most_columns, &costs_of(*this));
    source.resize(at(n * group.width));
    result.resize(source.size());
    pack(x, group, source.data());
    parallel_for(run.threads, matrix.blocks(), [&](std::int64_t r) {
      Buffer<Value> sum(at(matrix.rows(r) * group.width), Value{0});
      for (std::int64_t s = 0; s < matrix.blocks(); ++s) {
        tile_pass(r, s, source.data(), sum.data(), group.panels);
      }
      for (const Panel& panel : group.panels) {
        std::copy_n(sum.data() + matrix.rows(r) * panel.first, matrix.rows(r) * panel.width(),
                    result.data() + n * panel.first + matrix.starts[at(r)] * panel.width());
      }
    });
    unpack(result.data(), group, out);
  }
}

template std::int64_t factor_blocks(const TiledMatrix<double>&, bool, const Kernels&,
                                    std::span<double>, std::span<std::int32_t>, int);
template std::int64_t factor_blocks(const TiledMatrix<float>&, bool, const Kernels&,
                                    std::span<double>, std::span<std::int32_t>, int);
template struct Operator<double>;
template struct Operator<float>;

}  // namespace carbonflows
