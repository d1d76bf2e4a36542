#include "carbonflows/draws.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "carbonflows/kernels.hpp"
#include "support.hpp"

using namespace support;
using namespace carbonflows;

namespace {

std::vector<std::string> names_that_run_here() {
  std::vector<std::string> found;
  for (const char* name : {"baseline", "avx2", "avx512"}) {
    const Kernels* kernels = find_kernels(name);
    if (kernels != nullptr && std::string(kernels->name) == name) found.emplace_back(name);
  }
  return found;
}

}  // namespace

TEST_CASE("random words are those that Philox is published with, wherever a run of them starts") {
  for (const std::string& name : names_that_run_here()) {
    const DrawKernels& kernels = draw_kernels(name.c_str());
    CHECK(kernels.name == name);
    std::vector<std::uint32_t> words(4 * 70);
    const Draw zero{0, 0, 0, Distribution::uniform};
    kernels.words(zero, 0, 1, words.data());
    CHECK(words[0] == 0x6627e8d5U);
    CHECK(words[1] == 0xe169c58dU);
    CHECK(words[2] == 0xbc57ac4cU);
    CHECK(words[3] == 0x9b00dbd8U);
    const Draw all{0xffffffffffffffffU, 0xffffffffU, 0xffffffffU, Distribution::uniform};
    kernels.words(all, 0xffffffffffffffffU, 1, words.data());
    CHECK(words[0] == 0x408f276dU);
    CHECK(words[3] == 0x6d5451fdU);
    kernels.words(zero, 1000, 70, words.data());
    for (const std::int64_t k : {0, 1, 15, 16, 17, 69}) {
      std::vector<std::uint32_t> one(4);
      kernels.words(zero, 1000 + static_cast<std::uint64_t>(k), 1, one.data());
      CHECK(std::equal(one.begin(), one.end(), words.begin() + 4 * k));
    }
  }
}

TEST_CASE("each year has words of its own, which are those of far away places of no year") {
  const Draw none{7, 3, 1, Distribution::uniform}, year{7, 3, 1, Distribution::uniform, 2009};
  for (const std::string& name : names_that_run_here()) {
    const DrawKernels& kernels = draw_kernels(name.c_str());
    std::vector<std::uint32_t> words(4 * 9), here(4 * 9), far(4 * 9);
    kernels.words(none, 5, 9, words.data());
    kernels.words(year, 5, 9, here.data());
    kernels.words(none, 5 + (std::uint64_t{2009} << 48), 9, far.data());
    CHECK(here == far);
    CHECK(here != words);
  }
}

TEST_CASE("drawn cells are the same on any threads, in any tiles and with any instruction set") {
  const Ints whole = {0, 60}, parts = {0, 3, 20, 21, 60};
  const Draw draw{7, 3, 0, Distribution::lognormal};
  Ints rows(60);
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<std::int64_t>(i);
  const Doubles ones(60, 1.0);
  CellNumbers deviations;
  deviations.everywhere = 0.3;
  for (const double density : {0.3, 1.0}) {
    const Doubles a = random_matrix(whole, 1, density);
    Floats expected;
    for (const Ints& starts : {whole, parts}) {
      const auto owned = tiled(a, starts, 1);
      const TiledMatrix<double> matrix = owned.view();
      for (const std::string& name : names_that_run_here()) {
        for (const int threads : {1, 3}) {
          Floats values(matrix.values.size(), 0.0F);
          Doubles sums(60);
          draw_cells(matrix, draw, deviations, rows, ones, {}, values, sums,
                     draw_kernels(name.c_str()), threads);
          const TiledMatrix<float> drawn{matrix.starts, matrix.entries, matrix.masks, values};
          Floats dense(60 * 60);
          drawn.unpack_negated(false, dense, 1);
          if (expected.empty()) expected = dense;
          CHECK(dense == expected);
          for (std::size_t i = 0; i < 60; ++i) {
            double sum = 0.0;
            for (std::size_t j = 0; j < 60; ++j) sum -= static_cast<double>(dense[j * 60 + i]);
            CHECK(sums[i] == doctest::Approx(sum));
          }
          Floats by_row(values.size(), 0.0F), at_once(values.size(), 0.0F);
          Doubles rest(60), ratios(60), same(60);
          for (std::size_t i = 0; i < 60; ++i) {
            rest[i] = i == 7 ? -sums[i] : 1.0 + static_cast<double>(i);
            ratios[i] = ratio_of_outputs(1.0, sums[i] + rest[i]);
          }
          CHECK(ratios[7] == 1.0);
          CHECK(ratios[8] == 1.0 / (sums[8] + 9.0));
          draw_cells(matrix, draw, deviations, rows, ones, rest, at_once, same,
                     draw_kernels(name.c_str()), threads);
          CHECK(same == sums);
          by_row = values;
          scale_rows(matrix, ratios, by_row, threads);
          CHECK(by_row == at_once);
        }
      }
    }
  }
}
