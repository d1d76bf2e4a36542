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

// `yes` where the mask is set, or `no`.
inline Reals either(Integers mask, Reals yes, Reals no) {
  return (Reals)((mask & (Integers)yes) | (~mask & (Integers)no));
}

// Two words of which the lower one comes first.
inline std::uint64_t in_memory(std::uint64_t pair) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  return pair << 32 | pair >> 32;
#else
  return pair;
#endif
}

constexpr int together = 4;  // vectors of Philox blocks at a time, which do not wait for each other

void words(const Draw& draw, std::uint64_t first, std::int64_t blocks, std::uint32_t* out) {
  const Bits factor0 = all(std::uint64_t{0xD2511F53U});
  const Bits factor1 = all(std::uint64_t{0xCD9E8D57U});
  Bits count;
  for (int k = 0; k < lanes; ++k) count[k] = first + static_cast<std::uint64_t>(k);
  for (std::int64_t block = 0; block < blocks; block += together * lanes) {
    // Only the lower halves count.
    Bits c0[together], c1[together], c2[together], c3[together];
    for (int v = 0; v < together; ++v) {
      c0[v] = count;
      c1[v] = count >> 32;
      c2[v] = all(std::uint64_t{draw.number});
      c3[v] = all(std::uint64_t{draw.source});
      count += lanes;
    }
    auto key0 = static_cast<std::uint32_t>(draw.seed);
    auto key1 = static_cast<std::uint32_t>(draw.seed >> 32);
    for (int round = 0; round < 10; ++round) {
      const Bits round0 = all(std::uint64_t{key0});
      const Bits round1 = all(std::uint64_t{key1});
      for (int v = 0; v < together; ++v) {
        const Bits p0 = times(c0[v], factor0);
        const Bits p1 = times(c2[v], factor1);
        c0[v] = (p1 >> 32) ^ c1[v] ^ round0;
        c1[v] = p1;
        c2[v] = (p0 >> 32) ^ c3[v] ^ round1;
        c3[v] = p0;
      }
      key0 += 0x9E3779B9U;
      key1 += 0xBB67AE85U;
    }
    for (int v = 0; v < together; ++v) {
      const Bits pair0 = (c0[v] & 0xffffffffU) | (c1[v] << 32);
      const Bits pair1 = (c2[v] & 0xffffffffU) | (c3[v] << 32);
      std::uint64_t here[2 * lanes];
      for (int k = 0; k < lanes; ++k) {
        here[2 * k] = in_memory(pair0[k]);
        here[2 * k + 1] = in_memory(pair1[k]);
      }
      const std::int64_t from = block + v * lanes;
      if (blocks - from >= lanes) {
        __builtin_memcpy(out + 4 * from, here, sizeof(here));
      } else {
        for (std::int64_t k = 0; k < 2 * (blocks - from); ++k) {
          __builtin_memcpy(out + 4 * from + 2 * k, here + k, 8);
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
  Reals series = t * (1.0F / 9) + 1.0F / 7;
  series = series * t + 1.0F / 5;
  series = series * t + 1.0F / 3;
  series = series * t + 1.0F;
  return power * 0.69314718F + 2.0F * s * series;
}

// exp x for |x| < 80.
inline Reals exponential(Reals x) {
  constexpr float magic = 12582912.0F;  // 1.5 · 2^23: adding it rounds to an integer
  const Reals shifted = x * 1.44269504F + magic;
  const Reals k = shifted - magic;
  const Reals r = (x - k * 0.693359375F) + k * 2.12194440e-4F;  // log 2 in two parts
  Reals series = r * (1.0F / 5040) + 1.0F / 720;
  series = series * r + 1.0F / 120;
  series = series * r + 1.0F / 24;
  series = series * r + 1.0F / 6;
  series = series * r + 0.5F;
  series = series * r + 1.0F;
  series = series * r + 1.0F;
  return series * (Reals)(((Words)shifted + 127U) << 23);
}

// How far from 0 a normal number lies that is exceeded on either side with probability p ≤ ½.
// Source: Wichura (1988), Algorithm AS 241, Applied Statistics 37:477, PPND7.
inline Reals normal_size(Reals p) {
  const Reals q = 0.5F - p;
  const Reals near = 0.180625F - q * q;
  const Reals far = root(-logarithm(p)) - 1.6F;
  const Reals above =
      ((59.10937472F * near + 159.29113202F) * near + 50.434271938F) * near + 3.3871327179F;
  const Reals below = ((67.1875636F * near + 78.757757664F) * near + 17.895169469F) * near + 1.0F;
  const Reals far_above =
      ((0.17023821103F * far + 1.3067284816F) * far + 2.75681539F) * far + 1.4234372777F;
  const Reals far_below = (0.12021132975F * far + 0.7370016425F) * far + 1.0F;
  const Integers central = near >= 0.0F;
  return either(central, above * q, far_above) / either(central, below, far_below);
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

}  // namespace

extern const DrawKernels draw_kernels;
const DrawKernels draw_kernels{CARBONFLOWS_NAME, &words, &factors};

}  // namespace carbonflows::CARBONFLOWS_ISA
