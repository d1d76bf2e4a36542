// Products of blocks of vectors with each other and with squares, a few rows at a time.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "carbonflows/groups.hpp"
#include "squares.hpp"

namespace carbonflows {

// Rows that one member of a team works on at a time.
constexpr std::int64_t chunk_rows = 256;

template <class Value>
class BlockProducts {
 public:
  using Vectors = Buffer<Value>;

  BlockProducts(const ProductKernels<Value>& kernels, std::int64_t n)
      : kernels_(kernels), n_(n), chunks_((n + chunk_rows - 1) / chunk_rows) {}

  // For blocks of the panels of a group, which has to outlive them.
  void begin(const Group& group) {
    group_ = &group;
    scratch_.resize(at(n_ * group.width));
  }
  // Have room for Gram matrices in so many places.
  void grow(std::int64_t places) {
    if (grams_.size() < at(places * chunks_)) grams_.resize(at(places * chunks_));
  }

  std::int64_t chunks() const { return chunks_; }
  std::int64_t rows_of(std::int64_t chunk) const {
    return std::min(chunk_rows, n_ - chunk * chunk_rows);
  }
  Value* in_chunk(Vectors& vectors, const Panel& panel, std::int64_t chunk) const {
    return vectors.data() + n_ * panel.first + chunk * chunk_rows * panel.width();
  }
  // Work space of a block.
  Vectors& scratch() { return scratch_; }

  // What a chunk adds to the Gram matrix in a place; `total` adds them up in their order.
  void gram(std::int64_t chunk, Vectors& a, Vectors& b, int place) {
    Square& sum = grams_[at(place * chunks_ + chunk)];
    sum.assign(group_->width);
    for (const Panel& left : group_->panels) {
      for (const Panel& right : group_->panels) {
        kernels_.gram[right.index](rows_of(chunk), in_chunk(a, left, chunk), left.width(),
                                   in_chunk(b, right, chunk), sum.at(left.first, right.first),
                                   group_->width);
      }
    }
  }
  Square total(int place) const {
    Square sum;
    sum.assign(group_->width);
    for (std::int64_t chunk = 0; chunk < chunks_; ++chunk) {
      sum += grams_[at(place * chunks_ + chunk)];
    }
    return sum;
  }

  // to += from · square, or with `triangular`, of a square with zeros below its diagonal.
  void add(std::int64_t chunk, const Vectors& square, Vectors& from, Vectors& to,
           bool triangular = false) const {
    const int width = group_->width;
    for (const Panel& left : group_->panels) {
      for (const Panel& right : group_->panels) {
        if (triangular && left.first > right.first) continue;
        kernels_.add_product[right.index](square.data() + left.first * width + right.first, width,
                                          rows_of(chunk), in_chunk(from, left, chunk), left.width(),
                                          in_chunk(to, right, chunk));
      }
    }
  }
  // x = x · triangle
  void multiply(std::int64_t chunk, const Vectors& triangle, Vectors& x) {
    for (const Panel& panel : group_->panels) {
      Value* from = in_chunk(x, panel, chunk);
      const std::int64_t length = rows_of(chunk) * panel.width();
      std::copy_n(from, length, in_chunk(scratch_, panel, chunk));
      std::fill_n(from, length, Value{0});
    }
    add(chunk, triangle, scratch_, x, true);
  }

 private:
  const ProductKernels<Value>& kernels_;
  const std::int64_t n_;
  const std::int64_t chunks_;
  const Group* group_ = nullptr;
  std::vector<Square> grams_;  // what each chunk adds, place by place
  Vectors scratch_;
};

}  // namespace carbonflows
