// Part of kernels.inl, inside its namespace.

// ---- passes over one tile: out += tile x and out += tile' x, in any semiring -------------------
// Sums are made inside the tile first and joined to `out` once, so that no term goes through more
// additions than a tile has columns (rows) plus one for each tile: the certificate counts on it.

template <Semiring semiring, int width, class Value>
void forward(const Tile<Value>& tile, const double* x, double* out) {
  each_row(tile, [&](std::int64_t i, const Value* values, const std::uint8_t* columns, int count) {
    double* result = out + i * width;
    if constexpr (width == 1) {
      double sum[4] = {0.0, 0.0, 0.0, 0.0};
      int e = 0;
      for (; e + 4 <= count; e += 4) {
        for (int lane = 0; lane < 4; ++lane) {
          const int j = columns != nullptr ? columns[e + lane] : e + lane;
          sum[lane] = join<semiring>(
              sum[lane], entry<semiring>(static_cast<double>(values[e + lane])), x[j]);
        }
      }
      for (; e < count; ++e) {
        const int j = columns != nullptr ? columns[e] : e;
        sum[0] = join<semiring>(sum[0], entry<semiring>(static_cast<double>(values[e])), x[j]);
      }
      *result = merge<semiring>(*result, merge<semiring>(merge<semiring>(sum[0], sum[1]),
                                                         merge<semiring>(sum[2], sum[3])));
    } else {
      // Several sums for each lane, since an addition waits for the one before it.
      using R = Row<width>;
      constexpr int chains = R::parts >= 4 ? 1 : 4 / R::parts;
      typename R::Lanes sum[chains][R::parts] = {};
      int e = 0;
      for (; e + chains <= count; e += chains) {
        for (int chain = 0; chain < chains; ++chain) {
          const double a = entry<semiring>(static_cast<double>(values[e + chain]));
          const double* source = x + (columns != nullptr ? columns[e + chain] : e + chain) * width;
          for (int p = 0; p < R::parts; ++p) {
            sum[chain][p] = join<semiring>(sum[chain][p], a, R::load(source, p));
          }
        }
      }
      if (e < count) {
        // The rest as one more group with zeros in it: a loop of unknown length costs more.
        for (int chain = 0; chain < chains; ++chain) {
          const int here = e + chain < count ? e + chain : e;
          const double a = e + chain < count
                               ? entry<semiring>(static_cast<double>(values[here]))
                               : 0.0;
          const double* source = x + (columns != nullptr ? columns[here] : here) * width;
          for (int p = 0; p < R::parts; ++p) {
            sum[chain][p] = join<semiring>(sum[chain][p], a, R::load(source, p));
          }
        }
      }
      for (int p = 0; p < R::parts; ++p) {
        for (int chain = 1; chain < chains; ++chain) {
          sum[0][p] = merge<semiring>(sum[0][p], sum[chain][p]);
        }
        R::store(result, p, merge<semiring>(R::load(result, p), sum[0][p]));
      }
    }
  });
}

template <Semiring semiring, int width, class Value>
void adjoint(const Tile<Value>& tile, const double* x, double* out) {
  if (tile.kind == TileKind::empty) return;
  alignas(64) double local[max_block * width];
  const std::int64_t length = tile.columns * width;
  for (std::int64_t p = 0; p < length; ++p) local[p] = 0.0;
  each_row(tile, [&](std::int64_t i, const Value* values, const std::uint8_t* columns, int count) {
    const double* source = x + i * width;
    if constexpr (width == 1) {
      for (int e = 0; e < count; ++e) {
        double& target = local[columns != nullptr ? columns[e] : e];
        target = join<semiring>(target, entry<semiring>(static_cast<double>(values[e])), *source);
      }
    } else {
      using R = Row<width>;
      typename R::Lanes from[R::parts];
      for (int p = 0; p < R::parts; ++p) from[p] = R::load(source, p);
      for (int e = 0; e < count; ++e) {
        const double a = entry<semiring>(static_cast<double>(values[e]));
        double* target = local + (columns != nullptr ? columns[e] : e) * width;
        for (int p = 0; p < R::parts; ++p) {
          R::store(target, p, join<semiring>(R::load(target, p), a, from[p]));
        }
      }
    }
  });
  for (std::int64_t p = 0; p < length; ++p) out[p] = merge<semiring>(out[p], local[p]);
}

// ---- one right-hand side with AVX-512: values expanded in place, no column numbers -------------

#if defined(__AVX512F__) && defined(__AVX512VL__) && defined(__AVX512BW__)

// For every byte, which of the next values each of its bits takes: the rank of the bit.
constexpr BitTable make_rank_table() {
  BitTable table{};
  for (unsigned byte = 0; byte < 256; ++byte) {
    unsigned rank = 0;
    for (unsigned bit = 0; bit < 8; ++bit) {
      if (byte >> bit & 1U) table.positions[byte] |= std::uint64_t{rank++} << (8 * bit);
    }
  }
  return table;
}
constexpr BitTable rank_table = make_rank_table();

