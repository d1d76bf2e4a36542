// Part of kernels.inl, inside its namespace.

// ---- the domestic blocks: P D = L U, unit lower L, 1/u_kk on the diagonal ----------------------

std::int64_t factor(double* matrix, std::int32_t* pivots, std::int64_t size) {
  for (std::int64_t k = 0; k < size; ++k) {
    double* pivot_row = matrix + k * size;
    std::int64_t best = k;
    for (std::int64_t i = k + 1; i < size; ++i) {
      if (__builtin_fabs(matrix[i * size + k]) > __builtin_fabs(matrix[best * size + k])) best = i;
    }
    pivots[k] = static_cast<std::int32_t>(best);
    if (best != k) {
      double* other = matrix + best * size;
      for (std::int64_t j = 0; j < size; ++j) {
        const double kept = pivot_row[j];
        pivot_row[j] = other[j];
        other[j] = kept;
      }
    }
    const double reciprocal = 1.0 / pivot_row[k];
    // A zero, an infinite or a vanishing pivot all show here.
    if (!(__builtin_fabs(reciprocal) < 1e300) || reciprocal == 0.0) return k;
    pivot_row[k] = reciprocal;
    for (std::int64_t i = k + 1; i < size; ++i) {
      double* row = matrix + i * size;
      const double multiplier = row[k] * reciprocal;
      row[k] = multiplier;
      if (multiplier == 0.0) continue;
      for (std::int64_t j = k + 1; j < size; ++j) row[j] -= multiplier * pivot_row[j];
    }
  }
  return -1;
}

template <int width, class Number>
inline void exchange(Number* a, Number* b) {
  for (int w = 0; w < width; ++w) {
    const Number kept = a[w];
    a[w] = b[w];
    b[w] = kept;
  }
}

// result[w] -= Σ_j row[j] x[j, w] for j in [first, last), summed apart first.
template <int width, class Number>
inline void subtract_dot(const Number* row, const Number* x, std::int64_t first, std::int64_t last,
                         Number* result) {
  if constexpr (width == 1) {
    constexpr int chains = 4;
    constexpr int lanes = register_lanes<Number>;
    using V = typename Vector<Number, lanes>::type;
    using Loose = typename Vector<Number, lanes>::loose;
    V sum[chains] = {};
    std::int64_t j = first;
    for (; j + chains * lanes <= last; j += chains * lanes) {
      for (int chain = 0; chain < chains; ++chain) {
        const std::int64_t here = j + chain * lanes;
        sum[chain] +=
            *reinterpret_cast<const Loose*>(row + here) * *reinterpret_cast<const Loose*>(x + here);
      }
    }
    for (; j + lanes <= last; j += lanes) {
      sum[0] += *reinterpret_cast<const Loose*>(row + j) * *reinterpret_cast<const Loose*>(x + j);
    }
    using Few = typename Vector<Number, 4>::loose;
    typename Vector<Number, 4>::type few = {};
    for (; j + 4 <= last; j += 4) {
      few += *reinterpret_cast<const Few*>(row + j) * *reinterpret_cast<const Few*>(x + j);
    }
    Number total = (few[0] + few[1]) + (few[2] + few[3]);
    for (; j < last; ++j) total += row[j] * x[j];
    const V all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    for (int lane = 0; lane < lanes; ++lane) total += all[lane];
    *result -= total;
  } else {
    using R = Row<Number, width>;
    constexpr int chains = R::parts >= 4 ? 1 : R::parts == 3 ? 2 : 4;
    typename R::Lanes sum[chains][R::parts] = {};
    std::int64_t j = first;
    for (; j + chains <= last; j += chains) {
      for (int chain = 0; chain < chains; ++chain) {
        for (int p = 0; p < R::parts; ++p) {
          sum[chain][p] += row[j + chain] * R::load(x + (j + chain) * width, p);
        }
      }
    }
    for (; j < last; ++j) {
      for (int p = 0; p < R::parts; ++p) sum[0][p] += row[j] * R::load(x + j * width, p);
    }
    for (int p = 0; p < R::parts; ++p) {
      for (int chain = 1; chain < chains; ++chain) sum[0][p] += sum[chain][p];
      R::store(result, p, R::load(result, p) - sum[0][p]);
    }
  }
}

// x[j, w] -= row[j] solved[w] for j in [first, last)
template <int width, class Number>
inline void subtract_outer(const Number* row, const Number* solved, std::int64_t first,
                           std::int64_t last, Number* x) {
  if constexpr (width == 1) {
    const Number a = *solved;
    for (std::int64_t j = first; j < last; ++j) x[j] -= row[j] * a;
  } else {
    using R = Row<Number, width>;
    typename R::Lanes from[R::parts];
    for (int p = 0; p < R::parts; ++p) from[p] = R::load(solved, p);
    for (std::int64_t j = first; j < last; ++j) {
      Number* target = x + j * width;
      for (int p = 0; p < R::parts; ++p) {
        R::store(target, p, R::load(target, p) - row[j] * from[p]);
      }
    }
  }
}

template <int width, class Number>
void solve(const Number* factors, const std::int32_t* pivots, std::int64_t size, Number* x) {
  for (std::int64_t k = 0; k < size; ++k) {
    if (pivots[k] != k) exchange<width>(x + k * width, x + pivots[k] * width);
  }
  for (std::int64_t i = 0; i < size; ++i) {
    subtract_dot<width>(factors + i * size, x, 0, i, x + i * width);
  }
  for (std::int64_t i = size - 1; i >= 0; --i) {
    const Number* row = factors + i * size;
    subtract_dot<width>(row, x, i + 1, size, x + i * width);
    for (int w = 0; w < width; ++w) x[i * width + w] *= row[i];
  }
}

// D' = U' L' P: rows of the factors are columns of U' and L', so each solved element is taken
// out of the remaining ones.
template <int width, class Number>
void solve_adjoint(const Number* factors, const std::int32_t* pivots, std::int64_t size,
                   Number* x) {
  Number solved[width];
  for (std::int64_t i = 0; i < size; ++i) {
    const Number* row = factors + i * size;
    for (int w = 0; w < width; ++w) solved[w] = x[i * width + w] *= row[i];
    subtract_outer<width>(row, solved, i + 1, size, x);
  }
  for (std::int64_t i = size - 1; i > 0; --i) {
    for (int w = 0; w < width; ++w) solved[w] = x[i * width + w];
    subtract_outer<width>(factors + i * size, solved, 0, i, x);
  }
  for (std::int64_t k = size - 1; k >= 0; --k) {
    if (pivots[k] != k) exchange<width>(x + k * width, x + pivots[k] * width);
  }
}
