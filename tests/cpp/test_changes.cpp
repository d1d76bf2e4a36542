#include "carbonflows/changes.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <tuple>

#include "support.hpp"

using namespace support;

namespace {

struct Year {
  Doubles a, y, s, m;
};

// Σ over all completions of every row, as a sum of powers.
Doubles multipliers(const Doubles& a, const Doubles& s) {
  Doubles sum(s);
  for (int power = 0; power < 400; ++power) {
    Doubles next(s);
    for (std::size_t j = 0; j < s.size(); ++j) {
      for (std::size_t i = 0; i < s.size(); ++i) next[j] += a[i * s.size() + j] * sum[i];
    }
    sum = next;
  }
  return sum;
}

Year year(const Ints& starts, unsigned seed, bool negatives) {
  Year made;
  made.a = random_matrix(starts, seed, 0.3, 0.6, negatives);
  made.y = random_vector(starts.back(), seed + 1);
  made.s = random_vector(starts.back(), seed + 2);
  for (std::size_t i = seed % 3; i < made.y.size(); i += 3) made.s[i] = made.y[i] = 0.0;
  if (negatives) made.y[2] = -0.5;
  made.m = multipliers(made.a, made.s);
  return made;
}

using Path = std::tuple<double, double, std::vector<std::int32_t>>;

// Every path whose change may be as large as the threshold: columns sum to at most 0.6.
void follow(const Year& first, const Year& second, double w0, double w1, double threshold,
            std::vector<std::int32_t>& rows, std::vector<Path>& out) {
  const std::size_t n = first.s.size();
  const auto last = at(rows.back());
  const double v0 = w0 * first.s[last];
  const double v1 = w1 * second.s[last];
  if (std::abs(v1 - v0) >= threshold) out.emplace_back(v0, v1, rows);
  for (std::size_t i = 0; i < n; ++i) {
    const double next0 = w0 * first.a[i * n + last];
    const double next1 = w1 * second.a[i * n + last];
    if (2.0 * (std::abs(next0) + std::abs(next1)) < threshold) continue;
    rows.push_back(static_cast<std::int32_t>(i));
    follow(first, second, next0, next1, threshold, rows, out);
    rows.pop_back();
  }
}

double change(const Path& path) { return std::get<1>(path) - std::get<0>(path); }

std::vector<Path> expected_paths(const Year& first, const Year& second, double threshold) {
  std::vector<Path> out;
  for (std::size_t i = 0; i < first.s.size(); ++i) {
    std::vector<std::int32_t> rows{static_cast<std::int32_t>(i)};
    follow(first, second, first.y[i], second.y[i], threshold, rows, out);
  }
  std::sort(out.begin(), out.end(), [](const Path& one, const Path& other) {
    const double a = std::abs(change(one)), b = std::abs(change(other));
    if (a != b) return a > b;
    const auto& p = std::get<2>(one);
    const auto& q = std::get<2>(other);
    return p.size() != q.size() ? p.size() < q.size() : p < q;
  });
  return out;
}

}  // namespace

TEST_CASE("a joint search finds every change, in order, with any number of threads") {
  const carbonflows::Kernels& kernels = *carbonflows::find_kernels("");
  const Ints starts{0, 5, 17, 40};
  Ints position(40);
  std::iota(position.begin(), position.end(), 0);
  for (const bool negatives : {false, true}) {
    const Year first = year(starts, 3, negatives);
    const Year second = year(starts, 8, negatives);
    const auto tiles0 = tiled<double>(first.a, starts);
    const auto tiles1 = tiled<double>(second.a, starts);
    const carbonflows::Semiring ring = carbonflows::Semiring::max_absolute;
    const carbonflows::Operator<double> op0{tiles0.view(), true, ring, &kernels};
    const carbonflows::Operator<double> op1{tiles1.view(), true, ring, &kernels};
    const double threshold = 2e-3;
    const std::vector<Path> expected = expected_paths(first, second, threshold);
    REQUIRE(expected.size() > 100);
    double total = 0.0;
    for (std::size_t i = 0; i < first.y.size(); ++i) {
      total += second.y[i] * second.m[i] - first.y[i] * first.m[i];
    }
    for (const int threads : {1, 2, 5}) {
      const carbonflows::Chains chains0(op0, first.s, first.m, {}, -1, {threads, no_interrupt});
      const carbonflows::Chains chains1(op1, second.s, second.m, {}, -1, {threads, no_interrupt});
      const carbonflows::Changes changes(chains0, chains1, first.y, second.y, !negatives,
                                         {threads, no_interrupt});
      CHECK(changes.largest() >= std::abs(change(expected.front())));
      for (const std::int64_t most : {std::int64_t{50}, std::numeric_limits<std::int64_t>::max()}) {
        const auto found = changes.find(threshold, false, most, 1 << 24, 1 << 24, position,
                                        {threads, no_interrupt});
        const auto count = std::min<std::size_t>(expected.size(), at(most));
        REQUIRE(found.before.size == count);
        double sum = 0.0;
        for (std::size_t k = 0; k < count; ++k) {
          CHECK(found.before.data[k] == std::get<0>(expected[k]));
          CHECK(found.after.data[k] == std::get<1>(expected[k]));
          const std::vector<std::int32_t> rows(found.rows.data.get() + found.starts.data[k],
                                               found.rows.data.get() + found.starts.data[k + 1]);
          CHECK(rows == std::get<2>(expected[k]));
          sum += change(expected[k]);
        }
        for (const double pruned : found.pruned) sum += pruned;
        CHECK(sum == doctest::Approx(total).epsilon(1e-11));
      }
    }
  }
}

TEST_CASE("a joint search that needs too much room says so") {
  const carbonflows::Kernels& kernels = *carbonflows::find_kernels("");
  const Ints starts{0, 5, 17, 40};
  const Year one = year(starts, 3, false);
  const Year other = year(starts, 8, false);
  const auto tiles0 = tiled<double>(one.a, starts);
  const auto tiles1 = tiled<double>(other.a, starts);
  const carbonflows::Semiring ring = carbonflows::Semiring::max_absolute;
  const carbonflows::Operator<double> op0{tiles0.view(), true, ring, &kernels};
  const carbonflows::Operator<double> op1{tiles1.view(), true, ring, &kernels};
  const carbonflows::Chains chains0(op0, one.s, one.m, {}, -1, {2, no_interrupt});
  const carbonflows::Chains chains1(op1, other.s, other.m, {}, -1, {2, no_interrupt});
  const carbonflows::Changes changes(chains0, chains1, one.y, other.y, true, {2, no_interrupt});
  Ints position(40);
  std::iota(position.begin(), position.end(), 0);
  const auto found = changes.find(1e-9, false, 10, 1 << 24, 100, position, {2, no_interrupt});
  CHECK(found.outcome == carbonflows::PathOutcome::too_many);
}
