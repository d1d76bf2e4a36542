#include "carbonflows/kernels.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "support.hpp"

using namespace support;
using carbonflows::Semiring;

namespace {

// out ← out ⊕ (A or A') x, as the definition says.
Doubles expected_pass(const Doubles& a, std::int64_t rows, std::int64_t columns, bool adjoint,
                      Semiring semiring, const Doubles& x, Doubles out, int width) {
  for (std::int64_t i = 0; i < rows; ++i) {
    for (std::int64_t j = 0; j < columns; ++j) {
      const double value = a[at(i * columns + j)];
      const double weight = semiring == Semiring::sum ? value : std::abs(value);
      for (int w = 0; w < width; ++w) {
        double& target = out[at((adjoint ? j : i) * width + w)];
        const double term = weight * x[at((adjoint ? i : j) * width + w)];
        target = semiring == Semiring::max_absolute ? std::max(target, term) : target + term;
      }
    }
  }
  return out;
}

template <class Value>
void check_all(double tolerance) {
  for (const std::int64_t rows : {1, 17, 200, 256}) {
    for (const std::int64_t columns : {1, 8, 15, 35, 200, 256}) {
      for (const double density : {0.02, 0.3, 1.0}) {
        Doubles a(at(rows * columns));
        const Doubles draws = random_vector(rows * columns, 7);
        const Doubles chances = random_vector(rows * columns, 8);
        for (std::size_t e = 0; e < a.size(); ++e) {
          if (chances[e] < density) a[e] = static_cast<double>(static_cast<Value>(draws[e] - 0.3));
        }
        // One tile of a two-block matrix of which it is the upper right corner.
        const std::int64_t n = rows + columns;
        Doubles whole(at(n * n), 0.0);
        for (std::int64_t i = 0; i < rows; ++i) {
          std::copy_n(a.begin() + i * columns, columns, whole.begin() + i * n + rows);
        }
        const auto owned = tiled<Value>(whole, {0, rows, n});
        const auto tile = owned.view().tile(0, 1);
        for (const bool adjoint : {false, true}) {
          for (const auto semiring :
               {Semiring::sum, Semiring::sum_absolute, Semiring::max_absolute}) {
            for (int index = 0; index < carbonflows::width_count; ++index) {
              const int width = carbonflows::widths[index];
              const Doubles x = random_vector((adjoint ? rows : columns) * width, 9);
              const Doubles before = random_vector((adjoint ? columns : rows) * width, 10);
              const Doubles expected =
                  expected_pass(a, rows, columns, adjoint, semiring, x, before, width);
              const std::vector<Value> source(x.begin(), x.end());
              for (const auto* kernels : all_kernels()) {
                INFO(kernels->name);
                std::vector<Value> out(before.begin(), before.end());
                const auto& table = kernels->of<Value>().tiles;
                const auto& pass = adjoint ? table.adjoint : table.forward;
                pass[static_cast<int>(semiring)][index](tile, source.data(), out.data());
                double worst = 0.0;
                for (std::size_t e = 0; e < out.size(); ++e) {
                  worst = std::max(worst, std::abs(static_cast<double>(out[e]) - expected[e]));
                }
                CHECK(worst <= tolerance);
              }
            }
          }
        }
      }
    }
  }
}

}  // namespace

TEST_CASE("every pass of every instruction set agrees with its definition") {
  REQUIRE(!all_kernels().empty());
  check_all<double>(1e-12);
  check_all<float>(2e-4);
}

TEST_CASE("an unknown instruction set is not found") {
  CHECK(carbonflows::find_kernels("abacus") == nullptr);
}

