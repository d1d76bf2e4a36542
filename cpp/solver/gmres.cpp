// GMRES with a lower block sweep as its preconditioner.
//
// With P = D − Lower, (I − B) P⁻¹ v = v − Upper P⁻¹ v: the sweep reads the tiles on and below the
// diagonal, the product those above it, so that an iteration reads every tile once. The vectors
// z = P⁻¹ v are kept, so the solution needs no sweep of its own. All columns of a group have their
// own Hessenberg matrices and go through the iterations together. Residuals are measured in
// ‖W r‖₂, W being the certificate's guard, which no change of units alters.
//
// Source: Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 9.6 (flexible GMRES).
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "group_solver.hpp"

namespace carbonflows {
namespace {

// Iterations before the basis is thrown away and the residual taken anew.
constexpr int restart = 24;

template <class Value>
class Krylov final : public GroupSolver<Value> {
 public:
  Krylov(const System<Value>& system, const Run& run)
      : GroupSolver<Value>(system, run, widest<Value>),
        block_sums_(at(blocks_ * (restart + 1) * max_width)) {}

 private:
  using GroupSolver<Value>::op_, GroupSolver<Value>::stopping_, GroupSolver<Value>::blocks_;
  using GroupSolver<Value>::y_, GroupSolver<Value>::x_, GroupSolver<Value>::group_;
  using GroupSolver<Value>::y_size_, GroupSolver<Value>::passes_;
  using Sums = double[max_width];  // one number a column

  void begin(bool) override {
    scratch_.resize(y_.size());
    phase_end_ = false;
    first_cycle_ = true;
    width_ = group_.width;
    index_ = group_.panels.front().index;
    columns_ = static_cast<int>(group_.columns);
  }

  void work(Team& team, bool start_is_zero) override {
    for (bool zero = start_is_zero; !phase_end_; zero = false) {
      begin_cycle(team, zero);
      for (int j = 0; !cycle_end_; ++j) iterate(team, j);
      finish(team);
    }
  }

  Value* block(Buffer<Value>& vector, std::int64_t r) {
    return vector.data() + op_.matrix.starts[at(r)] * width_;
  }
  std::int64_t length(std::int64_t r) const { return op_.matrix.rows(r) * width_; }
  double* sums(std::int64_t r, int i) {
    return block_sums_.data() + (r * (restart + 1) + i) * max_width;
  }

  const double* guard(std::int64_t r) const {
    return stopping_.residual_weight.data() + op_.matrix.starts[at(r)];
  }
  const VectorKernels<Value>& vectors() const { return op_.kernel_set().vectors; }

  // Σ over the block of guard² a b, one sum a column.
  void block_dot(std::int64_t r, const Value* a, const Value* b, double* out) {
    vectors().weighted_dot[index_](guard(r), op_.matrix.rows(r), a, b, out);
  }
  // to += factor · from in block r
  void add(std::int64_t r, const double* factor, const Value* from, Value* to) {
    vectors().add_scaled[index_](factor, op_.matrix.rows(r), from, to);
  }

  void total(int i, double* out) {
    std::fill_n(out, max_width, 0.0);
    for (std::int64_t r = 0; r < blocks_; ++r) {
      for (int w = 0; w < width_; ++w) out[w] += sums(r, i)[w];
    }
  }

