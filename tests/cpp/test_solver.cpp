#include "carbonflows/solver.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>

#include "carbonflows/threads.hpp"
#include "support.hpp"

using namespace support;

namespace {

struct Prepared {
  Owned<double> matrix;
  Doubles factors;
  std::vector<std::int32_t> pivots;

  Prepared(const Doubles& a, const Ints& starts, const carbonflows::Kernels& kernels)
      : matrix(tiled(a, starts)),
        factors(at(carbonflows::factor_starts(matrix.starts).back())),
        pivots(at(starts.back())) {
    const auto failed = carbonflows::factor_blocks(matrix.view(), false, kernels,
                                                   std::span(factors), std::span(pivots), 2);
    REQUIRE(failed == -1);
  }
  carbonflows::Factors<double> blocks() { return {std::span(factors), std::span(pivots)}; }
};

enum class Way { sweeps, gmres, block_gmres };
constexpr Way all_ways[] = {Way::sweeps, Way::gmres, Way::block_gmres};

Doubles solve(Prepared& system, const carbonflows::Kernels& kernels, const Doubles& y,
              std::int64_t columns, bool adjoint, int threads, Way way, int* sweeps = nullptr) {
  const std::int64_t n = system.matrix.starts.back();
  Doubles x(y.size(), 0.0);
  const Doubles ones(at(n), 1.0);
  const carbonflows::Operator<double> op{system.matrix.view(), adjoint, carbonflows::Semiring::sum,
                                         &kernels};
  constexpr int most = 500;
  const carbonflows::System<double> problem{op,
                                            system.blocks(),
                                            {y.data(), n, columns, columns, 1},
                                            {x.data(), n, columns, columns, 1},
                                            true,
                                            {ones, ones, 1e-13, most}};
  const carbonflows::Run run{threads, no_interrupt};
  const int done = way == Way::sweeps  ? problem.gauss_seidel(run)
                   : way == Way::gmres ? problem.gmres(run)
                                       : problem.block_gmres(run, carbonflows::most_columns);
  CHECK(done < most);
  if (sweeps != nullptr) *sweeps = done;
  return x;
}

const Ints starts{0, 30, 31, 95, 120, 150};

}  // namespace

TEST_CASE("sweeps solve (I - A) x = y and its adjoint for every number of right-hand sides") {
  const Doubles a = random_matrix(starts, 21, 0.2, 0.8, true);
  const std::int64_t n = starts.back();
  for (const std::int64_t columns : {1, 3, 4, 7, 16, 17, 21, 70}) {
    const Doubles y = random_vector(n * columns, 22);
    for (const bool adjoint : {false, true}) {
      Doubles m(at(n * n));
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t j = 0; j < n; ++j) {
          m[at(i * n + j)] = (i == j ? 1.0 : 0.0) - (adjoint ? a[at(j * n + i)] : a[at(i * n + j)]);
        }
      }
      const Doubles expected = solve_dense(m, y);
      for (const auto* kernels : all_kernels()) {
        Prepared system(a, starts, *kernels);
        for (const Way way : all_ways) {
          const Doubles x = solve(system, *kernels, y, columns, adjoint, 2, way);
          double worst = 0.0;
          for (std::size_t p = 0; p < x.size(); ++p) {
            worst = std::max(worst, std::abs(x[p] - expected[p]));
          }
          CHECK(worst < 1e-11);
        }
      }
    }
  }
}

TEST_CASE("the same bits come out for any number of threads") {
  const Doubles a = random_matrix(starts, 23, 0.3);
  const Doubles y = random_vector(starts.back() * 5, 24);
  for (const auto* kernels : all_kernels()) {
    Prepared system(a, starts, *kernels);
    for (const bool adjoint : {false, true}) {
      for (const Way way : all_ways) {
        const Doubles one = solve(system, *kernels, y, 5, adjoint, 1, way);
        for (const int threads : {2, 3, 7}) {
          CHECK(solve(system, *kernels, y, 5, adjoint, threads, way) == one);
        }
      }
    }
  }
}

TEST_CASE("products agree with their definition") {
  const Doubles a = random_matrix(starts, 25, 0.3, 0.9, true);
  const std::int64_t n = starts.back();
  const auto owned = tiled(a, starts);
  const Doubles x = random_vector(n * 18, 26);
  for (const auto* kernels : all_kernels()) {
    for (const bool adjoint : {false, true}) {
      Doubles out(x.size());
      const carbonflows::Operator<double> op{owned.view(), adjoint,
                                             carbonflows::Semiring::sum_absolute, kernels};
      op.product({x.data(), n, 18, 18, 1}, {out.data(), n, 18, 18, 1}, {2, no_interrupt});
      double worst = 0.0;
      for (std::int64_t i = 0; i < n; ++i) {
        for (std::int64_t c = 0; c < 18; ++c) {
          double sum = 0.0;
          for (std::int64_t j = 0; j < n; ++j) {
            sum += std::abs(adjoint ? a[at(j * n + i)] : a[at(i * n + j)]) * x[at(j * 18 + c)];
          }
          worst = std::max(worst, std::abs(sum - out[at(i * 18 + c)]));
        }
      }
      CHECK(worst < 1e-13);
    }
  }
}