namespace {

template <class Number>
void check_blocks(const carbonflows::Kernels& kernels, double tolerance) {
  for (const std::int64_t size : {1, 2, 15, 64, 200}) {
    Doubles d = random_matrix({0, size}, 11, 0.8, 0.7, true);
    for (double& value : d) value = -value;
    for (std::int64_t i = 0; i < size; ++i) d[at(i * size + i)] += 1.0;
    if (size > 2) std::swap_ranges(d.begin(), d.begin() + size, d.begin() + size);
    Doubles exact(d);
    std::vector<std::int32_t> pivots(at(size));
    REQUIRE(kernels.factor(exact.data(), pivots.data(), size) == -1);
    const std::vector<Number> factors(exact.begin(), exact.end());
    for (int index = 0; index < carbonflows::width_count; ++index) {
      const int width = carbonflows::widths[index];
      const Doubles b = random_vector(size * width, 12);
      for (const bool adjoint : {false, true}) {
        std::vector<Number> x(b.begin(), b.end());
        const auto& blocks = kernels.of<Number>().blocks;
        const auto& solve = adjoint ? blocks.solve_adjoint : blocks.solve;
        solve[index](factors.data(), pivots.data(), size, x.data());
        double worst = 0.0;
        for (std::int64_t i = 0; i < size; ++i) {
          for (int w = 0; w < width; ++w) {
            double sum = 0.0;
            for (std::int64_t j = 0; j < size; ++j) {
              sum += (adjoint ? d[at(j * size + i)] : d[at(i * size + j)]) *
                     static_cast<double>(x[at(j * width + w)]);
            }
            worst = std::max(worst, std::abs(sum - b[at(i * width + w)]));
          }
        }
        CHECK(worst < tolerance);
      }
    }
  }
}

}  // namespace

TEST_CASE("factored blocks solve forwards and backwards, exchanging rows where needed") {
  for (const auto* kernels : all_kernels()) {
    check_blocks<double>(*kernels, 1e-11);
    check_blocks<float>(*kernels, 1e-3);
  }
}

TEST_CASE("a singular block is reported at the step where its pivot vanished") {
  for (const auto* kernels : all_kernels()) {
    Doubles singular{1.0, 2.0, 2.0, 4.0};
    std::vector<std::int32_t> pivots(2);
    CHECK(kernels->factor(singular.data(), pivots.data(), 2) == 1);
  }
}

namespace {

template <class Number>
void check_products(const carbonflows::Kernels& kernels, double tolerance) {
  constexpr int stride = 70;
  const auto& products = kernels.of<Number>().products;
  for (const std::int64_t rows : {1, 3, 64, 131}) {
    for (const int left : carbonflows::widths) {
      const Doubles a = random_vector(rows * left, 13);
      const std::vector<Number> from(a.begin(), a.end());
      for (int index = 0; index < carbonflows::width_count; ++index) {
        const int right = carbonflows::widths[index];
        const Doubles b = random_vector(rows * right, 14);
        const Doubles square = random_vector(left * stride, 15);
        std::vector<Number> to(b.begin(), b.end());
        Doubles gram(square);
        products.gram[index](rows, from.data(), left, to.data(), gram.data(), stride);
        const std::vector<Number> factors(square.begin(), square.end());
        products.add_product[index](factors.data(), stride, rows, from.data(), left, to.data());
        double worst = 0.0;
        for (int w = 0; w < right; ++w) {
          for (int u = 0; u < left; ++u) {
            double sum = square[at(u * stride + w)];
            for (std::int64_t i = 0; i < rows; ++i)
              sum += a[at(i * left + u)] * b[at(i * right + w)];
            worst = std::max(worst, std::abs(sum - gram[at(u * stride + w)]));
          }
          for (std::int64_t i = 0; i < rows; ++i) {
            double sum = b[at(i * right + w)];
            for (int u = 0; u < left; ++u) sum += a[at(i * left + u)] * square[at(u * stride + w)];
            worst = std::max(worst, std::abs(sum - static_cast<double>(to[at(i * right + w)])));
          }
        }
        CHECK(worst < tolerance);
        CHECK(std::equal(gram.begin() + right, gram.begin() + stride, square.begin() + right));
      }
    }
  }
}

}  // namespace

TEST_CASE("products with squares agree with their definition for every pair of widths") {
  for (const auto* kernels : all_kernels()) {
    check_products<double>(*kernels, 1e-12);
    check_products<float>(*kernels, 1e-4);
  }
}
