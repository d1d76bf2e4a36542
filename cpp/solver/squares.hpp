// Small square matrices of doubles: Gram matrices, their Cholesky factors, coefficients.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "carbonflows/buffers.hpp"

namespace carbonflows {

// width × width, row by row.
struct Square {
  int width = 0;
  Buffer<double> values;

  // Become a square of zeros.
  void assign(int size) {
    width = size;
    values.assign(static_cast<std::size_t>(size) * static_cast<std::size_t>(size), 0.0);
  }
  double* at(int row, int column) { return values.data() + row * width + column; }
  const double* at(int row, int column) const { return values.data() + row * width + column; }

  Square& operator+=(const Square& other) {
    for (std::size_t p = 0; p < values.size(); ++p) values[p] += other.values[p];
    return *this;
  }
};

inline Square operator*(const Square& a, const Square& b) {
  Square out;
  out.assign(a.width);
  for (int i = 0; i < a.width; ++i) {
    for (int l = 0; l < a.width; ++l) {
      const double factor = *a.at(i, l);
      if (factor == 0.0) continue;
      for (int w = 0; w < a.width; ++w) *out.at(i, w) += factor * *b.at(l, w);
    }
  }
  return out;
}

// The share of a vector's square that its part of its own must have: below it, it is dependent. A
// Gram matrix has half the digits of the vectors.
template <class Value>
constexpr double least_pivot = sizeof(Value) == sizeof(double) ? 1e-12 : 1e-5;

// What is left of a vector once others are taken off is noise below this share of its length.
template <class Value>
constexpr double noise = 10.0 * static_cast<double>(std::numeric_limits<Value>::epsilon());

// The upper triangle T with T'T = gram, and its inverse. `size` is the square of each vector before
// others were taken off. Dependent vectors get rows of zeros; or, where `weak` is given, they are
// listed there and get the least pivot, and no other is freed of them, since they may be noise.
// Returns the least share that a vector has of its own.
template <class Value>
double cholesky(const Square& gram, const std::vector<double>& size, std::vector<bool>* weak,
                Square& T, Square& inverse) {
  const int width = gram.width;
  T.assign(width);
  inverse.assign(width);
  if (weak != nullptr) weak->assign(size.size(), false);
  const auto is_weak = [weak](int c) {
    return weak != nullptr && (*weak)[static_cast<std::size_t>(c)];
  };
  double least = 1.0;
  for (int c = 0; c < width; ++c) {
    const double own = *gram.at(c, c);
    const double whole = size[static_cast<std::size_t>(c)];
    double pivot = own;
    for (int i = 0; i < c; ++i) {
      if (*T.at(i, i) == 0.0 || is_weak(i)) continue;
      double dot = *gram.at(i, c);
      for (int l = 0; l < i; ++l) dot -= *T.at(l, i) * *T.at(l, c);
      *T.at(i, c) = dot / *T.at(i, i);
      pivot -= *T.at(i, c) * *T.at(i, c);
    }
    if (!(own > noise<Value> * noise<Value> * whole)) continue;
    if (!(pivot > least_pivot<Value> * own)) {
      if (weak == nullptr) continue;
      (*weak)[static_cast<std::size_t>(c)] = true;
      pivot = least_pivot<Value> * own;
    }
    least = std::min(least, pivot / whole);
    const double diagonal = std::sqrt(pivot);
    *T.at(c, c) = diagonal;
    for (int row = 0; row <= c; ++row) {
      double sum = row == c ? 1.0 : 0.0;
      for (int i = row; i < c; ++i) sum -= *inverse.at(row, i) * *T.at(i, c);
      *inverse.at(row, c) = sum / diagonal;
    }
  }
  return least;
}

}  // namespace carbonflows
