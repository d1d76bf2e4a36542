// Part of kernels.inl, inside its namespace.

// ---- squares times rows of right-hand sides: a basis made orthogonal, and combined --------------

// Rows that are added up in the numbers' own precision before they are added in double.
constexpr std::int64_t rows_at_once = 64;

// A few rows or columns of the result that stay in registers.
template <class Number, int width>
struct Patch {
  using R = Row<Number, width>;
  static constexpr int parts = R::parts % 2 == 0 ? 2 : 1;
};

// square[u, w] += Σ_i a[i, u] b[i, w] for `tall` columns of a
template <int width, int tall, class Number>
inline void gram_rows(std::int64_t rows, const Number* a, int a_width, const Number* b,
                      double* square, int stride) {
  using R = Row<Number, width>;
  constexpr int parts = Patch<Number, width>::parts;
  for (int p = 0; p < R::parts; p += parts) {
    typename R::Lanes sum[tall][parts] = {};
    for (std::int64_t i = 0; i < rows; ++i) {
      typename R::Lanes right[parts];
      for (int q = 0; q < parts; ++q) right[q] = R::load(b + i * width, p + q);
      for (int t = 0; t < tall; ++t) {
        const Number left = a[i * a_width + t];
        for (int q = 0; q < parts; ++q) sum[t][q] += left * right[q];
      }
    }
    for (int t = 0; t < tall; ++t) {
      Number line[parts * R::lanes];
      for (int q = 0; q < parts; ++q) R::store(line, q, sum[t][q]);
      double* out = square + t * stride + p * R::lanes;
      for (int w = 0; w < parts * R::lanes; ++w) out[w] += static_cast<double>(line[w]);
    }
  }
}

// The same for one column of b: the columns of a lie side by side in a register instead.
template <class Number>
inline void gram_column(std::int64_t rows, const Number* a, int a_width, const Number* b,
                        double* square, int stride) {
  using Loose = typename Vector<Number, 4>::loose;
  constexpr int chains = 4;  // since an addition waits for the one before it
  typename Vector<Number, 4>::type sum[chains] = {};
  for (std::int64_t i = 0; i < rows; ++i) {
    sum[i % chains] += b[i] * *reinterpret_cast<const Loose*>(a + i * a_width);
  }
  sum[0] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  for (int t = 0; t < 4; ++t) square[t * stride] += static_cast<double>(sum[0][t]);
}

template <int width, class Number>
void gram(std::int64_t rows, const Number* a, int a_width, const Number* b, double* square,
          int stride) {
  for (std::int64_t i = 0; i < rows; i += rows_at_once) {
    const std::int64_t some = rows - i < rows_at_once ? rows - i : rows_at_once;
    const Number* left = a + i * a_width;
    const Number* right = b + i * width;
    if (a_width == 1) {
      gram_rows<width, 1>(some, left, 1, right, square, stride);
      continue;
    }
    for (int u = 0; u < a_width; u += 4) {
      if constexpr (width == 1) {
        gram_column(some, left + u, a_width, right, square + u * stride, stride);
      } else {
        gram_rows<width, 4>(some, left + u, a_width, right, square + u * stride, stride);
      }
    }
  }
}

// to[i, w] += Σ_u from[i, u] square[u, w] for `tall` rows
template <int width, int tall, class Number>
inline void add_rows(const Number* square, int stride, const Number* from, int from_width,
                     Number* to) {
  using R = Row<Number, width>;
  constexpr int parts = Patch<Number, width>::parts;
  for (int p = 0; p < R::parts; p += parts) {
    typename R::Lanes sum[tall][parts];
    for (int t = 0; t < tall; ++t) {
      for (int q = 0; q < parts; ++q) sum[t][q] = R::load(to + t * width, p + q);
    }
    for (int u = 0; u < from_width; ++u) {
      typename R::Lanes right[parts];
      for (int q = 0; q < parts; ++q) right[q] = R::load(square + u * stride, p + q);
      for (int t = 0; t < tall; ++t) {
        const Number left = from[t * from_width + u];
        for (int q = 0; q < parts; ++q) sum[t][q] += left * right[q];
      }
    }
    for (int t = 0; t < tall; ++t) {
      for (int q = 0; q < parts; ++q) R::store(to + t * width, p + q, sum[t][q]);
    }
  }
}

// The same for one column of `to`: the columns of `from` lie side by side in a register instead.
template <class Number>
inline void add_column(const Number* square, int stride, std::int64_t rows, const Number* from,
                       int from_width, Number* to) {
  using Loose = typename Vector<Number, 4>::loose;
  Number column[most_columns];
  for (int u = 0; u < from_width; ++u) column[u] = square[u * stride];
  for (std::int64_t i = 0; i < rows; ++i) {
    typename Vector<Number, 4>::type sum = {};
    for (int u = 0; u < from_width; u += 4) {
      sum += *reinterpret_cast<const Loose*>(column + u) *
             *reinterpret_cast<const Loose*>(from + i * from_width + u);
    }
    to[i] += (sum[0] + sum[1]) + (sum[2] + sum[3]);
  }
}

template <int width, class Number>
void add_product(const Number* square, int stride, std::int64_t rows, const Number* from,
                 int from_width, Number* to) {
  if constexpr (width == 1) {
    if (from_width > 1) return add_column(square, stride, rows, from, from_width, to);
  }
  std::int64_t i = 0;
  for (; i + 4 <= rows; i += 4) {
    add_rows<width, 4>(square, stride, from + i * from_width, from_width, to + i * width);
  }
  for (; i < rows; ++i) {
    add_rows<width, 1>(square, stride, from + i * from_width, from_width, to + i * width);
  }
}
