// Passes without an order among the blocks: products, and the factorisation of the blocks.
#include <algorithm>
#include <cmath>
#include <vector>

#include "carbonflows/buffers.hpp"
#include "carbonflows/groups.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/threads.hpp"

namespace carbonflows {
template <class Value>
void Operator<Value>::tile_pass(std::int64_t r, std::int64_t s, const Value* x, Value* out,
                                int width) const {
  const TileKernels<Value>& table = kernel_set().tiles;
  const auto ring = static_cast<int>(semiring);
  const int index = width_index(width);
  const Value* source = x + matrix.starts[at(s)] * width;
  if (adjoint) {
    table.adjoint[ring][index](matrix.tile(s, r), source, out);
  } else {
    table.forward[ring][index](matrix.tile(r, s), source, out);
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

std::int64_t factor_blocks(const TiledMatrix<double>& matrix, bool absolute, const Kernels& kernels,
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
  for (std::int64_t first = 0; first < x.columns; first += widest<Value>) {
    run.interrupt();
    const Group group = next_group<Value>(first, x.columns);
    const int width = group.width();
    source.resize(at(n * width));
    result.resize(source.size());
    pack(x, group, source.data());
    std::fill_n(result.begin(), n * width, Value{0});
    parallel_for(run.threads, matrix.blocks(), [&](std::int64_t r) {
      Value* target = result.data() + matrix.starts[at(r)] * width;
      for (std::int64_t s = 0; s < matrix.blocks(); ++s) {
        tile_pass(r, s, source.data(), target, width);
      }
    });
    unpack(result.data(), group, out);
  }
}

template struct Operator<double>;
template struct Operator<float>;

}  // namespace carbonflows
