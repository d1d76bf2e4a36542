// Squares of derivatives, cell by cell.
#include <algorithm>
#include <vector>

#include "visit.hpp"
#include "carbonflows/spread.hpp"
#include "carbonflows/threads.hpp"

namespace carbonflows {
namespace {

// Four sums that do not wait for each other.
double dot(const double* a, const double* b, std::int64_t count) {
  double s0 = 0.0, s1 = 0.0, s2 = 0.0, s3 = 0.0;
  std::int64_t k = 0;
  for (; k + 4 <= count; k += 4) {
    s0 += a[k] * b[k];
    s1 += a[k + 1] * b[k + 1];
    s2 += a[k + 2] * b[k + 2];
    s3 += a[k + 3] * b[k + 3];
  }
  for (; k < count; ++k) s0 += a[k] * b[k];
  return (s0 + s1) + (s2 + s3);
}

}  // namespace

void row_spread(const TiledMatrix<double>& matrix, const double* left, const double* right,
                std::int64_t columns, std::span<const double> weight, std::span<double> out,
                int threads) {
  parallel_for(threads, matrix.blocks(), [&](std::int64_t r) {
    const std::int64_t start = matrix.starts[at(r)];
    std::vector<double> own(at(matrix.rows(r)));
    for (std::int64_t i = 0; i < matrix.rows(r); ++i) {
      const std::int64_t row = (start + i) * columns;
      own[at(i)] = dot(left + row, right + row, columns);
      out[at(start + i)] = 0.0;
    }
    for (std::int64_t s = 0; s < matrix.blocks(); ++s) {
      const std::int64_t first = matrix.starts[at(s)];
      visit_tile(matrix.tile(r, s), [&](std::int64_t i, std::int64_t j, double a) {
        const double* here = left + (start + i) * columns;
        const double moved = dot(here, right + (first + j) * columns, columns) - own[at(i)];
        out[at(start + i)] += a * a * weight[at(first + j)] * (moved * moved);
      });
    }
  });
}

}  // namespace carbonflows
