// Part of kernels.inl, inside its namespace.

// ---- whole rows of right-hand sides: scalar products, sums and scalings, a factor a column -----

// out[w] = Σ_i guard_i² a[i, w] b[i, w]
template <int width>
void weighted_dot(const double* guard, std::int64_t rows, const double* a, const double* b,
                  double* out) {
  using R = Row<width>;
  typename R::Lanes sum[R::parts] = {};
  for (std::int64_t i = 0; i < rows; ++i) {
    const double square = guard[i] * guard[i];
    for (int p = 0; p < R::parts; ++p) {
      sum[p] += square * R::load(a + i * width, p) * R::load(b + i * width, p);
    }
  }
  for (int p = 0; p < R::parts; ++p) R::store(out, p, sum[p]);
}

// out[w] = Σ_i guard_i |x[i, w]|
template <int width>
void weighted_size(const double* guard, std::int64_t rows, const double* x, double* out) {
  using R = Row<width>;
  typename R::Lanes sum[R::parts] = {};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (int p = 0; p < R::parts; ++p) {
      const typename R::Lanes value = R::load(x + i * width, p);
      sum[p] += guard[i] * (value < 0.0 ? -value : value);
    }
  }
  for (int p = 0; p < R::parts; ++p) R::store(out, p, sum[p]);
}

// to[i, w] += factor[w] from[i, w]
template <int width>
void add_scaled(const double* factor, std::int64_t rows, const double* from, double* to) {
  using R = Row<width>;
  for (int p = 0; p < R::parts; ++p) {
    const typename R::Lanes f = R::load(factor, p);
    for (std::int64_t i = 0; i < rows; ++i) {
      R::store(to + i * width, p,
               R::load(to + i * width, p) + f * R::load(from + i * width, p));
    }
  }
}

// x[i, w] *= factor[w]
template <int width>
void scale(const double* factor, std::int64_t rows, double* x) {
  using R = Row<width>;
  for (int p = 0; p < R::parts; ++p) {
    const typename R::Lanes f = R::load(factor, p);
    for (std::int64_t i = 0; i < rows; ++i) {
      R::store(x + i * width, p, f * R::load(x + i * width, p));
    }
  }
}
