#include <algorithm>
#include <cmath>

#include "group_solver.hpp"

namespace carbonflows {
namespace {

template <class Value>
class Sweeper final : public GroupSolver<Value> {
 public:
  using GroupSolver<Value>::GroupSolver;

 private:
  using GroupSolver<Value>::op_, GroupSolver<Value>::stopping_, GroupSolver<Value>::blocks_;
  using GroupSolver<Value>::y_, GroupSolver<Value>::x_, GroupSolver<Value>::width_;
  using GroupSolver<Value>::columns_, GroupSolver<Value>::passes_;

  void begin(bool start_is_zero) override {
    zero_start_ = start_is_zero;
    stop_ = false;
    upper_.assign(y_.size(), Value{0});
    std::copy_n(this->y_size_, max_width, previous_);
  }

  void work(Team& team, bool) override {
    // From zero, the first sweep has nothing above the diagonal to read.
    this->pipeline_.run(team, x_.data(), width_, zero_start_ ? 1 : 0,
                        [this](std::int64_t r, const Value* lower, const Value* upper) {
                          finish_block(r, lower, upper);
                          if (r + 1 == blocks_) finish_sweep();
                          return !this->poll_() && !stop_;
                        });
  }

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
    this->solve_block(r, x);
    for (std::int64_t i = 0; weighted && i < rows; ++i) {
      const double weight = stopping_.value_weight[at(first + i)];
      for (int w = 0; w < width_; ++w) {
        size_[w] += weight * static_cast<double>(std::abs(x[i * width_ + w]));
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
      stop_ = std::all_of(previous_, previous_ + columns_, [](double r) { return r == 0.0; });
      return;
    }
    const bool first_known = !zero_start_ && passes_ == 2;
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
    stop_ = reached || (stagnated && passes_ > 3);
  }

  Buffer<Value> upper_;
  Sums residual_ = {};
  Sums previous_ = {};
  Sums size_ = {};
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
