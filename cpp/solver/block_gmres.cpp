// GMRES as in gmres.cpp, but with one Krylov space for several right-hand sides.
//
// The basis is made of blocks V_j with a vector for each right-hand side, and every side is fitted
// by all of them: the sides of a table resemble each other, so that few blocks serve all. Residuals
// are measured in ‖W r‖₂, W being the certificate's guard, which no change of units alters; the
// basis is kept as W V, in which scalar products are plain.
//
// Blocks are made orthonormal by Cholesky factors of their Gram matrices, twice, since once leaves
// what is nearly dependent with few digits. What depends on the others becomes a vector of zeros.
//
// Sources: Saad (2003), Iterative Methods for Sparse Linear Systems, algorithm 9.6 (flexible GMRES)
// and section 6.12 (blocks); Yamamoto, Nakatsukasa, Yanagisawa and Fukaya (2015), Electronic
// Transactions on Numerical Analysis 44 (Cholesky QR, twice).
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "block_least_squares.hpp"
#include "block_products.hpp"
#include "group_solver.hpp"
#include "squares.hpp"

namespace carbonflows {
namespace {

// Blocks before the basis is thrown away and the residual taken anew.
constexpr int restart = 16;

// What is left of a vector once others are taken off it: below this share of its length, its digits
// are worth a second time.
template <class Value>
constexpr double short_of_digits = sizeof(Value) == sizeof(double) ? 1e-3 : 1e-2;

template <class Value>
class BlockKrylov final : public GroupSolver<Value> {
 public:
  BlockKrylov(const System<Value>& system, const Run& run, std::int64_t shared)
      : GroupSolver<Value>(system, run, shared, &costs_of(system.op)),
        products_(op_.kernel_set().products, n_) {}

 private:
  using GroupSolver<Value>::op_, GroupSolver<Value>::stopping_, GroupSolver<Value>::blocks_;
  using GroupSolver<Value>::n_, GroupSolver<Value>::y_, GroupSolver<Value>::x_;
  using GroupSolver<Value>::group_, GroupSolver<Value>::y_size_, GroupSolver<Value>::passes_;
  using Vectors = Buffer<Value>;

  void begin(bool) override {
    width_ = group_.width;
    products_.begin(group_);
    phase_end_ = false;
    last_size_.assign(at(width_), std::numeric_limits<double>::infinity());
  }

  void work(Team& team, bool start_is_zero) override {
    for (bool zero = start_is_zero; !phase_end_; zero = false) {
      begin_cycle(team, zero);
      while (!cycle_end_) iterate(team);
      finish(team);
    }
  }

  // Let rank 0 do what only one can.
  template <class Body>
  void alone(Team& team, Body body) {
    if (team.rank() == 0) body();
    team.barrier();
  }
  // Call body(chunk) for all rows, a chunk at a time, and meet.
  template <class Body>
  void each_chunk(Team& team, Body body) {
    this->each(team, products_.chunks(), body);
  }

  double guard(std::int64_t row) const { return stopping_.residual_weight[at(row)]; }

  // V_0 S = y − (I − B) x.
  void begin_cycle(Team& team, bool zero) {
    alone(team, [&] {
      grow(0);
      cycle_end_ = near_ = false;
      steps_ = 0;
      if (!zero) ++passes_;
    });
    this->each(team, blocks_, [&](std::int64_t r) {
      Vectors left = zero ? Vectors{} : tiles_times(r, 0, x_);
      for (const Panel& panel : group_.panels) {
        const std::int64_t begin = this->begin_of(panel, r);
        for (std::int64_t p = 0; p < op_.matrix.rows(r) * panel.width(); ++p) {
          Value value = y_[at(begin + p)];
          if (!zero) value += left[at(this->part_of(panel, r) + p)] - x_[at(begin + p)];
          basis_[0][at(begin + p)] = weighted(r, p / panel.width(), value);
        }
      }
    });
    each_chunk(team, [&](std::int64_t chunk) { products_.gram(chunk, basis_[0], basis_[0], 0); });
    alone(team, [&] {
      const Square sum = products_.total(0);
      before_.assign(at(width_), 0.0);
      bool any = false;
      bool gained = zero;
      for (int w = 0; w < width_; ++w) {
        const double size = std::sqrt(*sum.at(w, w));
        any = any || size > 0.0;
        gained = gained || size < 0.5 * last_size_[at(w)];
        last_size_[at(w)] = size;
      }
      if (!any || !gained) cycle_end_ = phase_end_ = true;
    });
    if (cycle_end_) return;
    orthonormalise(team, basis_[0], 0);
    alone(team, [&] { small_.begin(below_); });
  }

