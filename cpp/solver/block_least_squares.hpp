// The small problem of block GMRES: min ‖E S − H C‖ for every right-hand side at once.
//
// H is block Hessenberg: block column j has j + 2 squares, and the last is upper triangular.
// Householder reflections keep it triangular as block columns come; each reaches one row further
// than a square is wide, because of that triangle.
#pragma once

#include <cmath>
#include <cstddef>
#include <vector>

#include "squares.hpp"

namespace carbonflows {

class BlockLeastSquares {
 public:
  // Start anew with R₀ = V₀ S.
  void begin(const Square& S) {
    width_ = S.width;
    steps_ = 0;
    columns_.clear();
    head_.clear();
    factor_.clear();
    diagonal_.clear();
    sides_.assign(size(width_), std::vector<double>(size(width_), 0.0));
    for (int u = 0; u < width_; ++u) {
      for (int w = 0; w < width_; ++w) sides_[size(w)][size(u)] = *S.at(u, w);
    }
  }

  // Append a block column: squares H_0j … H_{j+1,j}.
  void append(const std::vector<Square>& squares) {
    const int j = steps_++;
    const int rows = (j + 2) * width_;
    for (auto& side : sides_) side.resize(size(rows), 0.0);
    for (int c = 0; c < width_; ++c) {
      std::vector<double> column;
      column.reserve(size(rows));
      for (const Square& square : squares) {
        for (int row = 0; row < width_; ++row) column.push_back(*square.at(row, c));
      }
      for (int before = 0; before < j * width_ + c; ++before) reflect(before, column);
      make_reflection(j * width_ + c, column);
      columns_.push_back(std::move(column));
      for (auto& side : sides_) reflect(j * width_ + c, side);
    }
  }

  // ‖residual‖ of right-hand side w.
  double left(int w) const {
    double sum = 0.0;
    const std::vector<double>& side = sides_[size(w)];
    for (int row = steps_ * width_; row < (steps_ + 1) * width_; ++row) {
      sum += side[size(row)] * side[size(row)];
    }
    return std::sqrt(sum);
  }

  // Coefficients of the solutions in Z_0 … Z_{steps - 1}.
  std::vector<Square> solution() const {
    std::vector<Square> out = squares(steps_);
    const int unknowns = steps_ * width_;
    for (int w = 0; w < width_; ++w) {
      std::vector<double> value(sides_[size(w)].begin(), sides_[size(w)].begin() + unknowns);
      for (int c = unknowns - 1; c >= 0; --c) {
        const double found = diagonal_[size(c)] == 0.0 ? 0.0 : value[size(c)] / diagonal_[size(c)];
        *out[size(c / width_)].at(c % width_, w) = found;
        const std::vector<double>& column = columns_[size(c)];
        for (int row = 0; row < c; ++row) value[size(row)] -= found * column[size(row)];
      }
    }
    return out;
  }

  // Coefficients of the residuals in V_0 … V_steps.
  std::vector<Square> residual() const {
    std::vector<Square> out = squares(steps_ + 1);
    for (int w = 0; w < width_; ++w) {
      std::vector<double> value = sides_[size(w)];
      for (int row = 0; row < steps_ * width_; ++row) value[size(row)] = 0.0;
      for (int c = steps_ * width_ - 1; c >= 0; --c) reflect(c, value);
      for (int row = 0; row < (steps_ + 1) * width_; ++row) {
        *out[size(row / width_)].at(row % width_, w) = value[size(row)];
      }
    }
    return out;
  }

 private:
  static std::size_t size(int value) { return static_cast<std::size_t>(value); }

  std::vector<Square> squares(int count) const {
    Square zero;
    zero.assign(width_);
    return std::vector<Square>(size(count), zero);
  }

  // Apply reflection c, I − factor v v', whose v has its head apart and its tail in column c.
  void reflect(int c, std::vector<double>& x) const {
    const double factor = factor_[size(c)];
    if (factor == 0.0) return;
    const double* tail = columns_[size(c)].data() + c + 1;
    double* below = x.data() + c + 1;
    double sum = head_[size(c)] * x[size(c)];
    for (int i = 0; i < width_; ++i) sum += tail[i] * below[i];
    sum *= factor;
    x[size(c)] -= sum * head_[size(c)];
    for (int i = 0; i < width_; ++i) below[i] -= sum * tail[i];
  }

  // Find the reflection that leaves nothing below row c of this column.
  void make_reflection(int c, const std::vector<double>& column) {
    double below = 0.0;
    for (int i = 1; i <= width_; ++i) below += column[size(c + i)] * column[size(c + i)];
    const double top = column[size(c)];
    double above = 0.0;
    for (int row = 0; row < c; ++row) above += column[size(row)] * column[size(row)];
    const double radius = std::sqrt(top * top + below);
    // A column that depends on those before it has no coefficient of its own.
    const bool dependent = !(radius > 1e-14 * std::sqrt(above));
    const double diagonal = top > 0.0 ? -radius : radius;
    const double head = top - diagonal;
    head_.push_back(dependent ? 0.0 : head);
    factor_.push_back(dependent ? 0.0 : 2.0 / (head * head + below));
    diagonal_.push_back(dependent ? 0.0 : diagonal);
  }

  int width_ = 1;
  int steps_ = 0;
  std::vector<std::vector<double>> columns_;  // the triangle above, the reflections' tails below
  std::vector<double> head_, factor_, diagonal_;
  std::vector<std::vector<double>> sides_;  // the right-hand sides, reflected
};

}  // namespace carbonflows
