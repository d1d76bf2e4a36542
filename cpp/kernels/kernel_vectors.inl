// Part of kernels.inl, inside its namespace.

// ---- whole rows of right-hand sides: scalar products, sums and scalings, a factor a column -----

// A row's right-hand sides in double, whatever they are stored in.
template <class Number, int width>
struct Doubles {
  using D = Row<double, width>;
  static constexpr int parts = D::parts;
  using Lanes = typename D::Lanes;

  static Lanes load(const Number* row, int part) {
    if constexpr (sizeof(Number) == sizeof(double)) {
      return D::load(row, part);
    } else {
      using Loose = typename Vector<Number, D::lanes>::loose;
      return __builtin_convertvector(*reinterpret_cast<const Loose*>(row + part * D::lanes), Lanes);
    }
  }
};

// out[w] = Σ_i guard_i² a[i, w] b[i, w]
template <int width, class Number>
void weighted_dot(const double* guard, std::int64_t rows, const Number* a, const Number* b,
                  double* out) {
  using W = Doubles<Number, width>;
  typename W::Lanes sum[W::parts] = {};
  for (std::int64_t i = 0; i < rows; ++i) {
    const double square = guard[i] * guard[i];
    for (int p = 0; p < W::parts; ++p) {
      sum[p] += square * W::load(a + i * width, p) * W::load(b + i * width, p);
    }
  }
  for (int p = 0; p < W::parts; ++p) W::D::store(out, p, sum[p]);
}

// out[w] = Σ_i guard_i |x[i, w]|
template <int width, class Number>
void weighted_size(const double* guard, std::int64_t rows, const Number* x, double* out) {
  using W = Doubles<Number, width>;
  typename W::Lanes sum[W::parts] = {};
  for (std::int64_t i = 0; i < rows; ++i) {
    for (int p = 0; p < W::parts; ++p) {
      const typename W::Lanes value = W::load(x + i * width, p);
      sum[p] += guard[i] * (value < 0.0 ? -value : value);
    }
  }
  for (int p = 0; p < W::parts; ++p) W::D::store(out, p, sum[p]);
}

// The factors of a row's right-hand sides as numbers of the row's kind.
template <class Number, int width>
struct FactorRow {
  Number of[width];
  explicit FactorRow(const double* factor) {
    for (int w = 0; w < width; ++w) of[w] = static_cast<Number>(factor[w]);
  }
};

// to[i, w] += factor[w] from[i, w]
template <int width, class Number>
void add_scaled(const double* factor, std::int64_t rows, const Number* from, Number* to) {
  using R = Row<Number, width>;
  const FactorRow<Number, width> factors(factor);
  for (int p = 0; p < R::parts; ++p) {
    const typename R::Lanes f = R::load(factors.of, p);
    for (std::int64_t i = 0; i < rows; ++i) {
      R::store(to + i * width, p, R::load(to + i * width, p) + f * R::load(from + i * width, p));
    }
  }
}

// x[i, w] *= factor[w]
template <int width, class Number>
void scale(const double* factor, std::int64_t rows, Number* x) {
  using R = Row<Number, width>;
  const FactorRow<Number, width> factors(factor);
  for (int p = 0; p < R::parts; ++p) {
    const typename R::Lanes f = R::load(factors.of, p);
    for (std::int64_t i = 0; i < rows; ++i) {
      R::store(x + i * width, p, f * R::load(x + i * width, p));
    }
  }
}

void round(const double* from, std::int64_t count, float* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<float>(from[i]);
}

void widen(const float* from, std::int64_t count, double* to) {
  for (std::int64_t i = 0; i < count; ++i) to[i] = static_cast<double>(from[i]);
}