  void iterate(Team& team) {
    const int j = steps_;
    alone(team, [&] { grow(j + 1); });
    Vectors& z = swept_[at(j)];
    Vectors& u = basis_[at(j + 1)];
    this->pipeline_.run(team, z.data(), group_, 1,
                        [&](std::int64_t r, const Value* lower, const Value*) {
                          sweep_block(r, basis_[at(j)], lower, z);
                          this->poll_();
                          return r + 1 < blocks_;
                        });
    this->each(team, blocks_, [&](std::int64_t r) {
      const Vectors upper = tiles_times(r, r + 1, z);
      for (const Panel& panel : group_.panels) {
        const std::int64_t begin = this->begin_of(panel, r);
        const Value* sum = upper.data() + this->part_of(panel, r);
        for (std::int64_t p = 0; p < op_.matrix.rows(r) * panel.width(); ++p) {
          u[at(begin + p)] = basis_[at(j)][at(begin + p)] - weighted(r, p / panel.width(), sum[p]);
        }
      }
    });
    each_chunk(team, [&](std::int64_t chunk) {
      for (int i = 0; i <= j; ++i) products_.gram(chunk, basis_[at(i)], u, i);
    });
    alone(team, [&] {
      before_.assign(at(width_), 0.0);
      column_.assign(at(j + 1), {});
      for (int i = 0; i <= j; ++i) {
        column_[at(i)] = products_.total(i);
        take_off(column_[at(i)], i);
        for (int u_row = 0; u_row < width_; ++u_row) {
          for (int w = 0; w < width_; ++w) {
            const double off = *column_[at(i)].at(u_row, w);
            before_[at(w)] += off * off;
          }
        }
      }
    });
    each_chunk(team, [&](std::int64_t chunk) {
      for (int i = 0; i <= j; ++i) products_.add(chunk, minus_[at(i)], basis_[at(i)], u);
      products_.gram(chunk, u, u, 0);
    });
    orthonormalise(team, u, j + 1);
    alone(team, [&] { step(j); });
    if (near_) judge(team, j);
  }

  // Make a block orthonormal whose Gram matrix is in place 0, and take the `others` before it off
  // once more where digits are lost. Leaves the triangle in `below_`. Two rounds are enough but for
  // weak vectors, whose noise was made longer with them.
  void orthonormalise(Team& team, Vectors& u, int others) {
    alone(team, [&] {
      const Square own = products_.total(0);
      for (int w = 0; w < width_; ++w) before_[at(w)] += *own.at(w, w);
      const double least = cholesky<Value>(own, before_, &weak_, below_, inverse_);
      any_weak_ = std::find(weak_.begin(), weak_.end(), true) != weak_.end();
      const double limit = short_of_digits<Value> * short_of_digits<Value>;
      again_ = others > 0 && (any_weak_ || least < limit);
      triangle_ = numbers(inverse_, 1.0);
    });
    each_chunk(team, [&](std::int64_t chunk) {
      products_.multiply(chunk, triangle_, u);
      if (!again_) products_.gram(chunk, u, u, 0);
      for (int i = 0; again_ && i < others; ++i) products_.gram(chunk, basis_[at(i)], u, i);
    });
    if (again_) take_off_again(team, u, others);
    // A weak vector was made longer by the least pivot, and its noise with it.
    normalise(team, u, 1.0 / least_pivot<Value>);
    if (!any_weak_) return;
    each_chunk(team, [&](std::int64_t chunk) { products_.gram(chunk, u, u, 0); });
    normalise(team, u, 1.0);
  }

