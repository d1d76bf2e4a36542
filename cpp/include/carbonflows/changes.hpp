// The structural paths whose values changed most between two tables.
//
// A path carries v0 before and v1 after. With h0, h1 the largest completions of a row in each
// table (see paths.hpp), a prefix of weights w0, w1 that ends at j leads to no |v1 − v0| above
//
//     max(|w0| h0_j, |w1| h1_j)        where no entry of A or s is negative and w0 w1 ≥ 0,
//     |w0| h0_j + |w1| h1_j            in any case,
//     |w1 − w0| h1_j + |w0| d_j        and the same with the two tables exchanged,
//
// with d_j the most that a completion's value changes, d_j = max(|Δs_j|, max_i (|Δa_ij| h1_i +
// |a0_ij| d_i)): where little has changed, the last two are much smaller. New and vanished paths
// have a zero on one side, and are found like all others.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "carbonflows/paths.hpp"

namespace carbonflows {

struct ChangesFound {
  PathOutcome outcome = PathOutcome::complete;
  Owned<double> before, after;  // values, by |after − before|; ties by stages, then positions
  Owned<std::int64_t> starts;   // paths + 1
  Owned<std::int32_t> rows;
  Owned<double> first, second;  // the factor of each step: y of a path's first, a of the others
  std::vector<double> pruned;   // change of what is not reported, by the stage where it was cut
  std::int64_t nodes = 0;       // prefixes expanded
};

// Two tables of one shape and a demand in each, made ready for searches with any threshold.
class Changes {
 public:
  // Both chains have the same rows and blocks, no filters, and the same limit of stages; `one_sign`
  // says that no entry of either A or s is negative. The chains are viewed.
  Changes(const Chains& first, const Chains& second, std::span<const double> first_demand,
          std::span<const double> second_demand, bool one_sign, const Run& run);

  // No path that begins with weights `first` and `second` at `row` changes by more, with at most
  // `remaining` further purchases.
  double bound(double first, double second, std::int64_t row, std::int64_t remaining) const;
  // No change is larger than this.
  double largest() const;

  // All paths with |v1 − v0| ≥ threshold, of them the `most_paths` largest. With `equal`, all paths
  // with a factor that differs are found whose larger factors multiply to that, whatever their
  // change: also those that are worth the same in both tables, or nothing, since what changed may
  // have cancelled out.
  ChangesFound find(double threshold, bool equal, std::int64_t most_paths, std::int64_t most_found,
                    std::int64_t most_nodes, std::span<const std::int64_t> position,
                    const Run& run) const;

 private:
  friend class ChangeSearch;

  // One pass towards d over both tables at once.
  std::vector<double> larger_difference(const std::vector<double>& d, int threads) const;
  // The largest completion by the larger factor of each step: of all, and of those in which a
  // factor differs between the tables.
  struct Mixed {
    std::vector<double> all, changed;
  };
  Mixed mixed(const Run& run) const;
  std::vector<double> difference(const Run& run) const;

  const Chains* chains_[2];
  std::vector<double> demand_[2];
  std::vector<double> reach_[2];    // the largest |y a ··· a| that arrives at a row
  std::vector<double> difference_;  // d, or more
  bool one_sign_;
  bool lists_by_largest_;  // no demand changes its sign either, so that `max` bounds every prefix
};

}  // namespace carbonflows
