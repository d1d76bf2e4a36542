// Two tables of one shape, looked at together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carbonflows/paths.hpp"

namespace carbonflows {

// Both tables' tiles of one place as dense arrays.
class TilePair {
 public:
  TilePair(const Chains& first, const Chains& second)
      : matrix_{&first.matrix(), &second.matrix()} {}

  // Call visit(row, values of the first table's row, of the second's, columns).
  template <class Visit>
  void each_row(std::int64_t r, std::int64_t b, Visit visit) {
    const std::int64_t height = matrix_[0]->rows(r);
    const std::int64_t width = matrix_[0]->rows(b);
    for (int which = 0; which < 2; ++which) {
      dense_[which].resize(at(height * width));
      matrix_[which]->tile(r, b).unpack(dense_[which]);
    }
    for (std::int64_t i = 0; i < height; ++i) {
      visit(matrix_[0]->starts[at(r)] + i, dense_[0].data() + i * width,
            dense_[1].data() + i * width, width);
    }
  }

 private:
  const TiledMatrix<double>* matrix_[2];
  std::vector<double> dense_[2];
};

}  // namespace carbonflows
