#include "carbonflows/tiles.hpp"

#include <doctest/doctest.h>

#include "support.hpp"

using namespace support;

namespace {

const std::vector<Ints> partitions = {{0, 1},          {0, 5},       {0, 256}, {0, 3, 20, 21, 60},
                                      {0, 16, 32, 48}, {0, 200, 241}};

Doubles back_to_dense(const carbonflows::TiledMatrix<double>& matrix) {
  const std::int64_t n = matrix.size();
  Ints starts(at(n) + 1, 0);
  matrix.row_counts(std::span(starts).subspan(1), 2);
  for (std::int64_t i = 0; i < n; ++i) starts[at(i) + 1] += starts[at(i)];
  Ints positions(at(starts.back()));
  Doubles values(at(starts.back()));
  matrix.unpack_rows(starts, positions, values, 2);
  Doubles dense(at(n * n), 0.0);
  for (std::int64_t i = 0; i < n; ++i) {
    for (std::int64_t e = starts[at(i)]; e < starts[at(i) + 1]; ++e) {
      dense[at(i * n + positions[at(e)])] = values[at(e)];
      if (e > starts[at(i)]) CHECK(positions[at(e)] > positions[at(e) - 1]);
    }
  }
  return dense;
}

}  // namespace

TEST_CASE("tiles give back the matrix they were built from, bit for bit") {
  for (const Ints& starts : partitions) {
    for (const double density : {0.0, 0.05, 0.5, 1.0}) {
      const Doubles a = random_matrix(starts, 1, density);
      for (const int threads : {1, 3}) {
        const auto owned = tiled(a, starts, threads);
        CHECK(back_to_dense(owned.view()) == a);
        Doubles negated(a.size(), 5.0);
        owned.view().unpack_negated(false, negated, threads);
        const std::int64_t n = starts.back();
        bool same = true;
        for (std::int64_t i = 0; i < n; ++i) {
          for (std::int64_t j = 0; j < n; ++j) {
            same = same && negated[at(j * n + i)] == -a[at(i * n + j)];
          }
        }
        CHECK(same);
      }
    }
  }
}

TEST_CASE("rows, columns and dense arrays of either order build the same arrays") {
  for (const Ints& starts : partitions) {
    const std::int64_t n = starts.back();
    const Doubles a = random_matrix(starts, 2, 0.4, 0.6, true);
    const Doubles divisor = [&] {
      Doubles d = random_vector(n, 3);
      d[0] = 0.0;
      return d;
    }();
    const auto expected = build<double>(
        carbonflows::Source<std::int64_t>{n, false, nullptr, nullptr, a.data(), n, divisor.data()},
        starts, 1);
    for (const bool by_column : {false, true}) {
      Doubles lines(a);
      std::vector<std::int32_t> line_starts{0};
      std::vector<std::int32_t> positions;
      Doubles values;
      for (std::int64_t line = 0; line < n; ++line) {
        for (std::int64_t p = 0; p < n; ++p) {
          const double value = by_column ? a[at(p * n + line)] : a[at(line * n + p)];
          lines[at(line * n + p)] = value;
          if (value != 0.0) {
            positions.push_back(static_cast<std::int32_t>(p));
            values.push_back(value);
          }
        }
        line_starts.push_back(static_cast<std::int32_t>(positions.size()));
      }
      const auto sparse = build<double>(
          carbonflows::Source<std::int32_t>{n, by_column, line_starts.data(), positions.data(),
                                            values.data(), 0, divisor.data()},
          starts, 2);
      const auto dense =
          build<double>(carbonflows::Source<std::int64_t>{n, by_column, nullptr, nullptr,
                                                          lines.data(), n, divisor.data()},
                        starts, 2);
      for (const auto* got : {&sparse, &dense}) {
        CHECK(got->masks == expected.masks);
        CHECK(got->values == expected.values);
        for (std::size_t e = 0; e < expected.entries.size(); ++e) {
          CHECK(got->entries[e].kind == expected.entries[e].kind);
          CHECK(got->entries[e].values == expected.entries[e].values);
        }
      }
    }
    const Doubles back = back_to_dense(expected.view());
    for (std::int64_t i = 0; i < n; ++i) {
      for (std::int64_t j = 0; j < n; ++j) {
        const double d = divisor[at(j)];
        CHECK(back[at(i * n + j)] == (d == 0.0 ? 0.0 : a[at(i * n + j)] / d));
      }
    }
  }
}

TEST_CASE("the three kinds of tile occur where they should") {
  const Ints starts{0, 32, 64};
  Doubles a(64 * 64, 0.0);
  for (std::int64_t i = 0; i < 32; ++i) {
    for (std::int64_t j = 0; j < 32; ++j) a[at(i * 64 + j)] = 0.01;
  }
  a[33] = -0.5;  // row 0, column 33
  const auto owned = tiled(a, starts);
  const auto matrix = owned.view();
  CHECK(matrix.tile(0, 0).kind == carbonflows::TileKind::dense);
  CHECK(matrix.tile(0, 1).kind == carbonflows::TileKind::packed);
  CHECK(matrix.tile(1, 0).kind == carbonflows::TileKind::empty);
  CHECK(matrix.entry(0, 1).count == 1);
  CHECK(matrix.lowest(2) == -0.5);
}

TEST_CASE("masks that do not fit their tile are found") {
  for (const Ints& starts : partitions) {
    const Doubles a = random_matrix(starts, 3, 0.3);
    for (const int threads : {1, 3}) {
      auto owned = tiled(a, starts, threads);
      CHECK(owned.view().masks_fit(threads));
      for (std::size_t place = 0; place < owned.masks.size();
           place += 1 + owned.masks.size() / 50) {
        for (unsigned bit = 0; bit < 16; ++bit) {
          owned.masks[place] = static_cast<std::uint16_t>(owned.masks[place] ^ (1U << bit));
          CHECK_FALSE(owned.view().masks_fit(threads));
          owned.masks[place] = static_cast<std::uint16_t>(owned.masks[place] ^ (1U << bit));
        }
      }
    }
  }
}

TEST_CASE("a mask that counts right and stands for a column outside is found") {
  const Ints starts{0, 5};
  Doubles a(25, 0.0);
  a[0] = 0.5;
  auto owned = tiled(a, starts);
  for (unsigned bit = 0; bit < 16; ++bit) {
    owned.masks[0] = static_cast<std::uint16_t>(1U << bit);
    CHECK(owned.view().masks_fit(1) == (bit < 5));
  }
}
