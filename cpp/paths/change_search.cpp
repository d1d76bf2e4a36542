// The joint search: depth first below a threshold, every list cut down to edges that matter.
#include "carbonflows/changes.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>

#include "carbonflows/threads.hpp"
#include "path_order.hpp"
#include "poll.hpp"
#include "tile_pair.hpp"

namespace carbonflows {
namespace {

// Rows of paths that may be kept for every prefix that may be looked at; each takes 20 bytes.
constexpr std::int64_t rows_a_node = 2;

// A purchase in both tables.
struct JointEdge {
  double coefficient[2];
  double key;      // what it leads to at most, after the largest prefixes that arrive at the buyer
  double rest[2];  // Σ coefficient · multiplier of this and all following suppliers of the column
  std::int32_t row;
};

// The suppliers of a column that may matter, the largest key first.
struct JointColumn {
  std::vector<JointEdge> edges;
  double left_out[2] = {0.0, 0.0};  // Σ coefficient · multiplier of all others

  double rest(int which, std::size_t from) const {
    return from < edges.size() ? edges[from].rest[which] : left_out[which];
  }
};

}  // namespace

class ChangeSearch {
 public:
  ChangeSearch(const Changes& changes, double threshold, bool equal, std::int64_t most_found,
               std::int64_t most_nodes, std::span<const std::int64_t> position, const Run& run)
      : changes_(changes),
        threshold_(threshold),
        equal_(equal),
        most_found_(most_found),
        most_nodes_(most_nodes),
        position_(position),
        run_(run),
        columns_(at(size())),
        workers_(at(run.threads), Worker(scale())) {
    if (equal) mixed_ = changes.mixed(run);
  }

  ChangesFound run(std::int64_t most_paths) {
    make_lists();
    explore();
    ChangesFound result;
    result.outcome = PathOutcome::too_many;
    if (full_) return result;
    for (const Worker& worker : workers_) result.nodes += worker.nodes;
    std::vector<Item> items = sorted();
    PrunedSums sums(scale());
    for (const Worker& worker : workers_) sums.add(worker.pruned);
    const auto kept = std::min(static_cast<std::int64_t>(items.size()), most_paths);
    for (std::size_t p = at(kept); p < items.size(); ++p) {
      sums.add(items[p].stage, items[p].value[1] - items[p].value[0]);
    }
    items.resize(at(kept));
    write(items, result);
    result.pruned = sums.values();
    result.outcome = PathOutcome::complete;
    return result;
  }

 private:
  // A path that was found; its steps stand in its worker's buffers.
  struct Item {
    double value[2];
    std::size_t first;
    std::int32_t stage;
    std::int32_t worker;
  };
  // A prefix whose suppliers are being looked at.
  struct Frame {
    double weight[2];
    double factor[2];
    double mixed;  // the product of the larger of the two factors of each step
    bool differs;  // whether a factor is another in the second table
    std::int32_t row;
    std::size_t next = 0;
    double share = 0.0;
    double cut = 0.0;  // change of what suppliers lead to that were looked at and not followed
  };
  struct Worker {
    explicit Worker(double scale) : pruned(scale) {}
    std::vector<Frame> stack;
    std::vector<Item> found;
    std::vector<std::int32_t> rows;
    std::vector<double> factors[2];
    PrunedSums pruned;
    std::int64_t nodes = 0;
  };

  const Chains& chains(int which) const { return *changes_.chains_[which]; }
  std::int64_t size() const { return chains(0).size(); }

  // A size that sums of pruned parts do not exceed by much.
  double scale() const {
    double sum = 0.0;
    for (int which = 0; which < 2; ++which) {
      for (std::int64_t i = 0; i < size(); ++i) {
        sum += std::abs(changes_.demand_[which][at(i)] * chains(which).multiplier(0, i));
      }
    }
    return std::max(sum, changes_.largest());
  }

  std::int64_t remaining(std::int64_t stage) const {
    const std::int64_t most = chains(0).most_stages();
    return most < 0 ? std::numeric_limits<std::int64_t>::max() : most - stage;
  }

