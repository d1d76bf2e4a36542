#include "carbonflows/paths.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <utility>

#include "support.hpp"

using namespace support;

namespace {

using Path = std::pair<double, std::vector<std::int32_t>>;

struct Problem {
  Ints starts;
  Doubles a, y, s;
  std::vector<std::uint8_t> through;

  std::int64_t n() const { return starts.back(); }
};

// Σ over all completions of a row, as a sum of powers: for every row that has met T, or not yet.
Doubles multipliers(const Problem& p) {
  const std::int64_t n = p.n();
  const bool filtered = !p.through.empty();
  Doubles been(p.s), all((filtered ? 2 : 1) * at(n), 0.0);
  for (int power = 0; power < 400; ++power) {
    Doubles next(p.s);
    for (std::int64_t j = 0; j < n; ++j) {
      for (std::int64_t i = 0; i < n; ++i) next[at(j)] += p.a[at(i * n + j)] * been[at(i)];
    }
    been = next;
  }
  if (!filtered) return been;
  Doubles before(at(n), 0.0);
  for (int power = 0; power < 400; ++power) {
    Doubles next(at(n), 0.0);
    for (std::int64_t j = 0; j < n; ++j) {
      if (p.through[at(j)]) next[at(j)] = been[at(j)];
      for (std::int64_t i = 0; i < n && !p.through[at(j)]; ++i) {
        next[at(j)] += p.a[at(i * n + j)] * (p.through[at(i)] ? been[at(i)] : before[at(i)]);
      }
    }
    before = next;
  }
  std::copy(before.begin(), before.end(), all.begin());
  std::copy(been.begin(), been.end(), all.begin() + n);
  return all;
}

// Go on from a path as long as its weight times the largest row of a geometric series may matter.
void follow(const Problem& p, double weight, bool met, double reach, double threshold,
            std::vector<std::int32_t>& rows, std::vector<Path>& out) {
  const std::int64_t last = rows.back();
  met = met || p.through.empty() || p.through[at(last)];
  const double value = weight * p.s[at(last)];
  if (met && value != 0.0 && std::abs(value) >= threshold) out.push_back({value, rows});
  for (std::int64_t i = 0; i < p.n(); ++i) {
    const double next = weight * p.a[at(i * p.n() + last)];
    if (std::abs(next) * reach < threshold) continue;
    rows.push_back(static_cast<std::int32_t>(i));
    follow(p, next, met, reach, threshold, rows, out);
    rows.pop_back();
  }
}

std::vector<Path> expected_paths(const Problem& p, double threshold) {
  double reach = 0.0;  // column sums are at most 0.6, so no completion is worth more
  for (const double s : p.s) reach = std::max(reach, std::abs(s));
  std::vector<Path> out;
  for (std::int64_t i = 0; i < p.n(); ++i) {
    if (p.y[at(i)] == 0.0) continue;
    std::vector<std::int32_t> rows{static_cast<std::int32_t>(i)};
    follow(p, p.y[at(i)], false, reach, threshold, rows, out);
  }
  std::sort(out.begin(), out.end(), [](const Path& one, const Path& other) {
    const double a = std::abs(one.first), b = std::abs(other.first);
    if (a != b) return a > b;
    if (one.second.size() != other.second.size()) return one.second.size() < other.second.size();
    return one.second < other.second;
  });
  return out;
}

}  // namespace

TEST_CASE("a search finds every path, in order, with any number of threads") {
  const carbonflows::Kernels& kernels = *carbonflows::find_kernels("");
  for (const bool negatives : {false, true}) {
    for (const bool filtered : {false, true}) {
      Problem p{{0, 5, 17, 40}, {}, {}, {}, {}};
      p.a = random_matrix(p.starts, 3, 0.3, 0.6, negatives);
      p.y = random_vector(p.n(), 4);
      p.s = random_vector(p.n(), 5);
      for (std::int64_t i = 0; i < p.n(); i += 3)
        p.s[at(i)] = p.y[at(i + 1 < p.n() ? i + 1 : i)] = 0.0;
      if (negatives) p.y[2] = -0.5;
      if (filtered) p.through.assign(at(p.n()), 0), p.through[4] = p.through[20] = 1;
      const auto owned = tiled<double>(p.a, p.starts);
      const carbonflows::Operator<double> op{owned.view(), true,
                                             carbonflows::Semiring::max_absolute, &kernels};
      Ints position(at(p.n()));
      std::iota(position.begin(), position.end(), 0);
      const Doubles m = multipliers(p);
      const double threshold = 2e-4;
      const std::vector<Path> expected = expected_paths(p, threshold);
      REQUIRE(expected.size() > 150);
      for (const int threads : {1, 2, 5}) {
        const carbonflows::Chains chains(op, p.s, m, p.through, -1, {threads, no_interrupt});
        for (const std::int64_t most :
             {std::int64_t{100}, std::numeric_limits<std::int64_t>::max()}) {
          const carbonflows::PathQuery query{
              p.y, threshold, most, std::numeric_limits<double>::quiet_NaN(), 1 << 24, 1 << 24};
          const auto found =
              carbonflows::find_paths(chains, query, position, {threads, no_interrupt});
          const std::size_t count = std::min<std::size_t>(expected.size(), at(most));
          REQUIRE(found.values.size == count);
          double sum = 0.0;
          for (std::size_t k = 0; k < count; ++k) {
            CHECK(found.values.data[k] == expected[k].first);
            const std::vector<std::int32_t> rows(found.rows.data.get() + found.starts.data[k],
                                                 found.rows.data.get() + found.starts.data[k + 1]);
            CHECK(rows == expected[k].second);
            sum += found.values.data[k];
          }
          double total = 0.0;
          for (std::int64_t i = 0; i < p.n(); ++i) {
            const bool been = !filtered || p.through[at(i)];
            total += p.y[at(i)] * m[at((filtered && been ? p.n() : 0) + i)];
          }
          for (const double pruned : found.pruned) sum += pruned;
          CHECK(sum == doctest::Approx(total).epsilon(1e-11));
        }
      }
    }
  }
}

TEST_CASE("a search that needs too much room says so") {
  const carbonflows::Kernels& kernels = *carbonflows::find_kernels("");
  Problem p{{0, 8, 30}, {}, {}, {}, {}};
  p.a = random_matrix(p.starts, 3, 0.9);
  p.y = random_vector(p.n(), 4);
  p.s = random_vector(p.n(), 5);
  const auto owned = tiled<double>(p.a, p.starts);
  const carbonflows::Operator<double> op{owned.view(), true, carbonflows::Semiring::max_absolute,
                                         &kernels};
  Ints position(at(p.n()));
  std::iota(position.begin(), position.end(), 0);
  const carbonflows::Chains chains(op, p.s, multipliers(p), p.through, -1, {2, no_interrupt});
  const carbonflows::PathQuery query{p.y,
                                     1e-12,
                                     std::numeric_limits<std::int64_t>::max(),
                                     std::numeric_limits<double>::quiet_NaN(),
                                     1 << 24,
                                     1000};
  const auto found = carbonflows::find_paths(chains, query, position, {2, no_interrupt});
  CHECK(found.outcome == carbonflows::PathOutcome::too_many);
  CHECK(found.nodes <= 4 * 4096);
}
