// The search for the largest paths: best first, in rounds of falling thresholds.
//
// A round expands every prefix whose next supplier is bounded by at least its threshold; what is
// bounded by less waits in a bucket of its own size for a later round. So the paths of all rounds
// until now are exactly those worth the last threshold or more, whichever thread found them.
#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>
#include <limits>
#include <map>
#include <mutex>

#include "carbonflows/paths.hpp"
#include "carbonflows/threads.hpp"
#include "path_order.hpp"
#include "path_tree.hpp"
#include "poll.hpp"

namespace carbonflows {
namespace {

// Buckets of sizes: so many to a factor of two.
using Bucket = std::uint64_t;
constexpr int fine = 4;
constexpr int coarse = 0;  // where all down to a threshold is wanted anyway

// Rows of paths that may be written for every prefix that may be kept.
constexpr std::int64_t rows_a_node = 5;

// Lists that reach down to a threshold may miss it by a rounding, which the slack of bounds covers.
constexpr double slightly_more = 1.0 + 1e-11;

template <class Item>
using Buckets = std::map<Bucket, std::vector<Item>, std::greater<>>;

// A count of paths grows about so with the threshold falling, in tables that were looked at.
constexpr double growth = 0.85;

class Search {
 public:
  Search(const Chains& chains, const PathQuery& query, std::span<const std::int64_t> position,
         const Run& run)
      : chains_(chains),
        query_(query),
        run_(run),
        tree_(query.most_nodes, run.threads),
        order_(tree_, position),
        lists_(&chains.shared(0, run.threads)),
        floor_(query.threshold),
        workers_(at(run.threads)) {
    const bool everything =
        std::isnan(query.target) && query.most_paths == std::numeric_limits<std::int64_t>::max();
    shift_ = 52 - (everything ? coarse : fine);
    plant();
  }

  PathsFound run() {
    while (next_round()) {
      explore();
      // A list may end inside a round: what it left out belongs to this round too.
      while (!full_ && beyond() >= threshold_) {
        work_.clear();
        deepen();
        explore();
      }
      collect();
      if (full_ || reached()) break;
    }
    return report();
  }

 private:
  // What one thread holds; nobody else looks at it during a round.
  struct Worker {
    PathTree::Cursor cursor;
    std::vector<std::uint32_t> stack;
    std::vector<Found> found;
    Buckets<std::uint32_t> waiting;    // prefixes by the bound of their next supplier
    Buckets<Found> later;              // paths by their value
    std::vector<std::uint32_t> ended;  // prefixes that followed their whole list
    double beyond = 0.0;               // the most that a supplier left out of a list may lead to
    std::int64_t steps = 0;
  };

  Bucket bucket(double size) const { return std::bit_cast<std::uint64_t>(size) >> shift_; }
  double lower_edge(Bucket bucket) const { return std::bit_cast<double>(bucket << shift_); }

  // The root's "suppliers" are the final products.
  void plant() {
    const int level = chains_.level(chains_.most_stages());
    for (std::int64_t i = 0; i < chains_.size(); ++i) {
      const double y = query_.demand[at(i)];
      if (y == 0.0) continue;
      const int state = chains_.enter(0, i);
      roots_.push_back({y, std::abs(y) * chains_.potential(level, state, i) * slack,
                        y * chains_.multiplier(state, i), static_cast<std::int32_t>(i)});
    }
    arrange(roots_, 0.0);
    if (roots_.empty()) return;
    root_ = {roots_.data(), static_cast<std::uint32_t>(roots_.size()), roots_.front().bound, 0.0,
             0.0};
    const std::uint32_t first = tree_.add(workers_[0].cursor, {1.0, PathTree::none, 0, 0, -1});
    settle(workers_[0], first, 1.0, root_, 0);
  }