  // Whether a prefix may lead to a path that is asked for. Paths that are worth the same in both
  // tables, nothing included, are told from those that are in neither by their larger factors.
  bool matters(double first, double second, double mixed, bool differs, std::int64_t row,
               std::int64_t remaining) const {
    if (!equal_) return changes_.bound(first, second, row, remaining) >= threshold_;
    const std::vector<double>& further = differs ? mixed_.all : mixed_.changed;
    return mixed * further[at(row)] >= threshold_;
  }

  // Keep a purchase if some prefix may follow it: the largest that arrive at its buyer decide.
  void make_lists() {
    const TiledMatrix<double>& first = chains(0).matrix();
    std::vector<double> potential[2];
    for (int which = 0; which < 2; ++which) {
      const Chains& all = chains(which);
      potential[which].resize(at(size()));
      for (std::int64_t i = 0; i < size(); ++i) {
        potential[which][at(i)] = all.potential(all.levels() - 1, 0, i) * slack;
      }
    }
    parallel_for(run_.threads, first.blocks(), [&](std::int64_t b) {
      const std::int64_t left = first.starts[at(b)];
      TilePair pair(chains(0), chains(1));
      for (std::int64_t r = 0; r < first.blocks(); ++r) {
        pair.each_row(
            r, b, [&](std::int64_t i, const double* row0, const double* row1, std::int64_t width) {
              const double m0 = chains(0).multiplier(0, i);
              const double m1 = chains(1).multiplier(0, i);
              for (std::int64_t j = 0; j < width; ++j) {
                const double a0 = row0[j];
                const double a1 = row1[j];
                if (a0 == 0.0 && a1 == 0.0) continue;
                const double one =
                    changes_.reach_[0][at(left + j)] * std::abs(a0) * potential[0][at(i)];
                const double two =
                    changes_.reach_[1][at(left + j)] * std::abs(a1) * potential[1][at(i)];
                const double key = changes_.lists_by_largest_ ? std::max(one, two) : one + two;
                JointColumn& column = columns_[at(left + j)];
                if (key >= threshold_ || equal_) {
                  column.edges.push_back(
                      {{a0, a1}, key, {a0 * m0, a1 * m1}, static_cast<std::int32_t>(i)});
                } else {
                  column.left_out[0] += a0 * m0;
                  column.left_out[1] += a1 * m1;
                }
              }
            });
      }
      for (std::int64_t j = left; j < left + first.rows(b); ++j) arrange(columns_[at(j)]);
    });
    run_.interrupt();
  }

  // Sort, and sum up from the end; on the way in, `rest` is what the edge alone leads to.
  static void arrange(JointColumn& column) {
    std::sort(column.edges.begin(), column.edges.end(),
              [](const JointEdge& one, const JointEdge& other) {
                return one.key != other.key ? one.key > other.key : one.row < other.row;
              });
    for (int which = 0; which < 2; ++which) {
      double rest = column.left_out[which];
      for (auto edge = column.edges.rbegin(); edge != column.edges.rend(); ++edge) {
        edge->rest[which] = rest += edge->rest[which];
      }
    }
  }

  // How a prefix compares with the largest that arrive at its row: its edges are bounded by this
  // times their keys.
  double share(const Frame& frame) const {
    double most = 0.0;
    for (int which = 0; which < 2; ++which) {
      const double reach = changes_.reach_[which][at(frame.row)];
      if (reach > 0.0) most = std::max(most, std::abs(frame.weight[which]) / reach);
    }
    return most * slack;
  }

  void explore() {
    std::vector<std::int64_t> roots;
    for (std::int64_t i = 0; i < size(); ++i) {
      if (changes_.demand_[0][at(i)] != 0.0 || changes_.demand_[1][at(i)] != 0.0) {
        roots.push_back(i);
      }
    }
    std::atomic<std::size_t> next{0};
    run_team(run_.threads, [&](Team& team) {
      Worker& worker = workers_[at(team.rank())];
      for (std::size_t r; (r = next.fetch_add(1)) < roots.size() && !full_ && !stop_;) {
        plant(worker, roots[r], team.rank());
      }
    });
    run_.interrupt();
    poll_.rethrow();
    std::int64_t found = 0;
    std::int64_t nodes = 0;
    for (const Worker& worker : workers_) {
      found += static_cast<std::int64_t>(worker.found.size());
      nodes += worker.nodes;
    }
    if (found > most_found_ || nodes > most_nodes_) full_ = true;
  }

