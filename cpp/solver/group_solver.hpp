// What sweeps and GMRES have in common: they solve the right-hand sides group by group.
#pragma once

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <vector>

#include "carbonflows/buffers.hpp"
#include "carbonflows/groups.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/threads.hpp"
#include "pipeline.hpp"
#include "poll.hpp"

namespace carbonflows {

template <class Value>
class GroupSolver {
 public:
  // Up to `most` right-hand sides are worked on together, in several panels or in one.
  GroupSolver(const System<Value>& system, const Run& run, std::int64_t most,
              const PanelCosts* costs = nullptr)
      : op_(system.op),
        stopping_(system.stopping),
        n_(op_.matrix.size()),
        blocks_(op_.matrix.blocks()),
        poll_(run.interrupt),
        pipeline_(op_, next_group(0, system.x.columns, most, costs).width),
        system_(system),
        run_(run),
        most_(most),
        costs_(costs),
        factor_start_(factor_starts(op_.matrix.starts)) {}
  virtual ~GroupSolver() = default;

  // Return the most passes over the matrix that a group took.
  int solve() {
    const Columns<double>& x = system_.x;
    int most = 0;
    while (group_.first + group_.columns < x.columns) {
      run_.interrupt();
      group_ = next_group(group_.first + group_.columns, x.columns, most_, costs_);
      passes_ = 0;
      next_.store(0);
      y_.resize(at(x.rows * group_.width));
      x_.resize(y_.size());
      pack(system_.y, group_, y_.data());
      pack({x.data, x.rows, x.columns, x.row, x.column}, group_, x_.data());
      weigh();
      begin(system_.start_is_zero);
      run_team(run_.threads, [this](Team& team) { work(team, system_.start_is_zero); });
      poll_.rethrow();
      unpack(x_.data(), group_, x);
      most = std::max(most, passes_);
    }
    return most;
  }

 protected:
  virtual void begin(bool start_is_zero) = 0;
  // What each member of the team does; rank 0 counts the passes and asks `poll_` now and then.
  virtual void work(Team& team, bool start_is_zero) = 0;

  // Call body(task) for every task, each by one member, and meet.
  template <class Body>
  void each(Team& team, std::int64_t tasks, Body body) {
    for (std::int64_t task; (task = next_.fetch_add(1)) < tasks;) body(task);
    team.barrier();
    if (team.rank() == 0) next_.store(0);
    team.barrier();
  }

  // Where block r of a panel begins in a vector, and in what the pipeline hands over.
  std::int64_t begin_of(const Panel& panel, std::int64_t r) const {
    return n_ * panel.first + op_.matrix.starts[at(r)] * panel.width();
  }
  std::int64_t part_of(const Panel& panel, std::int64_t r) const {
    return op_.matrix.rows(r) * panel.first;
  }

  // x becomes D⁻¹ x in block r of a panel, or D⁻ᵀ x.
  void solve_block(std::int64_t r, const Panel& panel, Value* x) const {
    const BlockKernels<Value>& blocks = op_.kernel_set().blocks;
    const auto& solve = op_.adjoint ? blocks.solve_adjoint : blocks.solve;
    solve[panel.index](system_.factors.values.data() + factor_start_[at(r)],
                       system_.factors.pivots.data() + op_.matrix.starts[at(r)], op_.matrix.rows(r),
                       x);
  }

  const Operator<Value>& op_;
  const Stopping& stopping_;
  const std::int64_t n_;
  const std::int64_t blocks_;
  Poll poll_;
  Pipeline<Value> pipeline_;
  Group group_;
  Buffer<Value> y_, x_;
  std::vector<double> y_size_;  // Σ residual_weight |y|, for each column; 0 without weights
  int passes_ = 0;

 private:
  void weigh() {
    y_size_.assign(at(group_.width), 0.0);
    for (const Panel& panel : group_.panels) {
      const Value* y = y_.data() + n_ * panel.first;
      double* size = y_size_.data() + panel.first;
      for (std::size_t i = 0; i < stopping_.residual_weight.size(); ++i) {
        for (int w = 0; w < panel.width(); ++w, ++y) {
          size[w] += stopping_.residual_weight[i] * static_cast<double>(std::abs(*y));
        }
      }
    }
  }

  std::atomic<std::int64_t> next_{0};  // task
  const System<Value>& system_;
  const Run& run_;
  const std::int64_t most_;
  const PanelCosts* costs_;
  std::vector<std::int64_t> factor_start_;
};

}  // namespace carbonflows
