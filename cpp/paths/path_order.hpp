// What is done with the paths once they are found: their order, their rows, and what is left.
#pragma once

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "carbonflows/paths.hpp"
#include "carbonflows/threads.hpp"
#include "path_tree.hpp"

namespace carbonflows {

// By size, ties by fewer stages, then by the positions of their rows, final product first.
class PathOrder {
 public:
  PathOrder(const PathTree& tree, std::span<const std::int64_t> position)
      : tree_(&tree), position_(position) {}

  bool operator()(const Found& one, const Found& other) const {
    const double a = std::abs(one.value);
    const double b = std::abs(other.value);
    if (a != b) return a > b;
    std::uint32_t p = one.prefix;
    std::uint32_t q = other.prefix;
    if ((*tree_)[p].stage != (*tree_)[q].stage) return (*tree_)[p].stage < (*tree_)[q].stage;
    std::int64_t difference = 0;  // where they part first, hence the last that is seen on the way
    for (; p != q; p = (*tree_)[p].parent, q = (*tree_)[q].parent) {
      const std::int64_t here = position((*tree_)[p]) - position((*tree_)[q]);
      if (here != 0) difference = here;
    }
    return difference < 0;
  }

  // Sort by size into many small buckets first, which threads then sort one by one.
  void sort(std::vector<Found>& paths, int threads) const {
    if (paths.empty()) return;
    const auto key = [](const Found& path) {
      return std::bit_cast<std::uint64_t>(std::abs(path.value)) >> 46U;
    };
    constexpr std::uint64_t most = 1U << 16U;
    std::uint64_t largest = 0;
    for (const Found& path : paths) largest = std::max(largest, key(path));
    const auto bucket = [&](const Found& path) { return std::min(largest - key(path), most); };
    std::vector<std::size_t> starts(most + 2, 0);
    for (const Found& path : paths) ++starts[bucket(path) + 1];
    for (std::size_t b = 0; b + 1 < starts.size(); ++b) starts[b + 1] += starts[b];
    std::vector<Found> sorted(paths.size());
    std::vector<std::size_t> next(starts);
    for (const Found& path : paths) sorted[next[bucket(path)]++] = path;
    paths.swap(sorted);
    const auto first = paths.begin();
    parallel_for(threads, static_cast<std::int64_t>(most + 1), [&](std::int64_t b) {
      const auto begin = static_cast<std::ptrdiff_t>(starts[at(b)]);
      const auto end = static_cast<std::ptrdiff_t>(starts[at(b) + 1]);
      if (end - begin > 1) std::sort(first + begin, first + end, *this);
    });
  }

  // Write values and rows as columns.
  void write(const std::vector<Found>& paths, int threads, PathsFound& out) const {
    out.values = Owned<double>(paths.size());
    out.starts = Owned<std::int64_t>(paths.size() + 1);
    in_pieces(paths.size(), threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        out.values.data[p] = paths[p].value;
        out.starts.data[p + 1] = (*tree_)[paths[p].prefix].stage + 1;
      }
    });
    std::int64_t* starts = out.starts.data.get();
    starts[0] = 0;
    for (std::size_t p = 0; p < paths.size(); ++p) starts[p + 1] += starts[p];
    out.rows = Owned<std::int32_t>(at(starts[paths.size()]));
    in_pieces(paths.size(), threads, [&](std::size_t begin, std::size_t end) {
      for (std::size_t p = begin; p < end; ++p) {
        std::int32_t* place = out.rows.data.get() + starts[p + 1];
        for (std::uint32_t n = paths[p].prefix; (*tree_)[n].stage >= 0; n = (*tree_)[n].parent) {
          *--place = static_cast<std::int32_t>(position((*tree_)[n]));
        }
      }
    });
  }

 private:
  std::int64_t position(const Prefix& prefix) const { return position_[at(prefix.row())]; }

  template <class Body>
  static void in_pieces(std::size_t size, int threads, Body body) {
    constexpr std::size_t piece = 4096;
    parallel_for(threads, static_cast<std::int64_t>((size + piece - 1) / piece),
                 [&](std::int64_t p) {
                   const std::size_t begin = at(p) * piece;
                   body(begin, std::min(begin + piece, size));
                 });
  }

  const PathTree* tree_;
  std::span<const std::int64_t> position_;
};

// Sums by stage that do not depend on the order of addition: whole numbers of 2⁻⁹⁰ of a scale.
class PrunedSums {
 public:
  explicit PrunedSums(double scale)
      : exponent_(scale > 0.0 && std::isfinite(scale) ? 90 - std::ilogb(scale) : 0) {}

  void add(std::int64_t stage, double value) {
    if (value == 0.0) return;
    grow(at(stage), at(stage) + 1);
    sums_[at(stage) - first_] += static_cast<Whole>(std::ldexp(value, exponent_));
  }
  void add(const PrunedSums& other) {
    if (other.sums_.empty()) return;
    grow(other.first_, other.first_ + other.sums_.size());
    for (std::size_t k = 0; k < other.sums_.size(); ++k) {
      sums_[other.first_ - first_ + k] += other.sums_[k];
    }
  }
  // Of all stages from 0 on.
  std::vector<double> values() const {
    std::vector<double> out(sums_.empty() ? 0 : first_, 0.0);
    for (const Whole sum : sums_) out.push_back(std::ldexp(static_cast<double>(sum), -exponent_));
    return out;
  }

 private:
  __extension__ typedef __int128 Whole;

  // Hold the stages from `begin` to `end`, too: a part of a deep tree has no entries before it.
  void grow(std::size_t begin, std::size_t end) {
    if (sums_.empty()) first_ = begin;
    if (begin < first_) {
      sums_.insert(sums_.begin(), first_ - begin, 0);
      first_ = begin;
    }
    if (first_ + sums_.size() < end) sums_.resize(end - first_, 0);
  }

  std::size_t first_ = 0;
  int exponent_;
  std::vector<Whole> sums_;
};

}  // namespace carbonflows