  // The suppliers of a prefix, and what is known of those that are not listed.
  EdgeLists::Column suppliers(const Prefix& prefix) const {
    if (prefix.stage < 0) return root_;
    const int state = prefix.has_met() ? chains_.last_state() : 0;
    const std::int64_t remaining = chains_.most_stages() < 0
                                       ? std::numeric_limits<std::int64_t>::max()
                                       : chains_.most_stages() - prefix.stage - 1;
    const EdgeLists::Column& column = lists_->column(
        chains_.list(state, remaining < 0 ? 0 : chains_.level(remaining)), prefix.row());
    // At the last stage nothing may follow; what would is summed in one.
    if (remaining < 0) return {nullptr, 0, 0.0, 0.0, column.rest(0)};
    return column;
  }

  // Let a prefix wait until the threshold has come down to its next supplier.
  void settle(Worker& worker, std::uint32_t number, double weight, const EdgeLists::Column& column,
              std::uint32_t next) {
    if (next < column.count) {
      const double bound = weight * (next == 0 ? column.best : column.edges[next].bound);
      if (bound >= floor_) worker.waiting[bucket(bound)].push_back(number);
    } else if (const double beyond = weight * column.cut; beyond > floor_ * slightly_more) {
      worker.ended.push_back(number);
      worker.beyond = std::max(worker.beyond, beyond);
    }
  }

  // Follow the suppliers of a prefix, and theirs, as long as they are bounded by the threshold.
  void advance(Worker& worker, std::uint32_t first) {
    worker.stack.push_back(first);
    while (!worker.stack.empty()) {
      if (full_ || stop_) return worker.stack.clear();
      if (&worker == workers_.data() && ++worker.steps % 1024 == 0 && poll_()) stop_ = true;
      const std::uint32_t number = worker.stack.back();
      worker.stack.pop_back();
      Prefix& prefix = tree_[number];
      const EdgeLists::Column column = suppliers(prefix);
      const double weight = std::abs(prefix.weight);
      std::uint32_t next = prefix.followed;
      for (; next < column.count; ++next) {
        const Edge& edge = column.edges[next];
        if (weight * edge.bound < threshold_) break;
        if (!follow(worker, prefix, number, edge)) {
          full_ = true;
          break;
        }
      }
      prefix.followed = next;
      settle(worker, number, weight, column, next);
    }
  }

  // Go on to one supplier; return whether there was room for it.
  bool follow(Worker& worker, const Prefix& from, std::uint32_t number, const Edge& edge) {
    const int state = chains_.enter(from.has_met() ? chains_.last_state() : 0, edge.row);
    const bool been = state == chains_.last_state();
    const Prefix prefix{from.weight * edge.coefficient, number,
                        static_cast<std::uint32_t>(edge.row) | (been ? Prefix::met : 0U), 0,
                        from.stage + 1};
    const std::uint32_t made = tree_.add(worker.cursor, prefix);
    if (made == PathTree::none) return false;
    const double value = been ? prefix.weight * chains_.emission(edge.row) : 0.0;
    if (std::abs(value) >= threshold_) {
      worker.found.push_back({value, made});
    } else if (value != 0.0) {
      worker.later[bucket(std::abs(value))].push_back({value, made});
    }
    const EdgeLists::Column column = suppliers(prefix);
    const double weight = std::abs(prefix.weight);
    if (weight * column.best >= threshold_) {
      worker.stack.push_back(made);
    } else {
      settle(worker, made, weight, column, 0);
    }
    return true;
  }

  double beyond() const {
    double most = 0.0;
    for (const Worker& worker : workers_) most = std::max(most, worker.beyond);
    return most;
  }

