// Potentials by passes in (max, ×), and the suppliers worth following by one look at every entry.
#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>

#include "carbonflows/paths.hpp"
#include "carbonflows/threads.hpp"
#include "visit.hpp"

namespace carbonflows {
namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

// out = |A| x or |A|' x in (max, ×), for one vector a state.
std::vector<double> largest_products(const Operator<double>& op, bool adjoint,
                                     const std::vector<double>& x, int states, const Run& run) {
  const Operator<double> largest{op.matrix, adjoint, Semiring::max_absolute, op.kernels};
  const std::int64_t n = op.matrix.size();
  std::vector<double> out(x.size());
  largest.product({x.data(), n, states, 1, n}, {out.data(), n, states, 1, n}, run);
  return out;
}

}  // namespace

// On the way in, `rest` is what the edge alone leads to.
void arrange(std::vector<Edge>& edges, double left_out) {
  std::sort(edges.begin(), edges.end(), [](const Edge& one, const Edge& other) {
    return one.bound != other.bound ? one.bound > other.bound : one.row < other.row;
  });
  double rest = left_out;
  for (auto edge = edges.rbegin(); edge != edges.rend(); ++edge) edge->rest = rest += edge->rest;
}

int Chains::level(std::int64_t remaining) const {
  const auto last = static_cast<std::int64_t>(levels_.size()) - 1;
  return static_cast<int>(most_stages_ < 0 ? last : std::min(remaining, last));
}

Chains::Chains(const Operator<double>& op, std::span<const double> emissions,
               std::span<const double> multipliers, std::span<const std::uint8_t> through,
               std::int64_t most_stages, const Run& run)
    : op_(op),
      s_(emissions.begin(), emissions.end()),
      multipliers_(multipliers.begin(), multipliers.end()),
      through_(through.begin(), through.end()),
      most_stages_(most_stages) {
  const std::int64_t n = size();
  const auto join = [&](const std::vector<double>& further) {
    std::vector<double> now(at(n * states()));
    for (std::int64_t i = 0; i < n; ++i) {
      double& been = now[at(last_state() * n + i)];
      been = std::max(std::abs(s_[at(i)]), further[at(last_state() * n + i)]);
      // A path that has not met T may not end, and where it enters T it has met it.
      if (states() == 2) now[at(i)] = through_[at(i)] ? been : further[at(i)];
    }
    return now;
  };
  levels_.push_back(join(std::vector<double>(at(n * states()), 0.0)));
  while (most_stages < 0 || static_cast<std::int64_t>(levels_.size()) <= most_stages) {
    if (++passes_ > n + 2) throw std::domain_error("potentials do not settle");
    auto next = join(largest_products(op_, true, levels_.back(), states(), run));
    if (next == levels_.back()) break;
    if (most_stages < 0) levels_.clear();
    levels_.push_back(std::move(next));
  }
  shared(0, run.threads);
}

// A list serves buyers who may go on one purchase further than its suppliers.
std::vector<double> Chains::shared_cut(double share) const {
  const std::int64_t n = size();
  std::vector<double> cut(at(states() * levels() * n));
  for (int state = 0; state < states(); ++state) {
    for (int level = 0; level < levels(); ++level) {
      const int buyers = std::min(level + 1, levels() - 1);
      for (std::int64_t i = 0; i < n; ++i) {
        const bool nobody = state < last_state() && through_[at(i)];  // on T one has met T
        cut[at(list(state, level) * n + i)] =
            nobody ? infinity : share * potential(buyers, state, i);
      }
    }
  }
  return cut;
}

const EdgeLists& Chains::shared(int which, int threads) const {
  std::call_once(made_[which], [&] { shared_[which] = lists(shared_cut(shares[which]), threads); });
  return shared_[which];
}