TEST_CASE("tiles in double may be rounded as they are read") {
  const Doubles a = random_matrix(starts, 31, 0.3, 0.9, true);
  const std::int64_t n = starts.back();
  const auto wide = tiled(a, starts);
  const auto narrow = tiled<float>(a, starts);
  const Doubles x = random_vector(n * 33, 32);
  for (const auto* kernels : all_kernels()) {
    for (const bool adjoint : {false, true}) {
      Doubles out[2] = {Doubles(x.size()), Doubles(x.size())};
      carbonflows::TiledMatrix<float> bare = narrow.view();
      bare.values = {};
      const carbonflows::Operator<float> ops[2] = {
          {narrow.view(), adjoint, carbonflows::Semiring::sum, kernels},
          {bare, adjoint, carbonflows::Semiring::sum, kernels, wide.view().values}};
      for (int i = 0; i < 2; ++i) {
        ops[i].product({x.data(), n, 33, 33, 1}, {out[i].data(), n, 33, 33, 1}, {2, no_interrupt});
      }
      CHECK(out[0] == out[1]);
    }
  }
}

TEST_CASE("tiles may be squared as they are read") {
  const Doubles a = random_matrix(starts, 35, 0.3, 0.9, true);
  const std::int64_t n = starts.back();
  Doubles squares(a.size());
  std::transform(a.begin(), a.end(), squares.begin(), [](double v) { return v * v; });
  const auto given = tiled(a, starts), wanted = tiled(squares, starts);
  const Doubles x = random_vector(n * 33, 36);
  for (const auto* kernels : all_kernels()) {
    for (const bool adjoint : {false, true}) {
      Doubles out[2] = {Doubles(x.size()), Doubles(x.size())};
      const carbonflows::Operator<double> ops[2] = {
          {wanted.view(), adjoint, carbonflows::Semiring::sum, kernels},
          {given.view(), adjoint, carbonflows::Semiring::sum, kernels, {}, true}};
      for (int i = 0; i < 2; ++i) {
        ops[i].product({x.data(), n, 33, 33, 1}, {out[i].data(), n, 33, 33, 1}, {2, no_interrupt});
      }
      CHECK(out[0] == out[1]);
    }
  }
}

TEST_CASE("tiles in float may be widened as they are read") {
  const Doubles a = random_matrix(starts, 33, 0.3, 0.9, true);
  const std::int64_t n = starts.back();
  const auto narrow = tiled<float>(a, starts);
  Doubles rounded(a.size());
  std::transform(a.begin(), a.end(), rounded.begin(),
                 [](double v) { return static_cast<double>(static_cast<float>(v)); });
  const auto wide = tiled(rounded, starts);
  const Doubles x = random_vector(n * 33, 34);
  for (const auto* kernels : all_kernels()) {
    for (const bool adjoint : {false, true}) {
      Doubles out[2] = {Doubles(x.size()), Doubles(x.size())};
      carbonflows::TiledMatrix<double> bare = wide.view();
      bare.values = {};
      const carbonflows::Operator<double> ops[2] = {
          {wide.view(), adjoint, carbonflows::Semiring::sum, kernels},
          {bare, adjoint, carbonflows::Semiring::sum, kernels, narrow.view().values}};
      for (int i = 0; i < 2; ++i) {
        ops[i].product({x.data(), n, 33, 33, 1}, {out[i].data(), n, 33, 33, 1}, {2, no_interrupt});
      }
      CHECK(out[0] == out[1]);
    }
  }
}

TEST_CASE("a right-hand side of zeros, one block, and a start at the solution are quick") {
  const auto& kernels = *carbonflows::find_kernels("");
  const Doubles a = random_matrix({0, 40}, 27, 0.5);
  Prepared single(a, {0, 40}, kernels);
  int sweeps = 0;
  for (const Way way : all_ways) {
    const Doubles zero = solve(single, kernels, Doubles(40, 0.0), 1, false, 2, way, &sweeps);
    CHECK(std::all_of(zero.begin(), zero.end(), [](double v) { return v == 0.0; }));
    CHECK(sweeps <= 1);
    solve(single, kernels, random_vector(40, 28), 1, false, 2, way, &sweeps);
    CHECK(sweeps <= 2);
  }
}

TEST_CASE("an interrupt stops the sweeps and leaves the pool usable") {
  const auto& kernels = *carbonflows::find_kernels("");
  const Doubles a = random_matrix(starts, 29, 0.3, 0.99999);
  Prepared system(a, starts, kernels);
  const std::int64_t n = starts.back();
  const Doubles y = random_vector(n, 30);
  Doubles x(y.size(), 0.0);
  const carbonflows::Operator<double> op{system.matrix.view(), false, carbonflows::Semiring::sum,
                                         &kernels};
  int calls = 0;
  const auto interrupt = [&calls] {
    if (++calls == 3) throw std::runtime_error("stop");
  };
  const carbonflows::System<double> problem{
      op,   system.blocks(),          {y.data(), n, 1, 1, 1}, {x.data(), n, 1, 1, 1},
      true, {{}, {}, 0.0, 1000000000}};
  CHECK_THROWS_AS(problem.gauss_seidel({2, interrupt}), std::runtime_error);
  CHECK(carbonflows::pool_size() >= 1);
}
