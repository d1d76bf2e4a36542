// Part of kernels.inl, inside its namespace.

// ---- passes over one tile: out += tile x and out += tile' x, in any semiring -------------------
// Sums are made inside the tile first and joined to `out` once, so that no term goes through more
// additions than a tile has columns (rows) plus one for each tile: the certificate counts on it.

template <Semiring semiring, int width, class Value>
void forward(const Tile<Value>& tile, const Value* x, Value* out) {
  each_row(tile, [&](std::int64_t i, const Value* values, const std::uint8_t* columns, int count) {
    Value* result = out + i * width;
    if constexpr (width == 1) {
      Value sum[4] = {};
      int e = 0;
      for (; e + 4 <= count; e += 4) {
        for (int lane = 0; lane < 4; ++lane) {
          const int j = columns != nullptr ? columns[e + lane] : e + lane;
          sum[lane] = join<semiring>(sum[lane], entry<semiring>(values[e + lane]), x[j]);
        }
      }
      for (; e < count; ++e) {
        const int j = columns != nullptr ? columns[e] : e;
        sum[0] = join<semiring>(sum[0], entry<semiring>(values[e]), x[j]);
      }
      *result = merge<semiring>(*result, merge<semiring>(merge<semiring>(sum[0], sum[1]),
                                                         merge<semiring>(sum[2], sum[3])));
    } else {
      // Several sums for each lane, since an addition waits for the one before it.
      using R = Row<Value, width>;
      constexpr int chains = R::parts >= 8 ? 1 : R::parts >= 3 ? 2 : 4;
      typename R::Lanes sum[chains][R::parts] = {};
      int e = 0;
      for (; e + chains <= count; e += chains) {
        for (int chain = 0; chain < chains; ++chain) {
          const Value a = entry<semiring>(values[e + chain]);
          const Value* source = x + (columns != nullptr ? columns[e + chain] : e + chain) * width;
          for (int p = 0; p < R::parts; ++p) {
            sum[chain][p] = join<semiring>(sum[chain][p], a, R::load(source, p));
          }
        }
      }
      if (e < count) {
        // The rest as one more group with zeros in it: a loop of unknown length costs more.
        for (int chain = 0; chain < chains; ++chain) {
          const int here = e + chain < count ? e + chain : e;
          const Value a = e + chain < count ? entry<semiring>(values[here]) : Value{0};
          const Value* source = x + (columns != nullptr ? columns[here] : here) * width;
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
void adjoint(const Tile<Value>& tile, const Value* x, Value* out) {
  if (tile.kind == TileKind::empty) return;
  alignas(64) Value local[max_block * width];
  const std::int64_t length = tile.columns * width;
  for (std::int64_t p = 0; p < length; ++p) local[p] = Value{0};
  each_row(tile, [&](std::int64_t i, const Value* values, const std::uint8_t* columns, int count) {
    const Value* source = x + i * width;
    if constexpr (width == 1) {
      for (int e = 0; e < count; ++e) {
        Value& target = local[columns != nullptr ? columns[e] : e];
        target = join<semiring>(target, entry<semiring>(values[e]), *source);
      }
    } else {
      using R = Row<Value, width>;
      typename R::Lanes from[R::parts];
      for (int p = 0; p < R::parts; ++p) from[p] = R::load(source, p);
      for (int e = 0; e < count; ++e) {
        const Value a = entry<semiring>(values[e]);
        Value* target = local + (columns != nullptr ? columns[e] : e) * width;
        for (int p = 0; p < R::parts; ++p) {
          R::store(target, p, join<semiring>(R::load(target, p), a, from[p]));
        }
      }
    }
  });
  for (std::int64_t p = 0; p < length; ++p) out[p] = merge<semiring>(out[p], local[p]);
}

// ---- one right-hand side in wide registers: values expanded in place, no column numbers --------
// Expanding by a looked-up permutation beats AVX-512's expanding instructions two to one on Zen 5,
// and one column number after the other two to one on Zen 3.

#if defined(CARBONFLOWS_WIDE)

// A register of numbers: `parts` of them hold the 16 columns of a mask. A row is summed in
// `chains` registers in turn, since an addition waits for the one before it.
template <class Value>
struct Wide;

#if defined(__AVX512F__)

// A register has a name only where the loop over the chunks is written out.
#define CARBONFLOWS_ALL_CHUNKS _Pragma("GCC unroll 64")

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

template <>
struct Wide<double> {
  using Lanes = __m512d;
  static constexpr int parts = 2;
  static constexpr int chains = 2;
  static Lanes zero() { return _mm512_setzero_pd(); }
  static Lanes load(const double* from) { return _mm512_load_pd(from); }
  static Lanes repeat(double value) { return _mm512_set1_pd(value); }
  static void store(double* to, Lanes value) { _mm512_store_pd(to, value); }
  static Lanes join(Lanes sum, Lanes a, Lanes x) { return _mm512_fmadd_pd(a, x, sum); }
  static double total(const Lanes (&sum)[chains]) {
    return _mm512_reduce_add_pd(_mm512_add_pd(sum[0], sum[1]));
  }

  static Lanes expand(const double* values, unsigned mask) {
    const __m512i ranks = _mm512_cvtepu8_epi64(
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&rank_table.positions[mask])));
    return _mm512_maskz_permutexvar_pd(static_cast<__mmask8>(mask), ranks, _mm512_loadu_pd(values));
  }
  // Spread the next values over the set bits of a mask.
  static void expand(const double* values, unsigned mask, Lanes (&out)[parts]) {
    out[0] = expand(values, mask & 255U);
    out[1] = expand(values + __builtin_popcount(mask & 255U), mask >> 8U);
  }
};

template <>
struct Wide<float> {
  using Lanes = __m512;
  static constexpr int parts = 1;
  static constexpr int chains = 2;
  static Lanes zero() { return _mm512_setzero_ps(); }
  static Lanes load(const float* from) { return _mm512_load_ps(from); }
  static Lanes repeat(float value) { return _mm512_set1_ps(value); }
  static void store(float* to, Lanes value) { _mm512_store_ps(to, value); }
  static Lanes join(Lanes sum, Lanes a, Lanes x) { return _mm512_fmadd_ps(a, x, sum); }
  static float total(const Lanes (&sum)[chains]) {
    return _mm512_reduce_add_ps(_mm512_add_ps(sum[0], sum[1]));
  }

  static void expand(const float* values, unsigned mask, Lanes (&out)[parts]) {
    const __m128i low =
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&rank_table.positions[mask & 255U]));
    const __m128i high =
        _mm_loadl_epi64(reinterpret_cast<const __m128i*>(&rank_table.positions[mask >> 8U]));
    const __m128i before = _mm_set1_epi8(static_cast<char>(__builtin_popcount(mask & 255U)));
    const __m512i ranks = _mm512_cvtepu8_epi32(_mm_unpacklo_epi64(low, _mm_add_epi8(high, before)));
    out[0] =
        _mm512_maskz_permutexvar_ps(static_cast<__mmask16>(mask), ranks, _mm512_loadu_ps(values));
  }
};

#else  // AVX2

#define CARBONFLOWS_ALL_CHUNKS _Pragma("GCC unroll 4")

// For every pattern of `bits` bits, the 32-bit words of the next values that its lanes take; the
// lanes of unset bits are negative, which is how a blend knows them.
template <int bits>
struct LaneTable {
  alignas(32) std::int32_t words[1 << bits][8];
};
template <int bits>
constexpr LaneTable<bits> make_lane_table() {
  constexpr int words = 8 / bits;  // in one number
  LaneTable<bits> table{};
  for (int pattern = 0; pattern < 1 << bits; ++pattern) {
    int rank = 0;
    for (int bit = 0; bit < bits; ++bit) {
      const bool set = (pattern >> bit & 1) != 0;
      for (int word = 0; word < words; ++word) {
        table.words[pattern][bit * words + word] = set ? rank * words + word : INT32_MIN;
      }
      rank += set ? 1 : 0;
    }
  }
  return table;
}
template <int bits>
constexpr LaneTable<bits> lane_table = make_lane_table<bits>();

// The next values, as words, at the set bits of a pattern; zeros elsewhere.
template <int bits>
inline __m256 spread(const void* values, unsigned pattern, __m256i& lanes) {
  lanes = _mm256_load_si256(reinterpret_cast<const __m256i*>(lane_table<bits>.words[pattern]));
  __m256 next = _mm256_loadu_ps(static_cast<const float*>(values));
  asm("" : "+x"(next));  // permuting straight from memory takes Zen 3 twice as long
  return _mm256_permutevar8x32_ps(next, lanes);
}

template <>
struct Wide<double> {
  using Lanes = __m256d;
  static constexpr int parts = 4;
  static constexpr int chains = 4;
  static Lanes zero() { return _mm256_setzero_pd(); }
  static Lanes load(const double* from) { return _mm256_load_pd(from); }
  static Lanes repeat(double value) { return _mm256_set1_pd(value); }
  static void store(double* to, Lanes value) { _mm256_store_pd(to, value); }
  static Lanes join(Lanes sum, Lanes a, Lanes x) { return _mm256_fmadd_pd(a, x, sum); }
  static double total(const Lanes (&sum)[chains]) {
    const Lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    return (all[0] + all[1]) + (all[2] + all[3]);
  }

  static Lanes expand(const double* values, unsigned pattern) {
    __m256i lanes;
    const __m256d spread_out = _mm256_castps_pd(spread<4>(values, pattern, lanes));
    return _mm256_blendv_pd(spread_out, zero(), _mm256_castsi256_pd(lanes));
  }
  // Spread the next values over the set bits of a mask.
  static void expand(const double* values, unsigned mask, Lanes (&out)[parts]) {
    out[0] = expand(values, mask & 15U);
    out[1] = expand(values + __builtin_popcount(mask & 15U), mask >> 4U & 15U);
    out[2] = expand(values + __builtin_popcount(mask & 255U), mask >> 8U & 15U);
    out[3] = expand(values + __builtin_popcount(mask & 4095U), mask >> 12U);
  }
};

template <>
struct Wide<float> {
  using Lanes = __m256;
  static constexpr int parts = 2;
  static constexpr int chains = 2;
  static Lanes zero() { return _mm256_setzero_ps(); }
  static Lanes load(const float* from) { return _mm256_load_ps(from); }
  static Lanes repeat(float value) { return _mm256_set1_ps(value); }
  static void store(float* to, Lanes value) { _mm256_store_ps(to, value); }
  static Lanes join(Lanes sum, Lanes a, Lanes x) { return _mm256_fmadd_ps(a, x, sum); }
  static float total(const Lanes (&sum)[chains]) {
    const Lanes all = sum[0] + sum[1];
    return ((all[0] + all[1]) + (all[2] + all[3])) + ((all[4] + all[5]) + (all[6] + all[7]));
  }

  static Lanes expand(const float* values, unsigned pattern) {
    __m256i lanes;
    const __m256 spread_out = spread<8>(values, pattern, lanes);
    return _mm256_blendv_ps(spread_out, zero(), _mm256_castsi256_ps(lanes));
  }
  static void expand(const float* values, unsigned mask, Lanes (&out)[parts]) {
    out[0] = expand(values, mask & 255U);
    out[1] = expand(values + __builtin_popcount(mask & 255U), mask >> 8U);
  }
};

#endif

// Ask for values well before they are read: the processor's own prefetching stops at every page.
// With one right-hand side there is little else to do meanwhile; with more it gains nothing.
template <class Value>
constexpr std::int64_t ahead = 4096 / sizeof(Value);

template <class Value>
inline void prefetch(const Value* values, std::int64_t count, const Value* end) {
  constexpr std::int64_t line = 64 / sizeof(Value);
  const Value* first = values + ahead<Value>;
  const Value* last = first + count < end ? first + count : end;
  for (const Value* place = first; place < last; place += line) __builtin_prefetch(place);
}

// The part of x that a tile's columns multiply stays in registers for all its rows, as far as
// there are registers: with AVX-512 in double up to 13 masks a row, in float always; with AVX2 it
// stays in the nearest cache.
template <int chunks, class Value>
void forward_chunks(const Tile<Value>& tile, const Value* x, Value* out) {
  using W = Wide<Value>;
  alignas(64) Value padded[16 * chunks];  // x may end before the last chunk does
  for (std::int64_t j = 0; j < tile.columns; ++j) padded[j] = x[j];
  for (std::int64_t j = tile.columns; j < 16 * chunks; ++j) padded[j] = Value{0};
  typename W::Lanes source[W::parts * chunks];
  CARBONFLOWS_ALL_CHUNKS
  for (int c = 0; c < W::parts * chunks; ++c) source[c] = W::load(padded + 16 / W::parts * c);
  const std::uint16_t* masks = tile.masks;
  const Value* values = tile.values;
  const std::int64_t usual = (tile.end - values) / tile.rows + 1;
  for (std::int64_t i = 0; i < tile.rows; ++i, masks += chunks) {
    typename W::Lanes sum[W::chains];
    for (typename W::Lanes& chain : sum) chain = W::zero();
    prefetch(values, usual, tile.end + ahead<Value>);  // the next tile is the next one read
    CARBONFLOWS_ALL_CHUNKS
    for (int c = 0; c < chunks; ++c) {
      const unsigned mask = masks[c];
      typename W::Lanes a[W::parts];
      W::expand(values, mask, a);
#pragma GCC unroll 4
      for (int p = 0; p < W::parts; ++p) {
        const int place = W::parts * c + p;
        sum[place % W::chains] = W::join(sum[place % W::chains], a[p], source[place]);
      }
      values += __builtin_popcount(mask);
    }
    out[i] += W::total(sum);
  }
}

// The sums of a tile's columns stay in registers for all its rows, as far as there are registers.
template <int chunks, class Value>
void adjoint_chunks(const Tile<Value>& tile, const Value* x, Value* out) {
  using W = Wide<Value>;
  typename W::Lanes sum[W::parts * chunks];
  CARBONFLOWS_ALL_CHUNKS
  for (int c = 0; c < W::parts * chunks; ++c) sum[c] = W::zero();
  const std::uint16_t* masks = tile.masks;
  const Value* values = tile.values;
  const std::int64_t usual = (tile.end - values) / tile.rows + 1;
  for (std::int64_t i = 0; i < tile.rows; ++i, masks += chunks) {
    const typename W::Lanes source = W::repeat(x[i]);
    prefetch(values, usual, tile.end);
    CARBONFLOWS_ALL_CHUNKS
    for (int c = 0; c < chunks; ++c) {
      const unsigned mask = masks[c];
      typename W::Lanes a[W::parts];
      W::expand(values, mask, a);
#pragma GCC unroll 4
      for (int p = 0; p < W::parts; ++p) {
        sum[W::parts * c + p] = W::join(sum[W::parts * c + p], a[p], source);
      }
      values += __builtin_popcount(mask);
    }
  }
  alignas(64) Value local[16 * chunks];
  CARBONFLOWS_ALL_CHUNKS
  for (int c = 0; c < W::parts * chunks; ++c) W::store(local + 16 / W::parts * c, sum[c]);
  for (std::int64_t j = 0; j < tile.columns; ++j) out[j] += local[j];
}

template <class Value>
using OnePass = void (*)(const Tile<Value>&, const Value*, Value*);

template <class Value, int... less>
constexpr OnePass<Value> pick_forward(std::int64_t chunks, std::integer_sequence<int, less...>) {
  constexpr OnePass<Value> passes[] = {forward_chunks<less + 1, Value>...};
  return passes[chunks - 1];
}
template <class Value, int... less>
constexpr OnePass<Value> pick_adjoint(std::int64_t chunks, std::integer_sequence<int, less...>) {
  constexpr OnePass<Value> passes[] = {adjoint_chunks<less + 1, Value>...};
  return passes[chunks - 1];
}
using Chunks = std::make_integer_sequence<int, static_cast<int>(max_block / 16)>;

template <class Value>
void forward_sum_1(const Tile<Value>& tile, const Value* x, Value* out) {
  if (tile.kind == TileKind::packed) {
    pick_forward<Value>(mask_count(tile.columns), Chunks{})(tile, x, out);
  } else {
    forward<Semiring::sum, 1, Value>(tile, x, out);
  }
}

template <class Value>
void adjoint_sum_1(const Tile<Value>& tile, const Value* x, Value* out) {
  if (tile.kind == TileKind::packed) {
    pick_adjoint<Value>(mask_count(tile.columns), Chunks{})(tile, x, out);
  } else {
    adjoint<Semiring::sum, 1, Value>(tile, x, out);
  }
}

#endif
