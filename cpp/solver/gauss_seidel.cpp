#include <algorithm>
#include <cmath>

#include "group_solver.hpp"

namespace carbonflows {
namespace {

template <class Value>
class Sweeper final : public GroupSolver<Value> {
 public:
  Sweeper(const System<Value>& system, const Run& run)
      : GroupSolver<Value>(system, run, widest<Value>) {}

 private:
  using GroupSolver<Value>::op_, GroupSolver<Value>::stopping_, GroupSolver<Value>::blocks_;
  using GroupSolver<Value>::y_, GroupSolver<Value>::x_, GroupSolver<Value>::group_;
  using GroupSolver<Value>::passes_;

  void begin(bool start_is_zero) override {
    zero_start_ = start_is_zero;
    stop_ = false;
    upper_.assign(y_.size(), Value{0});
    previous_ = this->y_size_;
    residual_.assign(previous_.size(), 0.0);
    size_ = residual_;
  }

  void work(Team& team, bool) override {
    // From zero, the first sweep has nothing above the diagonal to read.
    this->pipeline_.run(team, x_.data(), group_, zero_start_ ? 1 : 0,
                        [this](std::int64_t r, const Value* lower, const Value* upper) {
                          finish_block(r, lower, upper);
                          if (r + 1 == blocks_) finish_sweep();
                          return !this->poll_() && !stop_;
                        });
  }

  // Note the residual of the previous iterate in block r, and solve for the block.
  void finish_block(std::int64_t r, const Value* lower, const Value* upper) {
    if (r == 0) {
      std::fill(residual_.begin(), residual_.end(), 0.0);
      std::fill(size_.begin(), size_.end(), 0.0);
    }
    const std::int64_t first = op_.matrix.starts[at(r)];
    const std::int64_t rows = op_.matrix.rows(r);
    const bool weighted = !stopping_.residual_weight.empty();
    for (const Panel& panel : group_.panels) {
      const std::int64_t begin = this->begin_of(panel, r);
      const std::int64_t part = this->part_of(panel, r);
      const int width = panel.width();
      double* residual = residual_.data() + panel.first;
      double* size = size_.data() + panel.first;
      for (std::int64_t i = 0; i < rows; ++i) {
        const double weight = weighted ? stopping_.residual_weight[at(first + i)] : 0.0;
        for (int w = 0; w < width; ++w) {
          const std::int64_t p = i * width + w;
          Value& before = upper_[at(begin + p)];
          const Value now = upper[part + p];
          residual[w] += weight * static_cast<double>(std::abs(now - before));
          before = now;
          x_[at(begin + p)] = y_[at(begin + p)] + lower[part + p] + now;
        }
      }
      Value* x = x_.data() + begin;
      this->solve_block(r, panel, x);
      for (std::int64_t i = 0; weighted && i < rows; ++i) {
        const double weight = stopping_.value_weight[at(first + i)];
        for (int w = 0; w < width; ++w) {
          size[w] += weight * static_cast<double>(std::abs(x[i * width + w]));
        }
      }
    }
  }

  void finish_sweep() {
    ++passes_;
    const bool residual_known = passes_ >= (zero_start_ ? 1 : 2);
    if (!stopping_.residual_weight.empty() && residual_known) judge();
    stop_ = stop_ || passes_ >= stopping_.sweeps;
  }

  // After sweep k, residual_ belongs to iterate k − 1 and previous_ to k − 2 (from zero, the
  // first sweep judges by the right-hand side itself). Sweeps shrink the weighted residual at a
  // steady rate, which foretells that of iterate k.
  void judge() {
    if (zero_start_ && passes_ == 1) {
      stop_ = std::all_of(previous_.begin(), previous_.end(), [](double r) { return r == 0.0; });
      return;
    }
    const bool first_known = !zero_start_ && passes_ == 2;
    bool reached = true;
    bool stagnated = true;
    for (std::size_t w = 0; w < at(group_.columns); ++w) {
      const double rate =
          first_known || previous_[w] == 0.0 ? 1.0 : std::min(1.0, residual_[w] / previous_[w]);
      if (residual_[w] * rate <= stopping_.goal * size_[w]) continue;
      reached = false;
      // A column that still gains keeps the group going; one that has stopped gaining is at the
      // level of rounding, and NaN is never a gain.
      if (first_known || residual_[w] < 0.999 * previous_[w]) stagnated = false;
    }
    previous_ = residual_;
    stop_ = reached || (stagnated && passes_ > 3);
  }

  Buffer<Value> upper_;
  std::vector<double> residual_, previous_, size_;  // one number a column
  bool zero_start_ = true;
  bool stop_ = false;
};

}  // namespace

template <class Value>
int System<Value>::gauss_seidel(const Run& run) const {
  return Sweeper<Value>(*this, run).solve();
}
template int System<double>::gauss_seidel(const Run&) const;
template int System<float>::gauss_seidel(const Run&) const;

}  // namespace carbonflows