  void plant(Worker& worker, std::int64_t row, int rank) {
    const double y0 = changes_.demand_[0][at(row)];
    const double y1 = changes_.demand_[1][at(row)];
    const double most = std::max(std::abs(y0), std::abs(y1));
    if (!matters(y0, y1, most, y0 != y1, row, remaining(0))) {
      worker.pruned.add(0, y1 * chains(1).multiplier(0, row) - y0 * chains(0).multiplier(0, row));
      return;
    }
    enter(worker, {{y0, y1}, {y0, y1}, most, y0 != y1, static_cast<std::int32_t>(row)}, rank);
    while (!worker.stack.empty()) {
      if (full_ || stop_) return worker.stack.clear();
      Frame& frame = worker.stack.back();
      const JointColumn& column = columns_[at(frame.row)];
      const auto stage = static_cast<std::int64_t>(worker.stack.size());
      if (frame.next == column.edges.size() ||
          (!equal_ && frame.share * column.edges[frame.next].key < threshold_)) {
        frame.cut += frame.weight[1] * column.rest(1, frame.next) -
                     frame.weight[0] * column.rest(0, frame.next);
        worker.pruned.add(stage, frame.cut);
        worker.stack.pop_back();
        continue;
      }
      const JointEdge& edge = column.edges[frame.next++];
      const double w0 = frame.weight[0] * edge.coefficient[0];
      const double w1 = frame.weight[1] * edge.coefficient[1];
      const double mixed =
          frame.mixed * std::max(std::abs(edge.coefficient[0]), std::abs(edge.coefficient[1]));
      const bool differs = frame.differs || edge.coefficient[0] != edge.coefficient[1];
      const std::int64_t left = remaining(stage);
      if (left >= 0 && matters(w0, w1, mixed, differs, edge.row, left)) {
        enter(worker,
              {{w0, w1}, {edge.coefficient[0], edge.coefficient[1]}, mixed, differs, edge.row},
              rank);
      } else {
        frame.cut +=
            w1 * chains(1).multiplier(0, edge.row) - w0 * chains(0).multiplier(0, edge.row);
      }
    }
  }

  // Take in a prefix and its own path.
  void enter(Worker& worker, Frame frame, int rank) {
    frame.share = share(frame);
    worker.stack.push_back(frame);
    const auto stage = static_cast<std::int64_t>(worker.stack.size()) - 1;
    if (++worker.nodes % 1024 == 0) {
      if (rank == 0 && poll_()) stop_ = true;
      if (worker.nodes > most_nodes_) full_ = true;
    }
    const double v0 = frame.weight[0] * chains(0).emission(frame.row);
    const double v1 = frame.weight[1] * chains(1).emission(frame.row);
    const double change = v1 - v0;
    const double s0 = chains(0).emission(frame.row);
    const double s1 = chains(1).emission(frame.row);
    const bool told = equal_ && (frame.differs || s0 != s1) &&
                      frame.mixed * std::max(std::abs(s0), std::abs(s1)) >= threshold_;
    if (std::abs(change) >= threshold_ || told) {
      keep(worker, v0, v1, static_cast<std::int32_t>(stage), rank);
    } else {
      worker.pruned.add(stage, change);
    }
  }

  void keep(Worker& worker, double v0, double v1, std::int32_t stage, int rank) {
    // Rows in all, whoever found them, so that the same is refused for any number of threads.
    if (rows_.fetch_add(stage + 1) > rows_a_node * most_nodes_) full_ = true;
    if (full_) return;
    worker.found.push_back({{v0, v1}, worker.rows.size(), stage, rank});
    for (const Frame& step : worker.stack) {
      worker.rows.push_back(step.row);
      worker.factors[0].push_back(step.factor[0]);
      worker.factors[1].push_back(step.factor[1]);
    }
    if (static_cast<std::int64_t>(worker.found.size()) > most_found_) full_ = true;
  }

