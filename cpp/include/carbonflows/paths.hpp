// Structural paths: the chains of purchases that lead from final products to emitters.
//
// A path buys product i0 finally, i0's maker buys from i1, and so on to the emitter ik:
//
//     v = y(i0) · a(i1, i0) · a(i2, i1) ··· s(ik),      multiplied in this order.
//
// h_j, the largest |a ··· s| of any completion from j, is the fixpoint of h_j = max(|s_j|, max_i
// |a_ij| h_i). A prefix of weight w that ends at j leads to a path worth exactly |w| h_j and to
// none worth more, so that a search which keeps to |w| h_j ≥ τ expands prefixes of reported paths
// only. Rounding is met by a slack of 1e-10 in the bounds; what is reported is judged by its value.
//
// Paths that must pass through a set T are searched in two states, "not yet" and "been there"; a
// path may end in the second only. A row of T is always in the second. Without T there is one.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <vector>

#include "carbonflows/solver.hpp"

namespace carbonflows {

// What bounds are raised by: they and the paths are multiplied in other orders, each step rounding
// by 2⁻⁵³ at most, so that this covers half a million stages.
inline constexpr double slack = 1.0 + 1e-10;

// A purchase that a search may follow, seen from the buyer: his supplier `row`.
struct Edge {
  double coefficient;
  double bound;  // |coefficient| · h of the supplier, with the slack
  double rest;   // Σ coefficient · multiplier of this and all following suppliers of the column
  std::int32_t row;
};

// Sort purchases, best first, and sum up what they and those left out lead to.
void arrange(std::vector<Edge>& edges, double left_out);

// The suppliers of every column that matter most, best first, in one list a state and level.
class EdgeLists {
 public:
  struct Column {
    const Edge* edges = nullptr;
    std::uint32_t count = 0;
    double best = 0.0;      // bound of the first, 0 if there is none
    double cut = 0.0;       // what the bounds of those left out stay below; 0 if none was
    double left_out = 0.0;  // Σ coefficient · multiplier of them

    // The same of all suppliers from the given one on.
    double rest(std::uint32_t from) const { return from < count ? edges[from].rest : left_out; }
  };
  const Column& column(int list, std::int64_t row) const {
    return columns_[at(list * rows_ + row)];
  }

 private:
  friend class Chains;
  std::int64_t rows_ = 0;
  std::vector<Column> columns_;           // list, then row
  std::vector<std::vector<Edge>> edges_;  // list, then block
};

// What a search needs to know about a table, a stressor and the filters, whatever the demand.
class Chains {
 public:
  // `emissions` is s; `multipliers` holds Σ over all completions (states × n), the last state
  // being "been there"; `through` marks T, empty for no such filter; `most_stages` < 0 for no
  // limit. The arrays are copied, the matrix is viewed. Throws std::domain_error if the potentials
  // do not settle, which an M-matrix rules out.
  Chains(const Operator<double>& op, std::span<const double> emissions,
         std::span<const double> multipliers, std::span<const std::uint8_t> through,
         std::int64_t most_stages, const Run& run);

  const TiledMatrix<double>& matrix() const { return op_.matrix; }
  std::int64_t size() const { return op_.matrix.size(); }
  int states() const { return through_.empty() ? 1 : 2; }
  int last_state() const { return states() - 1; }
  std::int64_t most_stages() const { return most_stages_; }
  int passes() const { return passes_; }
  double emission(std::int64_t i) const { return s_[at(i)]; }
  double multiplier(int state, std::int64_t i) const {
    return multipliers_[at(state * size() + i)];
  }
  // The state of a path that goes on to row i.
  int enter(int state, std::int64_t i) const {
    return state == last_state() || through_[at(i)] ? last_state() : 0;
  }
  // Which potential bounds what `remaining` more purchases can lead to.
  int level(std::int64_t remaining) const;
  double potential(int level, int state, std::int64_t i) const {
    return levels_[at(level)][at(state * size() + i)];
  }
  int levels() const { return static_cast<int>(levels_.size()); }
  // Suppliers for a buyer in `state`, beyond whom `level` bounds what follows.
  int list(int state, int level) const { return state * levels() + level; }

  // Lists for any demand, down to a share of what each column's best supplier leads to. The first
  // are there from the beginning, the second are made when first asked for.
  static constexpr int shared_lists = 2;
  static constexpr double shares[shared_lists] = {1e-3, 1e-4};
  const EdgeLists& shared(int which, int threads) const;
  // Lists for this demand down to `threshold`; no shorter than the shared ones.
  EdgeLists deep(std::span<const double> demand, double threshold, int which, const Run& run) const;
  // g, the largest |y a ··· a| of any path that arrives at a row in a state.
  std::vector<double> reach(std::span<const double> demand, const Run& run) const;

 private:
  std::vector<double> shared_cut(double share) const;
  EdgeLists lists(const std::vector<double>& cut, int threads) const;
  void fill(std::int64_t block, const double* cuts, const double* bounds, const double* multipliers,
            EdgeLists::Column* columns, std::vector<Edge>& edges) const;

  Operator<double> op_;
  std::vector<double> s_, multipliers_;
  std::vector<std::uint8_t> through_;
  std::int64_t most_stages_;
  int passes_ = 0;
  std::vector<std::vector<double>> levels_;  // h of at most 0, 1, … more purchases; states × n
  mutable EdgeLists shared_[shared_lists];
  mutable std::once_flag made_[shared_lists];
};

// What is asked for. The search ends when any of the limits is met; `threshold` is positive.
struct PathQuery {
  std::span<const double> demand;
  double threshold;
  std::int64_t most_paths;  // the largest
  double target;            // once the sizes reported sum up to this; NaN for no target
  std::int64_t most_found;  // memory: paths found, more of which are too many
  std::int64_t most_nodes;  // memory: prefixes kept, and a few of their rows each
};

// Numbers that threads write first: a vector would have one thread set them to zero.
template <class Number>
struct Owned {
  std::unique_ptr<Number[]> data;
  std::size_t size = 0;

  Owned() = default;
  explicit Owned(std::size_t length)
      : data(std::make_unique_for_overwrite<Number[]>(length)), size(length) {}
};

enum class PathOutcome { complete, too_many };

struct PathsFound {
  PathOutcome outcome = PathOutcome::complete;
  Owned<double> values;        // by size, ties by fewer stages, then positions
  Owned<std::int64_t> starts;  // paths + 1
  Owned<std::int32_t> rows;
  std::vector<double> pruned;  // what is not reported, by the stage at which it was cut off
  std::int64_t nodes = 0;      // prefixes expanded
};

// `position` is the table row of each row of the matrix, by which ties are ordered and paths given.
PathsFound find_paths(const Chains& chains, const PathQuery& query,
                      std::span<const std::int64_t> position, const Run& run);

}  // namespace carbonflows
