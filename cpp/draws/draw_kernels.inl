// Random words and factors, compiled once per instruction set into a namespace of its own.
//
// The including file defines CARBONFLOWS_ISA and CARBONFLOWS_NAME. As in kernels.inl, no inline
// function of the standard library may be called here. No product is fused with a sum (the build
// says so), so that all instruction sets give the same bits.

#include <cstdint>

#include "carbonflows/draws.hpp"

#if defined(__AVX512F__) || defined(__AVX2__) || defined(__SSE2__)
#include <immintrin.h>
#endif

namespace carbonflows::CARBONFLOWS_ISA {
namespace {

#if defined(__AVX512F__)
constexpr int lanes = 8;
#elif defined(__AVX2__)
constexpr int lanes = 4;
#else
constexpr int lanes = 2;
#endif
typedef std::uint64_t Bits __attribute__((vector_size(lanes * 8)));
// Factors are made in float32: their seven digits are more than a draw needs.
typedef std::uint32_t Words __attribute__((vector_size(lanes * 8)));
typedef std::int32_t Integers __attribute__((vector_size(lanes * 8)));
typedef float Reals __attribute__((vector_size(lanes * 8)));

// The products of the lower halves.
inline Bits times(Bits a, Bits b) {
#if defined(__AVX512F__)
  return (Bits)_mm512_mul_epu32((__m512i)a, (__m512i)b);
#elif defined(__AVX2__)
  return (Bits)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#elif defined(__SSE2__)
  return (Bits)_mm_mul_epu32((__m128i)a, (__m128i)b);
#else
  return (a & 0xffffffffU) * (b & 0xffffffffU);
#endif
}

inline Reals root(Reals x) {
#if defined(__AVX512F__)
  return (Reals)_mm512_sqrt_ps((__m512)x);
#elif defined(__AVX2__)
  return (Reals)_mm256_sqrt_ps((__m256)x);
#elif defined(__SSE2__)
  return (Reals)_mm_sqrt_ps((__m128)x);
#else
  Reals out;
  for (int k = 0; k < 2 * lanes; ++k) out[k] = __builtin_sqrtf(x[k]);
  return out;
#endif
}

inline Bits all(std::uint64_t number) { return Bits{} + number; }

// a0 b0 a1 b1 … of two vectors: the first half, and the second.
template <int... k>
inline Bits in_turns(Bits a, Bits b) {
  return __builtin_shufflevector(a, b, k...);
}
#if defined(__AVX512F__)
inline Bits lower_in_turns(Bits a, Bits b) { return in_turns<0, 8, 1, 9, 2, 10, 3, 11>(a, b); }
inline Bits upper_in_turns(Bits a, Bits b) { return in_turns<4, 12, 5, 13, 6, 14, 7, 15>(a, b); }
#elif defined(__AVX2__)
inline Bits lower_in_turns(Bits a, Bits b) { return in_turns<0, 4, 1, 5>(a, b); }
inline Bits upper_in_turns(Bits a, Bits b) { return in_turns<2, 6, 3, 7>(a, b); }
#else
inline Bits lower_in_turns(Bits a, Bits b) { return in_turns<0, 2>(a, b); }
inline Bits upper_in_turns(Bits a, Bits b) { return in_turns<1, 3>(a, b); }
#endif

inline bool any(Integers mask) {
#if defined(__AVX512F__)
  return _mm512_movepi32_mask((__m512i)mask) != 0;
#elif defined(__AVX2__)
  return _mm256_movemask_ps((__m256)mask) != 0;
#elif defined(__SSE2__)
  return _mm_movemask_ps((__m128)mask) != 0;
#else
  for (int k = 0; k < 2 * lanes; ++k) {
    if (mask[k] != 0) return true;
  }
  return false;
#endif
}

// `yes` where the mask is set, or `no`.
inline Reals either(Integers mask, Reals yes, Reals no) {
  return (Reals)((mask & (Integers)yes) | (~mask & (Integers)no));
}

// Pairs of words of which the lower one comes first.
inline Bits in_memory(Bits pairs) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return pairs << 32 | pairs >> 32;
#else
  return pairs;
#endif
}

constexpr int rounds = 10;
constexpr int together = 2;  // vectors of Philox blocks at a time, which do not wait for each other

void words(const Draw& draw, std::uint64_t first, std::int64_t blocks, std::uint32_t* out) {
  const Bits factor0 = all(std::uint64_t{0xD2511F53U});
  const Bits factor1 = all(std::uint64_t{0xCD9E8D57U});
  Bits keys[rounds][2];
  for (std::uint32_t round = 0; round < rounds; ++round) {
    keys[round][0] = all(static_cast<std::uint32_t>(draw.seed) + round * 0x9E3779B9U);
    keys[round][1] = all(static_cast<std::uint32_t>(draw.seed >> 32) + round * 0xBB67AE85U);
  }
  Bits count;
  for (int k = 0; k < lanes; ++k) count[k] = first + static_cast<std::uint64_t>(k);
  for (std::int64_t block = 0; block < blocks; block += together * lanes) {
    // Only the lower halves count.
    Bits c0[together], c1[together], c2[together], c3[together];
    for (int v = 0; v < together; ++v) {
      c0[v] = count;
      c1[v] = (count >> 32) ^ all(std::uint64_t{draw.year} << 16);
      c2[v] = all(std::uint64_t{draw.number});
      c3[v] = all(std::uint64_t{draw.source});
      count += lanes;
    }
    for (std::uint32_t round = 0; round < rounds; ++round) {
      for (int v = 0; v < together; ++v) {
        const Bits p0 = times(c0[v], factor0);
        const Bits p1 = times(c2[v], factor1);
        c0[v] = (p1 >> 32) ^ c1[v] ^ keys[round][0];
        c1[v] = p1;
        c2[v] = (p0 >> 32) ^ c3[v] ^ keys[round][1];
        c3[v] = p0;
      }
    }
    for (int v = 0; v < together; ++v) {
      const Bits pair0 = in_memory((c0[v] & 0xffffffffU) | (c1[v] << 32));
      const Bits pair1 = in_memory((c2[v] & 0xffffffffU) | (c3[v] << 32));
      const Bits here[2] = {lower_in_turns(pair0, pair1), upper_in_turns(pair0, pair1)};
      const std::int64_t from = block + v * lanes;
      if (blocks - from >= lanes) {
        __builtin_memcpy(out + 4 * from, here, sizeof(here));
      } else {
        for (std::int64_t k = 0; k < blocks - from; ++k) {
          __builtin_memcpy(out + 4 * (from + k), (const char*)here + 16 * k, 16);
        }
      }
    }
  }
}

inline Reals as_reals(Integers numbers) { return __builtin_convertvector(numbers, Reals); }

// log p for normal p > 0.
inline Reals logarithm(Reals p) {
  constexpr std::int32_t half_root = 0x3f3504f3;  // √½: the series is of small numbers
  const Integers shifted = (Integers)p - half_root + (127 << 23);
  const Reals power = as_reals((shifted >> 23) - 127);
  const Reals m = (Reals)((shifted & 0x7fffff) + half_root);
  const Reals s = (m - 1.0F) / (m + 1.0F);
  const Reals t = s * s;
  const Reals t2 = t * t;
  const Reals series =
      (t * (1.0F / 3) + 1.0F) + t2 * ((t * (1.0F / 7) + 1.0F / 5) + t2 * (1.0F / 9));
  return power * 0.69314718F + 2.0F * s * series;
}

// exp x for |x| < 80.
inline Reals exponential(Reals x) {
  constexpr float magic = 12582912.0F;  // 1.5 · 2^23: adding it rounds to an integer
  const Reals shifted = x * 1.44269504F + magic;
  const Reals k = shifted - magic;
  const Reals r = (x - k * 0.693359375F) + k * 2.12194440e-4F;  // log 2 in two parts
  const Reals r2 = r * r;
  const Reals low = (r + 1.0F) + r2 * (r * (1.0F / 6) + 0.5F);
  const Reals high = (r * (1.0F / 120) + 1.0F / 24) + r2 * (r * (1.0F / 5040) + 1.0F / 720);
  const Reals series = low + (r2 * r2) * high;
  return series * (Reals)(((Words)shifted + 127U) << 23);
}

// How far from 0 a normal number lies that is exceeded on either side with probability p ≤ ½:
// √2 erf⁻¹(1 − 2p), by polynomials in w = −log(4p(1 − p)). Source: Giles (2012), Approximating the
// erfinv function, GPU Computing Gems, Jade edition, ch. 10 (single precision): to 1e-6 up to five
// deviations, to 2e-3 at the farthest, 6.3.
inline Reals normal_size(Reals p) {
  const Reals w = -logarithm(4.0F * p * (1.0F - p));
  const Reals x = w - 2.5F;
  const Reals x2 = x * x;
  const Reals x4 = x2 * x2;
  const Reals near0 =
      (0.246640727F * x + 1.50140941F) + (-0.00125372503F * x - 0.00417768164F) * x2;
  const Reals near4 =
      (-4.39150654e-06F * x + 0.00021858087F) + (3.43273939e-07F * x - 3.5233877e-06F) * x2;
  Reals size = near0 + (near4 + 2.81022636e-08F * x4) * x4;
  const Integers far = w >= 5.0F;
  if (any(far)) {  // seldom: w is above 5 once in 300 numbers
    const Reals y = root(w) - 3.0F;
    const Reals y2 = y * y;
    const Reals y4 = y2 * y2;
    const Reals far0 = (1.00167406F * y + 2.83297682F) + (-0.0076224613F * y + 0.00943887047F) * y2;
    const Reals far4 =
        (-0.00367342844F * y + 0.00573950773F) + (0.000100950558F * y + 0.00134934322F) * y2;
    size = either(far, far0 + (far4 - 0.000200214257F * y4) * y4, size);
  }
  return 1.41421356F * (1.0F - 2.0F * p) * size;
}

template <class Vector>
inline Vector load(const void* from) {
  Vector found;
  __builtin_memcpy(&found, from, sizeof(found));
  return found;
}

template <Distribution distribution>
void factors_of(std::int64_t count, const std::uint32_t* words, const float* a, const float* b,
                float* out) {
  for (std::int64_t i = 0; i < count; i += 2 * lanes) {
    // A word is a number between −1 and 1: a sign, and how probable it is to lie farther out.
    const auto word = load<Integers>(words + i);
    const Integers sign = word >> 31;
    const Reals p = (as_reals(word ^ sign) + 0.5F) * 0x1p-32F;
    const auto width = load<Reals>(a + i);
    const auto other = load<Reals>(b + i);
    Reals size;
    if constexpr (distribution == Distribution::lognormal) {
      size = normal_size(p);
    } else if constexpr (distribution == Distribution::normal) {
      size = normal_size(other + p * (1.0F - 2.0F * other));
    } else if constexpr (distribution == Distribution::uniform) {
      size = 1.0F - 2.0F * p;
    } else {
      size = 1.0F - root(2.0F * p);
    }
    const Reals moved = width * either(sign, -size, size);
    Reals factor;
    if constexpr (distribution == Distribution::lognormal) {
      factor = exponential(moved + other);
    } else {
      factor = 1.0F + moved;
    }
    __builtin_memcpy(out + i, &factor, sizeof(factor));
  }
}

void factors(Distribution distribution, std::int64_t count, const std::uint32_t* words,
             const float* a, const float* b, float* out) {
  switch (distribution) {
    case Distribution::lognormal:
      return factors_of<Distribution::lognormal>(count, words, a, b, out);
    case Distribution::normal:
      return factors_of<Distribution::normal>(count, words, a, b, out);
    case Distribution::uniform:
      return factors_of<Distribution::uniform>(count, words, a, b, out);
    default:
      return factors_of<Distribution::triangular>(count, words, a, b, out);
  }
}

void multiply(std::int64_t count, const double* cells, const float* factors, float* __restrict out,
              double* __restrict values) {
  for (std::int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(cells[i] * static_cast<double>(factors[i]));
    values[i] = static_cast<double>(out[i]);
  }
}

}  // namespace

extern const DrawKernels draw_kernels;
const DrawKernels draw_kernels{CARBONFLOWS_NAME, &words, &factors, &multiply};

}  // namespace carbonflows::CARBONFLOWS_ISA