// Spread the next values over the set bits of a byte. A permutation by a looked-up index beats the
// expanding loads three to one on Zen 5, where masked loads are slow, and loses nothing elsewhere.
inline __m512d expand(const double* values, unsigned mask) {
  const __m512i ranks = _mm512_cvtepu8_epi64(
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&rank_table.positions[mask])));
  return _mm512_maskz_permutexvar_pd(static_cast<__mmask8>(mask), ranks, _mm512_loadu_pd(values));
}
inline __m512d expand(const float* values, unsigned mask) {
  const __m256i ranks = _mm256_cvtepu8_epi32(
      _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&rank_table.positions[mask])));
  return _mm512_cvtps_pd(_mm256_maskz_permutexvar_ps(static_cast<__mmask8>(mask), ranks,
                                                     _mm256_loadu_ps(values)));
}

template <class Value>
void forward_sum_1(const Tile<Value>& tile, const double* x, double* out) {
  if (tile.kind != TileKind::packed) {
    forward<Semiring::sum, 1, Value>(tile, x, out);
    return;
  }
  const std::int64_t chunks = mask_count(tile.columns);
  alignas(64) double padded[max_block];  // x may end before the last chunk does
  for (std::int64_t j = 0; j < tile.columns; ++j) padded[j] = x[j];
  for (std::int64_t j = tile.columns; j < 16 * chunks; ++j) padded[j] = 0.0;
  const std::uint16_t* masks = tile.masks;
  const Value* values = tile.values;
  for (std::int64_t i = 0; i < tile.rows; ++i) {
    __m512d even = _mm512_setzero_pd();
    __m512d odd = _mm512_setzero_pd();
    for (std::int64_t c = 0; c < chunks; ++c) {
      const unsigned mask = *masks++;
      const int half = __builtin_popcount(mask & 255U);
      even = _mm512_fmadd_pd(expand(values, mask & 255U), _mm512_load_pd(padded + 16 * c), even);
      odd = _mm512_fmadd_pd(expand(values + half, mask >> 8U),
                            _mm512_load_pd(padded + 16 * c + 8), odd);
      values += __builtin_popcount(mask);
    }
    out[i] += _mm512_reduce_add_pd(_mm512_add_pd(even, odd));
  }
}

// The sums of a tile's columns stay in registers for all its rows, as far as there are registers:
// up to 13 masks a row.
template <int chunks, class Value>
void adjoint_chunks(const Tile<Value>& tile, const double* x, double* out) {
  __m512d sum[2 * chunks];
#pragma GCC unroll 32
  for (int c = 0; c < 2 * chunks; ++c) sum[c] = _mm512_setzero_pd();
  const std::uint16_t* masks = tile.masks;
  const Value* values = tile.values;
  for (std::int64_t i = 0; i < tile.rows; ++i, masks += chunks) {
    const __m512d source = _mm512_set1_pd(x[i]);
#pragma GCC unroll 32
    for (int c = 0; c < chunks; ++c) {
      const unsigned mask = masks[c];
      const int half = __builtin_popcount(mask & 255U);
      sum[2 * c] = _mm512_fmadd_pd(expand(values, mask & 255U), source, sum[2 * c]);
      sum[2 * c + 1] =
          _mm512_fmadd_pd(expand(values + half, mask >> 8U), source, sum[2 * c + 1]);
      values += __builtin_popcount(mask);
    }
  }
  alignas(64) double local[16 * chunks];
#pragma GCC unroll 32
  for (int c = 0; c < 2 * chunks; ++c) _mm512_store_pd(local + 8 * c, sum[c]);
  for (std::int64_t j = 0; j < tile.columns; ++j) out[j] += local[j];
}

template <class Value>
void adjoint_sum_1(const Tile<Value>& tile, const double* x, double* out) {
  if (tile.kind != TileKind::packed) {
    adjoint<Semiring::sum, 1, Value>(tile, x, out);
    return;
  }
  using Pass = void (*)(const Tile<Value>&, const double*, double*);
  static constexpr Pass by_chunks[] = {
      adjoint_chunks<1, Value>,  adjoint_chunks<2, Value>,  adjoint_chunks<3, Value>,
      adjoint_chunks<4, Value>,  adjoint_chunks<5, Value>,  adjoint_chunks<6, Value>,
      adjoint_chunks<7, Value>,  adjoint_chunks<8, Value>,  adjoint_chunks<9, Value>,
      adjoint_chunks<10, Value>, adjoint_chunks<11, Value>, adjoint_chunks<12, Value>,
      adjoint_chunks<13, Value>, adjoint_chunks<14, Value>, adjoint_chunks<15, Value>,
      adjoint_chunks<16, Value>};
  by_chunks[mask_count(tile.columns) - 1](tile, x, out);
}

#endif
