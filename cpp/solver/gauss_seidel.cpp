#include <algorithm>
#include <cmath>
#include <vector>

#include "carbonflows/buffers.hpp"
#include "carbonflows/groups.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/threads.hpp"
#include "pipeline.hpp"
#include "poll.hpp"

namespace carbonflows {
namespace {

std::size_t at(std::int64_t position) { return static_cast<std::size_t>(position); }

// One group of right-hand sides at a time on its way to the solution.
template <class Value>
class Sweeper {
 public:
  Sweeper(const Operator<Value>& op, const Factors<Value>& factors, const Stopping& stopping,
          const std::function<void()>& interrupt)
      : op_(op),
        factors_(factors),
        stopping_(stopping),
        poll_(interrupt),
        blocks_(op.matrix.blocks()),
        pipeline_(op),
        factor_start_(factor_starts(op.matrix.starts)) {}

  Iterations solve(Columns<const double> y, Columns<double> x, const Group& group,
                   bool start_is_zero, int threads) {
    width_ = group.width();
    columns_ = static_cast<int>(group.columns);
    y_.resize(at(op_.matrix.size() * width_));
    x_.resize(y_.size());
    upper_.assign(y_.size(), Value{0});
    pack(y, group, y_.data());
    pack({x.data, x.rows, x.columns, x.row, x.column}, group, x_.data());
    zero_start_ = start_is_zero;
    result_ = {};
    stop_ = false;
    std::fill_n(previous_, max_width, 0.0);
    if (zero_start_) {
      for (std::int64_t i = 0; !stopping_.residual_weight.empty() && i < y.rows; ++i) {
        for (int w = 0; w < width_; ++w) {
          previous_[w] += stopping_.residual_weight[at(i)] *
                          static_cast<double>(std::abs(y_[at(i * width_ + w)]));
        }
      }
    }
    // From zero, the first sweep has nothing above the diagonal to read.
    run_team(threads, [this](Team& team) {
      pipeline_.run(team, x_.data(), width_, zero_start_ ? 1 : 0,
                    [this](std::int64_t r, const Value* lower, const Value* upper) {
                      finish_block(r, lower, upper);
                      if (r + 1 == blocks_) finish_sweep();
                      return !poll_() && !stop_;
                    });
    });
    poll_.rethrow();
    unpack(x_.data(), group, x);
    return result_;
  }

 private:
  // Note the residual of the previous iterate in block r, and solve for the block.
  void finish_block(std::int64_t r, const Value* lower, const Value* upper) {
    if (r == 0) {
      std::fill_n(residual_, max_width, 0.0);
      std::fill_n(size_, max_width, 0.0);
    }
    const bool weighted = !stopping_.residual_weight.empty();
    const std::int64_t first = op_.matrix.starts[at(r)];
    const std::int64_t rows = op_.matrix.rows(r);
    Value* x = x_.data() + first * width_;
    Value* previous_upper = upper_.data() + first * width_;
    const Value* y = y_.data() + first * width_;
    for (std::int64_t i = 0; i < rows; ++i) {
      const double weight = weighted ? stopping_.residual_weight[at(first + i)] : 0.0;
      for (int w = 0; w < width_; ++w) {
        const std::int64_t p = i * width_ + w;
        residual_[w] += weight * static_cast<double>(std::abs(upper[p] - previous_upper[p]));
        previous_upper[p] = upper[p];
        x[p] = y[p] + lower[p] + upper[p];
      }
    }
    const BlockKernels<Value>& blocks = op_.kernel_set().blocks;
    const auto& solve = op_.adjoint ? blocks.solve_adjoint : blocks.solve;
    solve[width_index(width_)](factors_.values.data() + factor_start_[at(r)],
                               factors_.pivots.data() + first, rows, x);
    for (std::int64_t i = 0; weighted && i < rows; ++i) {
      const double weight = stopping_.value_weight[at(first + i)];
      for (int w = 0; w < width_; ++w) {
        size_[w] += weight * static_cast<double>(std::abs(x[i * width_ + w]));
      }
    }
  }

  void finish_sweep() {
    ++result_.sweeps;
    const bool residual_known = zero_start_ ? result_.sweeps >= 1 : result_.sweeps >= 2;
    if (!stopping_.residual_weight.empty() && residual_known) judge();
    if (!stop_ && result_.sweeps >= stopping_.sweeps) {
      result_.outcome = Outcome::sweeps_used;
      stop_ = true;
    }
  }

  // After sweep k, residual_ belongs to iterate k − 1 and previous_ to k − 2 (from zero, the
  // first sweep judges by the right-hand side itself). Sweeps shrink the weighted residual at a
  // steady rate, which foretells that of iterate k.
  void judge() {
    const int sweeps = result_.sweeps;
    if (zero_start_ && sweeps == 1) {
      stop_ = std::all_of(previous_, previous_ + columns_, [](double r) { return r == 0.0; });
      return;
    }
    const bool first_known = !zero_start_ && sweeps == 2;
    bool reached = true;
    bool stagnated = true;
    for (int w = 0; w < columns_; ++w) {
      const double rate =
          first_known || previous_[w] == 0.0 ? 1.0 : std::min(1.0, residual_[w] / previous_[w]);
      if (residual_[w] * rate <= stopping_.goal * size_[w]) continue;
      reached = false;
      // A column that still gains keeps the group going; one that has stopped gaining is at the
      // level of rounding, and NaN is never a gain.
      if (first_known || residual_[w] < 0.999 * previous_[w]) stagnated = false;
    }
    std::copy_n(residual_, max_width, previous_);
    if (reached || (stagnated && sweeps > 3)) {
      result_.outcome = reached ? Outcome::reached : Outcome::stagnated;
      stop_ = true;
    }
  }

  const Operator<Value>& op_;
  const Factors<Value>& factors_;
  const Stopping& stopping_;
  Poll poll_;
  const std::int64_t blocks_;
  Pipeline<Value> pipeline_;
  std::vector<std::int64_t> factor_start_;
  Buffer<Value> y_, x_, upper_;
  double residual_[max_width] = {};
  double previous_[max_width] = {};
  double size_[max_width] = {};
  int width_ = 1;
  int columns_ = 1;
  bool zero_start_ = true;
  bool stop_ = false;
  Iterations result_;
};

}  // namespace

template <class Value>
Iterations gauss_seidel(const Operator<Value>& op, const Factors<Value>& factors,
                        Columns<const double> y, Columns<double> x, bool start_is_zero,
                        const Stopping& stopping, int threads,
                        const std::function<void()>& interrupt) {
  Sweeper<Value> sweeper(op, factors, stopping, interrupt);
  return solve_groups<Value>(sweeper, y, x, start_is_zero, threads, interrupt);
}

#define CARBONFLOWS_FOR_VALUE(Value)                                                     \
  template Iterations gauss_seidel<Value>(const Operator<Value>&, const Factors<Value>&, \
                                          Columns<const double>, Columns<double>, bool,  \
                                          const Stopping&, int, const std::function<void()>&);
CARBONFLOWS_FOR_VALUE(double)
CARBONFLOWS_FOR_VALUE(float)
#undef CARBONFLOWS_FOR_VALUE

}  // namespace carbonflows