  // Take the blocks before it off a block whose products with them are in the places of the others.
  void take_off_again(Team& team, Vectors& u, int others) {
    alone(team, [&] {
      for (int i = 0; i < others; ++i) {
        const Square off = products_.total(i);
        column_[at(i)] += off * below_;
        take_off(off, i);
      }
    });
    each_chunk(team, [&](std::int64_t chunk) {
      for (int i = 0; i < others; ++i) products_.add(chunk, minus_[at(i)], basis_[at(i)], u);
      products_.gram(chunk, u, u, 0);
    });
  }

  // Make a block orthonormal that nearly is, its Gram matrix being in place 0. `longer` says how
  // much the squares of weak vectors were made longer.
  void normalise(Team& team, Vectors& u, double longer) {
    alone(team, [&] {
      Square triangle;
      std::vector<double> sizes(at(width_), 1.0);
      for (std::size_t w = 0; w < sizes.size(); ++w) {
        if (weak_[w]) sizes[w] = longer;
      }
      cholesky<Value>(products_.total(0), sizes, nullptr, triangle, inverse_);
      triangle_ = numbers(inverse_, 1.0);
      below_ = triangle * below_;
    });
    each_chunk(team, [&](std::int64_t chunk) { products_.multiply(chunk, triangle_, u); });
  }

  // Fit the right-hand sides by one block more, and see how far they are.
  void step(int j) {
    ++passes_;
    steps_ = j + 1;
    column_.push_back(below_);
    small_.append(column_);
    near_ = true;
    // Σ w|r| is at least ‖W r‖₂, so it need not be formed while that is too large.
    for (int w = 0; w < group_.columns; ++w) {
      if (!(small_.left(w) <= stopping_.goal * y_size_[at(w)])) near_ = false;
    }
    bool alive = false;
    for (int w = 0; w < width_; ++w) alive = alive || *below_.at(w, w) != 0.0;
    const bool give_up = passes_ >= stopping_.sweeps || this->poll_.raised();
    if (!alive || j + 1 == restart || give_up) cycle_end_ = true;
    if (give_up) phase_end_ = true;
  }

  // Form the residuals and measure them as the caller's goal does, by Σ w|r|.
  void judge(Team& team, int j) {
    alone(team, [&] {
      const std::vector<Square> coefficients = small_.residual();
      for (int i = 0; i <= j + 1; ++i) minus_[at(i)] = numbers(coefficients[at(i)], 1.0);
      sizes_.assign(at(products_.chunks() * width_), 0.0);
    });
    each_chunk(team, [&](std::int64_t chunk) {
      for (const Panel& panel : group_.panels) {
        std::fill_n(products_.in_chunk(products_.scratch(), panel, chunk),
                    products_.rows_of(chunk) * panel.width(), Value{0});
      }
      for (int i = 0; i <= j + 1; ++i)
        products_.add(chunk, minus_[at(i)], basis_[at(i)], products_.scratch());
      for (const Panel& panel : group_.panels) {
        const Value* residual = products_.in_chunk(products_.scratch(), panel, chunk);
        double* size = sizes_.data() + chunk * width_ + panel.first;
        for (std::int64_t i = 0; i < products_.rows_of(chunk); ++i) {
          for (int w = 0; w < panel.width(); ++w, ++residual) {
            size[w] += static_cast<double>(std::abs(*residual));
          }
        }
      }
    });
    alone(team, [&] {
      bool reached = true;
      for (int w = 0; w < group_.columns; ++w) {
        double size = 0.0;
        for (std::int64_t chunk = 0; chunk < products_.chunks(); ++chunk)
          size += sizes_[at(chunk * width_ + w)];
        reached = reached && size <= stopping_.goal * y_size_[at(w)];
      }
      if (reached) cycle_end_ = phase_end_ = true;
    });
  }