  // Choose the next threshold and what to expand for it; return whether there is anything left.
  bool next_round() {
    Bucket best = bucket(beyond());
    for (const Worker& worker : workers_) {
      if (!worker.waiting.empty()) best = std::max(best, worker.waiting.begin()->first);
      if (!worker.later.empty()) best = std::max(best, worker.later.begin()->first);
    }
    if (best < bucket(floor_)) return false;
    threshold_ = std::max(lower_edge(best), floor_);
    work_.clear();
    if (beyond() >= threshold_) deepen();
    for (Worker& worker : workers_) {
      for (auto& waiting = worker.waiting; !waiting.empty() && waiting.begin()->first >= best;
           waiting.erase(waiting.begin())) {
        const auto& prefixes = waiting.begin()->second;
        work_.insert(work_.end(), prefixes.begin(), prefixes.end());
      }
      for (auto later = worker.later.begin(); later != worker.later.end() && later->first >= best;
           ++later) {
        const auto small =
            std::partition(later->second.begin(), later->second.end(),
                           [&](const Found& one) { return std::abs(one.value) >= threshold_; });
        worker.found.insert(worker.found.end(), later->second.begin(), small);
        later->second.erase(later->second.begin(), small);
      }
      std::erase_if(worker.later, [](const auto& entry) { return entry.second.empty(); });
    }
    // The bucket of the floor holds what is below it too.
    last_ = threshold_ == floor_;
    return true;
  }

  // Lists that go down far enough for this threshold and, it is hoped, for the last one.
  void deepen() {
    double target = std::max(floor_, threshold_ / 64.0);
    if (query_.most_paths < std::numeric_limits<std::int64_t>::max()) {
      const double share = static_cast<double>(std::max<std::size_t>(found_.size(), 1)) /
                           static_cast<double>(query_.most_paths);
      target = std::max(
          floor_, std::min(threshold_ / 4.0, threshold_ / 2.0 * std::pow(share, 1.0 / growth)));
    } else if (std::isnan(query_.target)) {
      target = floor_;
    }
    // No prefix leads to more than the best final product does.
    if (shared_ + 1 < Chains::shared_lists && target >= Chains::shares[shared_ + 1] * root_.best) {
      lists_ = &chains_.shared(++shared_, run_.threads);
    } else {
      deep_ = chains_.deep(query_.demand, target, shared_, run_);
      lists_ = &deep_;
    }
    for (Worker& worker : workers_) {
      work_.insert(work_.end(), worker.ended.begin(), worker.ended.end());
      worker.ended.clear();
      worker.beyond = 0.0;
    }
  }

  void explore() {
    constexpr std::int64_t together = 32;
    const auto count = static_cast<std::int64_t>(work_.size());
    std::atomic<std::int64_t> next{0};
    run_team(count < 4 * together ? 1 : run_.threads, [&](Team& team) {
      Worker& worker = workers_[at(team.rank())];
      for (std::int64_t first; (first = next.fetch_add(together)) < count && !full_ && !stop_;) {
        for (std::int64_t w = first; w < std::min(first + together, count); ++w) {
          advance(worker, work_[at(w)]);
        }
      }
    });
    run_.interrupt();
    poll_.rethrow();
    std::int64_t used = 0;
    for (const Worker& worker : workers_) used += worker.cursor.end - worker.cursor.next;
    used = static_cast<std::int64_t>(tree_.chunks()) * PathTree::chunk - used;
    if (used > query_.most_nodes) full_ = true;
  }

  // Take over what the round has found; in order where the sum decides.
  void collect() {
    const std::size_t before = found_.size();
    for (Worker& worker : workers_) {
      found_.insert(found_.end(), worker.found.begin(), worker.found.end());
      worker.found.clear();
    }
    if (static_cast<std::int64_t>(found_.size()) > query_.most_found) full_ = true;
    if (std::isnan(query_.target)) return;
    std::sort(found_.begin() + static_cast<std::ptrdiff_t>(before), found_.end(), order_);
    for (std::size_t f = before; f < found_.size() && !enough_; ++f) {
      sum_ += std::abs(found_[f].value);
      if (sum_ >= query_.target) {
        enough_ = static_cast<std::int64_t>(f) + 1;
      }
    }
  }

