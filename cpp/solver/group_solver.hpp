// What sweeps and GMRES have in common: they solve the right-hand sides group by group.
#pragma once

#include <algorithm>
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

using Sums = double[max_width];  // one number a column

template <class Value>
class GroupSolver {
 public:
  GroupSolver(const System<Value>& system, const Run& run)
      : op_(system.op),
        stopping_(system.stopping),
        blocks_(op_.matrix.blocks()),
        poll_(run.interrupt),
        pipeline_(op_),
        system_(system),
        run_(run),
        factor_start_(factor_starts(op_.matrix.starts)) {}
  virtual ~GroupSolver() = default;

  // Return the most passes over the matrix that a group took.
  int solve() {
    const Columns<double>& x = system_.x;
    int most = 0;
    for (std::int64_t first = 0; first < x.columns; first += widest<Value>) {
      run_.interrupt();
      const Group group = next_group<Value>(first, x.columns);
      width_ = group.width();
      index_ = group.index;
      columns_ = static_cast<int>(group.columns);
      passes_ = 0;
      y_.resize(at(x.rows * width_));
      x_.resize(y_.size());
      pack(system_.y, group, y_.data());
      pack({x.data, x.rows, x.columns, x.row, x.column}, group, x_.data());
      weigh();
      begin(system_.start_is_zero);
      run_team(run_.threads, [this](Team& team) { work(team, system_.start_is_zero); });
      poll_.rethrow();
      unpack(x_.data(), group, x);
      most = std::max(most, passes_);
    }
    return most;
  }

 protected:
  virtual void begin(bool start_is_zero) = 0;
  // What each member of the team does; rank 0 counts the passes and asks `poll_` now and then.
  virtual void work(Team& team, bool start_is_zero) = 0;

  // x becomes D⁻¹ x in block r, or D⁻ᵀ x.
  void solve_block(std::int64_t r, Value* x) const {
    const BlockKernels<Value>& blocks = op_.kernel_set().blocks;
    const auto& solve = op_.adjoint ? blocks.solve_adjoint : blocks.solve;
    solve[index_](system_.factors.values.data() + factor_start_[at(r)],
                  system_.factors.pivots.data() + op_.matrix.starts[at(r)], op_.matrix.rows(r), x);
  }

  const Operator<Value>& op_;
  const Stopping& stopping_;
  const std::int64_t blocks_;
  Poll poll_;
  Pipeline<Value> pipeline_;
  // The group, its columns `width_` wide, of which the first `columns_` are asked for.
  Buffer<Value> y_, x_;
  Sums y_size_ = {};  // Σ residual_weight |y|; 0 without weights
  int width_ = 1;
  int index_ = 0;  // of the width in `widths`
  int columns_ = 1;
  int passes_ = 0;

 private:
  void weigh() {
    std::fill_n(y_size_, max_width, 0.0);
    for (std::size_t i = 0; i < stopping_.residual_weight.size(); ++i) {
      for (int w = 0; w < width_; ++w) {
        y_size_[w] += stopping_.residual_weight[i] *
                      static_cast<double>(std::abs(y_[i * at(width_) + at(w)]));
      }
    }
  }

  const System<Value>& system_;
  const Run& run_;
  std::vector<std::int64_t> factor_start_;
};

}  // namespace carbonflows