  // x += Σ_j Z_j C_j
  void finish(Team& team) {
    alone(team, [&] {
      if (steps_ == 0) return;
      const std::vector<Square> coefficients = small_.solution();
      for (int j = 0; j < steps_; ++j) minus_[at(j)] = numbers(coefficients[at(j)], 1.0);
    });
    each_chunk(team, [&](std::int64_t chunk) {
      for (int j = 0; j < steps_; ++j) products_.add(chunk, minus_[at(j)], swept_[at(j)], x_);
    });
  }

  // The tiles of block row r from column block `first` on, times x: panel after panel.
  Vectors tiles_times(std::int64_t r, std::int64_t first, const Vectors& x) const {
    Vectors out(at(op_.matrix.rows(r) * width_), Value{0});
    for (std::int64_t s = first; s < blocks_; ++s) {
      op_.tile_pass(r, s, x.data(), out.data(), group_.panels);
    }
    return out;
  }

  // z = D⁻¹ (v + lower) in block r.
  void sweep_block(std::int64_t r, const Vectors& v, const Value* lower, Vectors& z) {
    for (const Panel& panel : group_.panels) {
      const std::int64_t begin = this->begin_of(panel, r);
      const Value* sum = lower + this->part_of(panel, r);
      const int width = panel.width();
      for (std::int64_t i = 0, p = 0; i < op_.matrix.rows(r); ++i) {
        const double unit = 1.0 / guard(op_.matrix.starts[at(r)] + i);
        for (int w = 0; w < width; ++w, ++p) {
          z[at(begin + p)] =
              static_cast<Value>(unit * static_cast<double>(v[at(begin + p)])) + sum[p];
        }
      }
      this->solve_block(r, panel, z.data() + begin);
    }
  }

  // W x for a row of block r.
  Value weighted(std::int64_t r, std::int64_t row, Value x) const {
    return static_cast<Value>(guard(op_.matrix.starts[at(r)] + row) * static_cast<double>(x));
  }

  // A square of factors as numbers of the vectors' kind.
  Vectors numbers(const Square& square, double sign) const {
    Vectors out(square.values.size());
    for (std::size_t p = 0; p < out.size(); ++p)
      out[p] = static_cast<Value>(sign * square.values[p]);
    return out;
  }
  void take_off(const Square& square, int place) { minus_[at(place)] = numbers(square, -1.0); }

  void grow(int j) {
    const auto blocks = at(j + 1);
    if (basis_.size() < blocks) basis_.resize(blocks);
    if (swept_.size() < blocks) swept_.resize(blocks);
    if (minus_.size() < blocks + 1) minus_.resize(blocks + 1);
    products_.grow(j + 1);
    basis_[at(j)].resize(y_.size());
    swept_[at(j)].resize(y_.size());
  }

  BlockProducts<Value> products_;
  std::vector<Vectors> basis_, swept_;  // W V_j and Z_j = P⁻¹ V_j
  std::vector<Vectors> minus_;          // factors of blocks that are added to another
  Vectors triangle_;
  BlockLeastSquares small_;
  std::vector<Square> column_;  // of the Hessenberg matrix
  Square inverse_, below_;
  std::vector<bool> weak_;  // vectors that hardly differ from others
  std::vector<double> before_, last_size_, sizes_;
  int width_ = 1;
  int steps_ = 0;
  bool again_ = false;
  bool any_weak_ = false;
  bool near_ = false;
  bool cycle_end_ = false;
  bool phase_end_ = false;
};

}  // namespace

template <class Value>
int System<Value>::block_gmres(const Run& run, std::int64_t shared) const {
  return BlockKrylov<Value>(*this, run, shared).solve();
}
template int System<double>::block_gmres(const Run&, std::int64_t) const;
template int System<float>::block_gmres(const Run&, std::int64_t) const;

}  // namespace carbonflows
