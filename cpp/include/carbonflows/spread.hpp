// What independent errors of the cells of a matrix do to one number that depends on them all.
#pragma once

#include <cstdint>
#include <span>

#include "carbonflows/tiles.hpp"

namespace carbonflows {

// out (n): Σ_j a_ij² weight_j (left_i · (right_j − right_i))² of each row i. `left` and `right`
// have n rows of `columns` numbers, and the squares are those of single cells: nothing cancels in
// sums.
void row_spread(const TiledMatrix<double>& matrix, const double* left, const double* right,
                std::int64_t columns, std::span<const double> weight, std::span<double> out,
                int threads);

}  // namespace carbonflows
