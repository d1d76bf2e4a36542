// The prefixes that a path search has expanded: a tree that several threads let grow.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace carbonflows {

// A prefix: its weight y a ··· a, its last row, and how many of its suppliers were followed.
struct Prefix {
  static constexpr std::uint32_t met = 1U << 31U;

  double weight;
  std::uint32_t parent;
  std::uint32_t row_and_state;  // the top bit says whether T has been met
  std::uint32_t followed;
  std::int32_t stage;  // -1 for the root, which stands before all final products

  std::int64_t row() const { return row_and_state & ~met; }
  bool has_met() const { return (row_and_state & met) != 0; }
};

// A path's value, and the prefix that it is.
struct Found {
  double value;
  std::uint32_t prefix;
};

// Prefixes live in chunks that never move; a thread fills chunks of its own.
class PathTree {
 public:
  static constexpr int chunk_bits = 12;
  static constexpr std::uint32_t chunk = 1U << chunk_bits;
  static constexpr std::uint32_t none = 0xffffffffU;
  static constexpr std::int64_t most_chunks = (1 << (32 - chunk_bits)) - 1;  // numbers have 32 bits

  // Room for `most` prefixes, whichever threads add them: each leaves one chunk unfinished.
  PathTree(std::int64_t most, int threads)
      : chunks_(static_cast<std::size_t>(
            std::min<std::int64_t>(most / chunk + threads + 1, most_chunks))),
        limit_(static_cast<std::uint32_t>(chunks_.size())) {}

  // A thread's place in the tree.
  struct Cursor {
    std::uint32_t next = 0;
    std::uint32_t end = 0;
  };

  // Keep a prefix and return its number, or `none` if there is no room left.
  std::uint32_t add(Cursor& cursor, const Prefix& prefix) {
    if (cursor.next == cursor.end) {
      const std::uint32_t taken = used_.fetch_add(1);
      if (taken >= limit_) {
        used_.fetch_sub(1);
        return none;
      }
      chunks_[taken] = std::make_unique_for_overwrite<Prefix[]>(chunk);
      cursor.next = taken << chunk_bits;
      cursor.end = cursor.next + chunk;
    }
    (*this)[cursor.next] = prefix;
    return cursor.next++;
  }

  Prefix& operator[](std::uint32_t number) {
    return chunks_[number >> chunk_bits][number & (chunk - 1)];
  }
  const Prefix& operator[](std::uint32_t number) const {
    return chunks_[number >> chunk_bits][number & (chunk - 1)];
  }
  std::uint32_t chunks() const { return used_.load(); }

 private:
  std::vector<std::unique_ptr<Prefix[]>> chunks_;
  const std::uint32_t limit_;
  std::atomic<std::uint32_t> used_{0};
};

}  // namespace carbonflows
