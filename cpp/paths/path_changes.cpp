// What bounds the changes of paths, and how much completions can differ between two tables.
#include <algorithm>
#include <cmath>
#include <limits>

#include "carbonflows/changes.hpp"
#include "carbonflows/threads.hpp"
#include "tile_pair.hpp"

namespace carbonflows {
Changes::Changes(const Chains& first, const Chains& second, std::span<const double> first_demand,
                 std::span<const double> second_demand, bool one_sign, const Run& run)
    : chains_{&first, &second},
      demand_{{first_demand.begin(), first_demand.end()},
              {second_demand.begin(), second_demand.end()}},
      reach_{first.reach(first_demand, run), second.reach(second_demand, run)},
      difference_(difference(run)),
      one_sign_(one_sign),
      lists_by_largest_(one_sign) {
  for (std::size_t i = 0; i < first_demand.size(); ++i) {
    if (first_demand[i] * second_demand[i] < 0.0) lists_by_largest_ = false;
  }
}

std::vector<double> Changes::larger_difference(const std::vector<double>& d, int threads) const {
  const Chains& first = *chains_[0];
  const Chains& second = *chains_[1];
  const int level = second.levels() - 1;
  std::vector<double> out(d.size());
  parallel_for(threads, first.matrix().blocks(), [&](std::int64_t b) {
    const std::int64_t left = first.matrix().starts[at(b)];
    double* most = out.data() + left;
    for (std::int64_t j = 0; j < first.matrix().rows(b); ++j) {
      most[j] = std::abs(second.emission(left + j) - first.emission(left + j));
    }
    TilePair pair(first, second);
    for (std::int64_t r = 0; r < first.matrix().blocks(); ++r) {
      pair.each_row(
          r, b, [&](std::int64_t i, const double* row0, const double* row1, std::int64_t width) {
            const double h = second.potential(level, 0, i);
            for (std::int64_t j = 0; j < width; ++j) {
              const double here = std::abs(row1[j] - row0[j]) * h + std::abs(row0[j]) * d[at(i)];
              most[j] = here > most[j] ? here : most[j];
            }
          });
    }
  });
  return out;
}

// Passes from zero come near d from below. A vector that no pass makes larger is no less than d.
std::vector<double> Changes::difference(const Run& run) const {
  constexpr double near = 1.0 + 1e-3;
  constexpr double raised = 1.0 + 1e-2;
  constexpr double rounded = 1.0 + 1e-14;  // a step's rounding, which the slack of bounds covers
  constexpr int most_passes = 100;
  std::vector<double> d(at(chains_[0]->size()), 0.0);
  for (int pass = 0; pass < most_passes; ++pass) {
    run.interrupt();
    std::vector<double> next = larger_difference(d, run.threads);
    bool settled = true;
    for (std::size_t i = 0; i < d.size(); ++i) settled = settled && next[i] <= near * d[i];
    d = std::move(next);
    if (!settled) continue;
    std::vector<double> above = d;
    for (double& value : above) value *= raised;
    const std::vector<double> check = larger_difference(above, run.threads);
    bool holds = true;
    for (std::size_t i = 0; i < d.size(); ++i) holds = holds && check[i] <= rounded * above[i];
    if (holds) return above;
  }
  return std::vector<double>(d.size(), std::numeric_limits<double>::infinity());
}

Changes::Mixed Changes::mixed(const Run& run) const {
  const Chains& first = *chains_[0];
  const Chains& second = *chains_[1];
  const std::int64_t n = first.size();
  Mixed now{std::vector<double>(at(n), 0.0), std::vector<double>(at(n), 0.0)};
  // A chain without a cycle is no longer than n; with one, paths do not come to an end anyway.
  for (std::int64_t pass = 0; pass <= n; ++pass) {
    run.interrupt();
    Mixed next{std::vector<double>(at(n)), std::vector<double>(at(n))};
    parallel_for(run.threads, first.matrix().blocks(), [&](std::int64_t b) {
      const std::int64_t left = first.matrix().starts[at(b)];
      double* all = next.all.data() + left;
      double* changed = next.changed.data() + left;
      for (std::int64_t j = 0; j < first.matrix().rows(b); ++j) {
        const double s0 = first.emission(left + j);
        const double s1 = second.emission(left + j);
        all[j] = std::max(std::abs(s0), std::abs(s1));
        changed[j] = s0 != s1 ? all[j] : 0.0;
      }
      TilePair pair(first, second);
      for (std::int64_t r = 0; r < first.matrix().blocks(); ++r) {
        pair.each_row(
            r, b, [&](std::int64_t i, const double* row0, const double* row1, std::int64_t width) {
              for (std::int64_t j = 0; j < width; ++j) {
                const double a = std::max(std::abs(row0[j]), std::abs(row1[j]));
                const double most = a * now.all[at(i)];
                all[j] = std::max(all[j], most);
                const double further = row0[j] != row1[j] ? most : a * now.changed[at(i)];
                changed[j] = std::max(changed[j], further);
              }
            });
      }
    });
    const bool settled = next.all == now.all && next.changed == now.changed;
    now = std::move(next);
    if (settled) break;
  }
  for (double& value : now.all) value *= slack;
  for (double& value : now.changed) value *= slack;
  return now;
}

double Changes::bound(double first, double second, std::int64_t row, std::int64_t remaining) const {
  const double h0 = chains_[0]->potential(chains_[0]->level(remaining), 0, row);
  const double h1 = chains_[1]->potential(chains_[1]->level(remaining), 0, row);
  const double w0 = std::abs(first);
  const double w1 = std::abs(second);
  const double largest = std::max(w0 * h0, w1 * h1);
  const bool one_side = first == 0.0 || second == 0.0;
  const bool larger = one_sign_ && (first >= 0.0) == (second >= 0.0);
  const double whole = larger || one_side ? largest : w0 * h0 + w1 * h1;
  // Weights and values round apart from each other, which the last term covers, unless they are
  // made of the same numbers.
  const double apart = std::abs(second - first);
  const double d = difference_[at(row)];
  if (apart == 0.0 && d == 0.0) return 0.0;
  const double parted = std::min(apart * h1 + w0 * d, apart * h0 + w1 * d) + 1e-12 * largest;
  return std::min(whole, parted) * slack;
}

double Changes::largest() const {
  double most = 0.0;
  const std::int64_t all = chains_[0]->most_stages();
  const std::int64_t remaining = all < 0 ? std::numeric_limits<std::int64_t>::max() : all;
  for (std::int64_t i = 0; i < chains_[0]->size(); ++i) {
    most = std::max(most, bound(demand_[0][at(i)], demand_[1][at(i)], i, remaining));
  }
  return most;
}

}  // namespace carbonflows