  // By size of change, ties by fewer stages, then by positions.
  bool before(const Item& one, const Item& other) const {
    const double a = std::abs(one.value[1] - one.value[0]);
    const double b = std::abs(other.value[1] - other.value[0]);
    if (a != b) return a > b;
    if (one.stage != other.stage) return one.stage < other.stage;
    for (std::int32_t k = 0; k <= one.stage; ++k) {
      const std::int64_t p = place(one, k);
      const std::int64_t q = place(other, k);
      if (p != q) return p < q;
    }
    return false;
  }
  std::int64_t place(const Item& item, std::int32_t step) const {
    const Worker& worker = workers_[at(item.worker)];
    return position_[at(worker.rows[item.first + at(step)])];
  }

  // Threads sort a piece each; the pieces are then merged.
  std::vector<Item> sorted() const {
    std::vector<Item> items;
    for (const Worker& worker : workers_) {
      items.insert(items.end(), worker.found.begin(), worker.found.end());
    }
    const auto less = [this](const Item& one, const Item& other) { return before(one, other); };
    const auto pieces = static_cast<std::ptrdiff_t>(run_.threads);
    const auto total = static_cast<std::ptrdiff_t>(items.size());
    const auto edge = [&](std::ptrdiff_t piece) { return items.begin() + total * piece / pieces; };
    parallel_for(run_.threads, pieces,
                 [&](std::int64_t piece) { std::sort(edge(piece), edge(piece + 1), less); });
    for (std::ptrdiff_t piece = 1; piece < pieces; ++piece) {
      std::inplace_merge(items.begin(), edge(piece), edge(piece + 1), less);
    }
    return items;
  }

  void write(const std::vector<Item>& items, ChangesFound& out) const {
    out.before = Owned<double>(items.size());
    out.after = Owned<double>(items.size());
    out.starts = Owned<std::int64_t>(items.size() + 1);
    std::int64_t* starts = out.starts.data.get();
    starts[0] = 0;
    for (std::size_t p = 0; p < items.size(); ++p) starts[p + 1] = starts[p] + items[p].stage + 1;
    out.rows = Owned<std::int32_t>(at(starts[items.size()]));
    out.first = Owned<double>(out.rows.size);
    out.second = Owned<double>(out.rows.size);
    for (std::size_t p = 0; p < items.size(); ++p) {
      const Item& item = items[p];
      const Worker& worker = workers_[at(item.worker)];
      out.before.data[p] = item.value[0];
      out.after.data[p] = item.value[1];
      for (std::int32_t k = 0; k <= item.stage; ++k) {
        const std::size_t to = at(starts[p] + k);
        out.rows.data[to] = static_cast<std::int32_t>(place(item, k));
        out.first.data[to] = worker.factors[0][item.first + at(k)];
        out.second.data[to] = worker.factors[1][item.first + at(k)];
      }
    }
  }

  const Changes& changes_;
  const double threshold_;
  const bool equal_;
  const std::int64_t most_found_;
  const std::int64_t most_nodes_;
  const std::span<const std::int64_t> position_;
  const Run& run_;
  Changes::Mixed mixed_;
  std::vector<JointColumn> columns_;
  std::vector<Worker> workers_;
  std::atomic<std::int64_t> rows_{0};
  std::atomic<bool> full_{false};
  std::atomic<bool> stop_{false};
  Poll poll_{run_.interrupt};
};

ChangesFound Changes::find(double threshold, bool equal, std::int64_t most_paths,
                           std::int64_t most_found, std::int64_t most_nodes,
                           std::span<const std::int64_t> position, const Run& run) const {
  return ChangeSearch(*this, threshold, equal, most_found, most_nodes, position, run)
      .run(most_paths);
}

}  // namespace carbonflows