std::vector<double> Chains::reach(std::span<const double> demand, const Run& run) const {
  const std::int64_t n = size();
  std::vector<double> now(at(n * states()), 0.0);
  for (std::int64_t i = 0; i < n; ++i) {
    now[at(enter(0, i) * n + i)] = std::abs(demand[at(i)]);
  }
  const std::vector<double> start = now;
  for (std::int64_t pass = 0;; ++pass) {
    if (pass > n + 2) throw std::domain_error("potentials do not settle");
    const auto further = largest_products(op_, false, now, states(), run);
    std::vector<double> next = start;
    for (std::int64_t i = 0; i < n; ++i) {
      for (int state = 0; state < states(); ++state) {
        double& target = next[at(enter(state, i) * n + i)];
        target = std::max(target, further[at(state * n + i)]);
      }
    }
    if (next == now) return now;
    now = std::move(next);
  }
}

EdgeLists Chains::deep(std::span<const double> demand, double threshold, int which,
                       const Run& run) const {
  const std::vector<double> arriving = reach(demand, run);
  // Never shorter than the lists used until now, so that a place in those is the same in these.
  std::vector<double> cut = shared_cut(shares[which]);
  const std::int64_t n = size();
  for (int state = 0; state < states(); ++state) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double most = arriving[at(state * n + i)];
      for (int level = 0; most > 0.0 && level < levels(); ++level) {
        double& bound = cut[at(list(state, level) * n + i)];
        bound = std::min(bound, threshold / most);
      }
    }
  }
  return lists(cut, run.threads);
}

EdgeLists Chains::lists(const std::vector<double>& cut, int threads) const {
  const std::int64_t n = size();
  const std::int64_t blocks = op_.matrix.blocks();
  // The potential of as many purchases as are allowed at all bounds final products only.
  const int used = levels() - 1 == most_stages_ ? std::max(1, levels() - 1) : levels();
  EdgeLists made;
  made.rows_ = n;
  made.columns_.resize(at(states() * levels() * n));
  made.edges_.resize(at(states() * levels() * blocks));
  // Bound and multiplier of every supplier, in the state in which he is entered.
  std::vector<double> bounds(at(n)), multipliers(at(n));
  for (int state = 0; state < states(); ++state) {
    for (std::int64_t i = 0; i < n; ++i) multipliers[at(i)] = multiplier(enter(state, i), i);
    for (int level = 0; level < used; ++level) {
      for (std::int64_t i = 0; i < n; ++i) {
        bounds[at(i)] = potential(level, enter(state, i), i) * slack;
      }
      const std::int64_t which = list(state, level);
      parallel_for(threads, blocks, [&](std::int64_t b) {
        const std::int64_t first = op_.matrix.starts[at(b)];
        fill(b, cut.data() + which * n + first, bounds.data(), multipliers.data(),
             made.columns_.data() + which * n + first, made.edges_[at(which * blocks + b)]);
      });
    }
  }
  return made;
}

// The columns of one block: look at every entry, keep the good ones, and sort them.
void Chains::fill(std::int64_t b, const double* cuts, const double* bounds,
                  const double* multipliers, EdgeLists::Column* columns,
                  std::vector<Edge>& edges) const {
  std::vector<std::vector<Edge>> kept(at(op_.matrix.rows(b)));
  for (std::int64_t r = 0; r < op_.matrix.blocks(); ++r) {
    const std::int64_t above = op_.matrix.starts[at(r)];
    visit_tile(op_.matrix.tile(r, b), [&](std::int64_t i, std::int64_t j, double a) {
      const double bound = std::abs(a) * bounds[above + i];
      const double below = a * multipliers[above + i];
      if (bound > 0.0 && bound >= cuts[j]) {
        kept[at(j)].push_back({a, bound, below, static_cast<std::int32_t>(above + i)});
      } else {
        columns[j].left_out += below;
        if (bound > 0.0) columns[j].cut = cuts[j];
      }
    });
  }
  std::size_t total = 0;
  for (const std::vector<Edge>& column : kept) total += column.size();
  edges.reserve(total);
  for (std::vector<Edge>& column : kept) {
    arrange(column, columns->left_out);
    columns->edges = edges.data() + edges.size();
    columns->count = static_cast<std::uint32_t>(column.size());
    columns->best = column.empty() ? 0.0 : column.front().bound;
    edges.insert(edges.end(), column.begin(), column.end());
    ++columns;
  }
}

}  // namespace carbonflows