  bool reached() const {
    return enough_ || last_ || static_cast<std::int64_t>(found_.size()) >= query_.most_paths;
  }

  PathsFound report() {
    PathsFound result;
    result.nodes = static_cast<std::int64_t>(tree_.chunks()) * PathTree::chunk;
    if (!roots_.empty()) --result.nodes;  // the root of them all
    for (const Worker& worker : workers_) {
      result.nodes -= worker.cursor.end - worker.cursor.next;  // what its last chunk lacks
    }
    result.outcome = PathOutcome::too_many;
    if (full_) return result;
    order_.sort(found_, run_.threads);
    auto kept = std::min(static_cast<std::int64_t>(found_.size()), query_.most_paths);
    if (enough_) kept = std::min(kept, enough_);
    std::int64_t rows = 0;
    for (std::int64_t f = 0; f < kept; ++f) rows += tree_[found_[at(f)].prefix].stage + 1;
    if (rows > rows_a_node * query_.most_nodes) return result;
    result.outcome = PathOutcome::complete;
    result.pruned = pruned(kept);
    found_.resize(at(kept));
    order_.write(found_, run_.threads, result);
    return result;
  }

  // Everything that is not among the first `kept` paths: paths that were found, and for every
  // prefix the suppliers that it did not follow.
  std::vector<double> pruned(std::int64_t kept) {
    const PrunedSums none(scale());
    PrunedSums sums = none;
    const auto add = [&](const Found& path) { sums.add(tree_[path.prefix].stage, path.value); };
    std::for_each(found_.begin() + kept, found_.end(), add);
    for (const Worker& worker : workers_) {
      for (const auto& [key, paths] : worker.later) std::for_each(paths.begin(), paths.end(), add);
    }
    std::mutex joining;
    parallel_for(run_.threads, tree_.chunks(), [&](std::int64_t c) {
      const auto begin = static_cast<std::uint32_t>(c) << PathTree::chunk_bits;
      std::uint32_t end = begin + PathTree::chunk;
      for (const Worker& worker : workers_) {  // all chunks but their last are full
        if (worker.cursor.end == end) end = worker.cursor.next;
      }
      PrunedSums part = none;
      for (std::uint32_t number = begin; number < end; ++number) {
        const Prefix& prefix = tree_[number];
        part.add(prefix.stage + 1, prefix.weight * suppliers(prefix).rest(prefix.followed));
      }
      const std::lock_guard<std::mutex> one(joining);
      sums.add(part);
    });
    return sums.values();
  }

  // A size that sums of pruned parts do not exceed by much.
  double scale() const {
    double sum = 0.0;
    for (const Edge& root : roots_) {
      sum += std::abs(root.coefficient * chains_.multiplier(chains_.enter(0, root.row), root.row));
    }
    return std::max(sum, roots_.empty() ? 0.0 : roots_.front().bound);
  }

  const Chains& chains_;
  const PathQuery& query_;
  const Run& run_;
  PathTree tree_;
  PathOrder order_;
  const EdgeLists* lists_;
  EdgeLists deep_;
  int shared_ = 0;  // which of the shared lists was used last
  const double floor_;
  int shift_ = 0;
  std::vector<Edge> roots_;
  EdgeLists::Column root_;
  std::vector<Worker> workers_;
  std::vector<std::uint32_t> work_;
  std::vector<Found> found_;
  double threshold_ = 0.0;
  double sum_ = 0.0;
  std::int64_t enough_ = 0;  // paths that reach the target
  bool last_ = false;
  std::atomic<bool> full_{false};
  std::atomic<bool> stop_{false};
  Poll poll_{run_.interrupt};
};

}  // namespace

PathsFound find_paths(const Chains& chains, const PathQuery& query,
                      std::span<const std::int64_t> position, const Run& run) {
  return Search(chains, query, position, run).run();
}

}  // namespace carbonflows
