// Small random matrices, and the slow and obvious versions of what the core does with them.
#pragma once

#include <cmath>
#include <cstdint>
#include <numeric>
#include <random>
#include <vector>

#include "carbonflows/kernels.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/tiles.hpp"

namespace support {

using Ints = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
using Floats = std::vector<float>;

using carbonflows::at;

// A dense row-major matrix whose domestic blocks are fuller than the rest, columns summing to
// `column_sum`; some rows and columns are empty.
inline Doubles random_matrix(const Ints& starts, std::uint32_t seed, double density,
                             double column_sum = 0.6, bool negatives = false) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  const std::int64_t n = starts.back();
  Doubles a(at(n * n), 0.0);
  for (std::size_t r = 0; r + 1 < starts.size(); ++r) {
    for (std::size_t s = 0; s + 1 < starts.size(); ++s) {
      const double share = r == s ? 0.5 + density / 2 : density;
      for (std::int64_t i = starts[r]; i < starts[r + 1]; ++i) {
        for (std::int64_t j = starts[s]; j < starts[s + 1]; ++j) {
          if (i % 11 == 7 || j % 13 == 5 || uniform(random) >= share) continue;
          a[at(i * n + j)] = uniform(random) * (r == s ? 3.0 : 1.0);
          if (negatives && uniform(random) < 0.1) a[at(i * n + j)] *= -1.0;
        }
      }
    }
  }
  for (std::int64_t j = 0; j < n; ++j) {
    double sum = 0.0;
    for (std::int64_t i = 0; i < n; ++i) sum += std::abs(a[at(i * n + j)]);
    for (std::int64_t i = 0; sum > 0.0 && i < n; ++i) a[at(i * n + j)] *= column_sum / sum;
  }
  return a;
}

inline Doubles random_vector(std::int64_t size, std::uint32_t seed) {
  std::mt19937 random(seed);
  std::uniform_real_distribution<double> uniform(0.0, 1.0);
  Doubles x(at(size));
  for (double& value : x) value = uniform(random);
  return x;
}

// Owns the flat arrays of a tiled matrix.
template <class Value>
struct Owned {
  Ints starts;
  std::vector<carbonflows::TileEntry> entries;
  std::vector<std::uint16_t> masks;
  std::vector<Value> values;

  carbonflows::TiledMatrix<Value> view() const { return {starts, entries, masks, values}; }
};

template <class Value, class Index>
Owned<Value> build(const carbonflows::Source<Index>& source, const Ints& starts, int threads) {
  Owned<Value> owned;
  owned.starts = starts;
  owned.entries.resize((starts.size() - 1) * (starts.size() - 1));
  const auto totals =
      carbonflows::plan_tiles(source, std::span(owned.starts), std::span(owned.entries), threads);
  owned.masks.resize(at(totals.masks), 0xffff);  // garbage that filling must overwrite
  owned.values.resize(at(totals.values), Value{-7});
  carbonflows::fill_tiles(source, std::span<const std::int64_t>(owned.starts),
                          std::span<const carbonflows::TileEntry>(owned.entries),
                          std::span(owned.masks), std::span(owned.values), threads);
  return owned;
}

inline carbonflows::Source<std::int64_t> dense_source(const Doubles& a, std::int64_t n) {
  return {n, false, nullptr, nullptr, a.data(), n, nullptr};
}

template <class Value = double>
Owned<Value> tiled(const Doubles& a, const Ints& starts, int threads = 1) {
  return build<Value>(dense_source(a, starts.back()), starts, threads);
}

// Solve the dense system for every column of b by Gauss elimination with row exchanges.
inline Doubles solve_dense(Doubles m, Doubles b) {
  const auto n = static_cast<std::int64_t>(std::sqrt(static_cast<double>(m.size())) + 0.5);
  const auto columns = static_cast<std::int64_t>(b.size()) / n;
  for (std::int64_t k = 0; k < n; ++k) {
    std::int64_t best = k;
    for (std::int64_t i = k; i < n; ++i) {
      if (std::abs(m[at(i * n + k)]) > std::abs(m[at(best * n + k)])) best = i;
    }
    for (std::int64_t j = 0; j < n; ++j) std::swap(m[at(k * n + j)], m[at(best * n + j)]);
    for (std::int64_t c = 0; c < columns; ++c) {
      std::swap(b[at(k * columns + c)], b[at(best * columns + c)]);
    }
    for (std::int64_t i = 0; i < n; ++i) {
      if (i == k) continue;
      const double f = m[at(i * n + k)] / m[at(k * n + k)];
      for (std::int64_t j = k; j < n; ++j) m[at(i * n + j)] -= f * m[at(k * n + j)];
      for (std::int64_t c = 0; c < columns; ++c)
        b[at(i * columns + c)] -= f * b[at(k * columns + c)];
    }
  }
  for (std::int64_t k = 0; k < n; ++k) {
    for (std::int64_t c = 0; c < columns; ++c) b[at(k * columns + c)] /= m[at(k * n + k)];
  }
  return b;
}

inline std::vector<const carbonflows::Kernels*> all_kernels() {
  std::vector<const carbonflows::Kernels*> found;
  for (const char* name : {"baseline", "avx2", "avx512"}) {
    if (const auto* kernels = carbonflows::find_kernels(name)) found.push_back(kernels);
  }
  return found;
}

inline void no_interrupt() {}

}  // namespace support