  // basis_[0] = r / ‖r‖ with r = y − (I − B) x.
  void begin_cycle(Team& team, bool zero) {
    if (team.rank() == 0) {
      grow(0);
      cycle_end_ = false;
      steps_ = 0;
      if (!zero) ++passes_;
    }
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) {
      Value* residual = block(basis_[0], r);
      std::copy_n(block(y_, r), length(r), residual);
      if (!zero) {
        for (std::int64_t s = 0; s < blocks_; ++s) {
          op_.tile_pass(r, s, x_.data(), residual, group_.panels);
        }
        const Value* x = block(x_, r);
        for (std::int64_t p = 0; p < length(r); ++p) residual[p] -= x[p];
      }
      block_dot(r, residual, residual, sums(r, 0));
    });
    if (team.rank() == 0) {
      Sums norm;
      total(0, norm);
      bool any = false;
      bool gained = zero;
      near_ = false;
      for (int w = 0; w < width_; ++w) {
        const double before = beta_[w];
        beta_[w] = std::sqrt(norm[w]);
        gained = gained || first_cycle_ || beta_[w] < 0.5 * before;
        scale_[w] = beta_[w] > 0.0 ? 1.0 / beta_[w] : 0.0;
        any = any || beta_[w] > 0.0;
        std::fill_n(rotated_[w], restart + 1, 0.0);
        rotated_[w][0] = beta_[w];
      }
      if (!any || !gained) cycle_end_ = phase_end_ = true;
      first_cycle_ = false;
    }
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) { scale_block(block(basis_[0], r), r); });
  }

  void scale_block(Value* vector, std::int64_t r) {
    vectors().scale[index_](scale_, op_.matrix.rows(r), vector);
  }

  void iterate(Team& team, int j) {
    if (team.rank() == 0) grow(j + 1);
    team.barrier();
    Buffer<Value>& v = basis_[at(j)];
    Buffer<Value>& z = swept_[at(j)];
    Buffer<Value>& u = basis_[at(j + 1)];
    this->pipeline_.run(team, z.data(), group_, 1,
                        [&](std::int64_t r, const Value* lower, const Value*) {
                          const Value* from = block(v, r);
                          Value* to = block(z, r);
                          for (std::int64_t p = 0; p < length(r); ++p) to[p] = from[p] + lower[p];
                          this->solve_block(r, group_.panels.front(), to);
                          this->poll_();
                          return r + 1 < blocks_;
                        });
    this->each(team, blocks_, [&](std::int64_t r) {
      Value* out = block(u, r);
      std::fill_n(out, length(r), Value{0});
      for (std::int64_t s = r + 1; s < blocks_; ++s) {
        op_.tile_pass(r, s, z.data(), out, group_.panels);
      }
      const Value* from = block(v, r);
      for (std::int64_t p = 0; p < length(r); ++p) out[p] = from[p] - out[p];
      for (int i = 0; i <= j; ++i) block_dot(r, block(basis_[at(i)], r), out, sums(r, i));
    });
    if (team.rank() == 0) {
      for (int i = 0; i <= j; ++i) {
        total(i, projection_[i]);
        for (int w = 0; w < width_; ++w) minus_[i][w] = -projection_[i][w];
      }
    }
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) {
      Value* out = block(u, r);
      for (int i = 0; i <= j; ++i) add(r, minus_[i], block(basis_[at(i)], r), out);
      block_dot(r, out, out, sums(r, 0));
    });
    if (team.rank() == 0) rotate(j);
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) { scale_block(block(u, r), r); });
    if (near_) judge(team, j);
  }

  // Form the residual V Q' (γ e_last) and measure it as the caller's goal does, by Σ w|r|.
  void judge(Team& team, int j) {
    if (team.rank() == 0) {
      for (int w = 0; w < width_; ++w) {
        coefficient_[j + 1][w] = rotated_[w][j + 1];
        for (int i = j; i >= 0; --i) {
          const double last = coefficient_[i + 1][w];
          coefficient_[i][w] = -sine_[w][i] * last;
          coefficient_[i + 1][w] = cosine_[w][i] * last;
        }
      }
    }
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) {
      Value* residual = block(scratch_, r);
      std::fill_n(residual, length(r), Value{0});
      for (int i = 0; i <= j + 1; ++i) add(r, coefficient_[i], block(basis_[at(i)], r), residual);
      vectors().weighted_size[index_](guard(r), op_.matrix.rows(r), residual, sums(r, 0));
    });
    if (team.rank() == 0) {
      Sums weighted;
      total(0, weighted);
      bool reached = true;
      for (int w = 0; w < columns_; ++w) {
        reached = reached && weighted[w] <= stopping_.goal * y_size_[at(w)];
      }
      if (reached) cycle_end_ = phase_end_ = true;
    }
    team.barrier();
  }

  // Append column j to every Hessenberg matrix, keep it triangular by Givens rotations, and judge.
  void rotate(int j) {
    ++passes_;
    steps_ = j + 1;
    Sums norm;
    total(0, norm);
    near_ = true;
    bool alive = false;
    for (int w = 0; w < width_; ++w) {
      double* h = hessenberg_[at(w)][at(j)].data();
      for (int i = 0; i <= j; ++i) h[i] = projection_[i][w];
      double below = std::sqrt(norm[w]);
      for (int i = 0; i < j; ++i) {
        const double a = h[i];
        h[i] = cosine_[w][i] * a + sine_[w][i] * h[i + 1];
        h[i + 1] = cosine_[w][i] * h[i + 1] - sine_[w][i] * a;
      }
      const double radius = std::hypot(h[j], below);
      const bool dead = !(radius > 0.0) || beta_[w] == 0.0;
      cosine_[w][j] = dead ? 1.0 : h[j] / radius;
      sine_[w][j] = dead ? 0.0 : below / radius;
      h[j] = dead ? 1.0 : radius;
      rotated_[w][j + 1] = dead ? 0.0 : -sine_[w][j] * rotated_[w][j];
      rotated_[w][j] *= cosine_[w][j];
      if (dead) rotated_[w][j] = 0.0;
      // A column whose residual has vanished has no next direction.
      const bool spent = dead || below <= 1e-14 * radius;
      scale_[w] = spent ? 0.0 : 1.0 / below;
      alive = alive || !spent;
      // Σ w|r| is at least ‖W r‖₂, so it need not be formed while that is too large.
      if (w < columns_ && std::abs(rotated_[w][j + 1]) > stopping_.goal * y_size_[at(w)])
        near_ = false;
    }
    const bool give_up = passes_ >= stopping_.sweeps || this->poll_.raised();
    if (!alive || j + 1 == restart || give_up) cycle_end_ = true;
    if (give_up) phase_end_ = true;
  }

  // x += Σ_j c_j z_j with c from the triangular Hessenberg matrices.
  void finish(Team& team) {
    if (team.rank() == 0) {
      for (int w = 0; w < width_; ++w) {
        for (int j = steps_ - 1; j >= 0; --j) {
          double value = rotated_[w][j];
          for (int k = j + 1; k < steps_; ++k) {
            value -= hessenberg_[at(w)][at(k)][at(j)] * coefficient_[k][w];
          }
          coefficient_[j][w] = value / hessenberg_[at(w)][at(j)][at(j)];
        }
      }
    }
    team.barrier();
    this->each(team, blocks_, [&](std::int64_t r) {
      Value* x = block(x_, r);
      for (int j = 0; j < steps_; ++j) add(r, coefficient_[j], block(swept_[at(j)], r), x);
    });
  }

  void grow(int j) {
    while (static_cast<int>(basis_.size()) <= j) basis_.emplace_back();
    while (static_cast<int>(swept_.size()) <= j) swept_.emplace_back();
    basis_[at(j)].resize(y_.size());
    swept_[at(j)].resize(y_.size());
  }

  std::vector<double> block_sums_;  // what each block adds to the scalar products
  Buffer<Value> scratch_;
  std::vector<Buffer<Value>> basis_, swept_;  // v_j and z_j = P⁻¹ v_j
  // One small least-squares problem a column.
  std::vector<std::array<std::array<double, restart + 1>, restart>> hessenberg_{max_width};
  double cosine_[max_width][restart] = {};
  double sine_[max_width][restart] = {};
  double rotated_[max_width][restart + 1] = {};  // the right-hand side, rotated
  Sums projection_[restart + 1] = {};
  Sums minus_[restart + 1] = {};
  Sums coefficient_[restart + 1] = {};
  Sums beta_ = {};
  Sums scale_ = {};
  int width_ = 1;
  int index_ = 0;  // of the width in `widths`
  int columns_ = 1;
  int steps_ = 0;
  bool first_cycle_ = true;
  bool near_ = false;
  bool cycle_end_ = false;
  bool phase_end_ = false;
};

}  // namespace

template <class Value>
int System<Value>::gmres(const Run& run) const {
  return Krylov<Value>(*this, run).solve();
}
template int System<double>::gmres(const Run&) const;
template int System<float>::gmres(const Run&) const;

}  // namespace carbonflows
