// One decimal number becomes a float64, correctly rounded, eight digits at a time.
//
// What is short and plain is read here: up to 19 significant digits, a point, an exponent, in one
// walk without a branch for each digit. The power of ten comes in by the method of D. Lemire
// ("Number parsing at a gigabyte per second", 2021), which knows when it is not sure. All that is
// longer, odd, subnormal or not sure goes to the standard library, so that there is nothing that
// only one of the two takes.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace carbonflows::decimal {

#if defined(__SIZEOF_INT128__)
inline constexpr bool has_short_way = std::endian::native == std::endian::little;

__extension__ using Product = unsigned __int128;

// The first 128 bits of a power of five, the first bit set: rounded down, or up where the exponent
// is negative.
struct Power {
  std::uint64_t high;
  std::uint64_t low;
};

inline constexpr int smallest_power = -342;  // 19 digits times less are zero
inline constexpr int largest_power = 308;

constexpr std::array<Power, largest_power - smallest_power + 1> powers_of_five() {
  constexpr int words = 17;  // 5^308 has 716 bits, and 2^1087 / 5^342 more than 128
  std::array<Power, largest_power - smallest_power + 1> powers{};
  const auto first_bits = [](const std::array<std::uint64_t, words>& number, std::uint64_t more) {
    int top = words - 1;
    while (number[static_cast<std::size_t>(top)] == 0) --top;
    const auto word = [&](int at) { return at < 0 ? 0 : number[static_cast<std::size_t>(at)]; };
    const int shift = std::countl_zero(word(top));
    const auto part = [&](int at) {
      return shift == 0 ? word(at) : word(at) << shift | word(at - 1) >> (64 - shift);
    };
    Power power{part(top), part(top - 1) + more};
    power.high += power.low < more ? 1 : 0;
    return power;
  };
  std::array<std::uint64_t, words> number{};
  number[0] = 1;
  for (int q = 0; q <= largest_power; ++q) {
    powers[static_cast<std::size_t>(q - smallest_power)] = first_bits(number, 0);
    std::uint64_t carry = 0;
    for (std::uint64_t& word : number) {
      const Product product = static_cast<Product>(word) * 5 + carry;
      word = static_cast<std::uint64_t>(product);
      carry = static_cast<std::uint64_t>(product >> 64);
    }
  }
  number = {};
  number[words - 1] = 1ULL << 63;
  for (int q = -1; q >= smallest_power; --q) {
    std::uint64_t rest = 0;
    for (int at = words - 1; at >= 0; --at) {
      std::uint64_t& word = number[static_cast<std::size_t>(at)];
      const Product dividend = static_cast<Product>(rest) << 64 | word;
      word = static_cast<std::uint64_t>(dividend / 5);
      rest = static_cast<std::uint64_t>(dividend % 5);
    }
    powers[static_cast<std::size_t>(q - smallest_power)] = first_bits(number, 1);
  }
  return powers;
}

inline constexpr std::array<Power, largest_power - smallest_power + 1> powers = powers_of_five();

// Give digits · 10^power, correctly rounded; false if it is not normal, or not sure.
inline bool scaled(std::uint64_t digits, std::int64_t power, double& value) {
  if (digits == 0 || power == 0) {
    value = static_cast<double>(digits);
    return true;
  }
  if (power < smallest_power || power > largest_power) return false;
  const Power five = powers[static_cast<std::size_t>(power - smallest_power)];
  const int zeros = std::countl_zero(digits);
  digits <<= zeros;
  const Product first = static_cast<Product>(digits) * five.high;
  auto high = static_cast<std::uint64_t>(first >> 64);
  auto low = static_cast<std::uint64_t>(first);
  if ((high & 0x1FF) == 0x1FF) {  // a carry from below may decide
    const Product second = static_cast<Product>(digits) * five.low;
    const auto more = static_cast<std::uint64_t>(second >> 64);
    low += more;
    high += low < more ? 1 : 0;
    if (low == ~std::uint64_t{0}) return false;
  }
  const auto top = static_cast<int>(high >> 63);
  const int shift = top + 64 - 52 - 3;
  std::uint64_t mantissa = high >> shift;  // 54 bits: one more than kept
  std::int64_t exponent = ((217706 * power) >> 16) + 63 + top - zeros + 1023;
  if (exponent <= 0) return false;  // subnormal
  // Halfway between two: only where the power of five fits into the digits can it be exact.
  if (low <= 1 && power >= -4 && power <= 23 && (mantissa & 3) == 1 && mantissa << shift == high) {
    --mantissa;  // to the even one
  }
  mantissa = (mantissa + (mantissa & 1)) >> 1;
  if (mantissa >> 53 != 0) {
    mantissa >>= 1;
    ++exponent;
  }
  if (exponent >= 2047) return false;  // infinite
  constexpr std::uint64_t hidden = 1ULL << 52;
  value =
      std::bit_cast<double>((mantissa & (hidden - 1)) | static_cast<std::uint64_t>(exponent) << 52);
  return true;
}

// Eight characters, each as a digit where it is one.
inline std::uint64_t eight(const char* text) {
  std::uint64_t loaded;
  std::memcpy(&loaded, text, sizeof loaded);
  return loaded ^ 0x3030303030303030;
}

// How many of eight characters come before the first that is no digit. What is carried out of a
// character beyond '9' only changes those after it.
inline int leading(std::uint64_t digits) {
  const std::uint64_t beyond = (digits + 0x7676767676767676) | digits;
  return std::countr_zero(beyond & 0x8080808080808080) / 8;
}

// The number that the first `count` of eight digits are.
inline std::uint64_t number(std::uint64_t digits, int count) {
  const int behind = 4 * (8 - count);
  digits = digits << behind << behind;
  digits = digits * 10 + (digits >> 8);
  return ((digits & 0x000000FF000000FF) * 0x000F424000000064 +
          ((digits >> 16) & 0x000000FF000000FF) * 0x0000271000000001) >>
         32;
}

inline constexpr std::array<std::uint64_t, 9> tens{1,      10,      100,      1000,     10000,
                                                   100000, 1000000, 10000000, 100000000};

// Append the first `count` of eight digits to a number that has room for them.
inline std::uint64_t append(std::uint64_t before, std::uint64_t digits, int count) {
  return before * tens[static_cast<std::size_t>(count)] + number(digits, count);
}

// Digits with a point among them stand for mantissa · 10^power. They end at `end`, which is null
// where there are none or too many.
struct Digits {
  std::uint64_t mantissa;
  std::int64_t power;
  const char* end;
};

// Characters that must be there from a number's start on: sign, digits, point, exponent, delimiter.
inline constexpr std::ptrdiff_t readable = 1 + 16 + 1 + 24 + 2 + 8;

// Read up to 15 digits, a point, and up to 23 digits, in words of eight.
inline Digits digits_in_words(const char* text) {
  constexpr Digits none{0, 0, nullptr};
  const std::uint64_t whole = eight(text);
  int count = leading(whole);
  std::uint64_t mantissa = number(whole, count);
  text += count;
  if (count == 8) {
    const std::uint64_t more = eight(text);
    const int further = leading(more);
    if (further == 8) return none;
    mantissa = append(mantissa, more, further);
    text += further;
    count += further;
  }
  if (*text != '.') return count == 0 ? none : Digits{mantissa, 0, text};
  const std::uint64_t first = eight(text + 1);
  const std::uint64_t second = eight(text + 9);
  const std::uint64_t third = eight(text + 17);
  const int a = leading(first);
  const int b = a == 8 ? leading(second) : 0;
  const int c = b == 8 ? leading(third) : 0;
  const int fraction = a + b + c;
  // The zeros of "0.00" are not significant.
  const int significant = fraction + (mantissa != 0 ? count : -(std::countr_zero(first) / 8));
  if (c == 8 || significant > 19 || count + fraction == 0) return none;
  mantissa = append(append(append(mantissa, first, a), second, b), third, c);
  return {mantissa, -fraction, text + 1 + fraction};
}

#if defined(__SSE2__)
// Sixteen digits as a number.
inline std::uint64_t sixteen(__m128i digits) {
  const __m128i even = _mm_and_si128(digits, _mm_set1_epi16(0xFF));
  const __m128i pairs =
      _mm_add_epi16(_mm_mullo_epi16(even, _mm_set1_epi16(10)), _mm_srli_epi16(digits, 8));
  const __m128i fours = _mm_madd_epi16(pairs, _mm_set1_epi32(100 | 1 << 16));
  const __m128i eights =
      _mm_madd_epi16(_mm_packs_epi32(fours, fours), _mm_set1_epi32(10000 | 1 << 16));
  const auto both = static_cast<std::uint64_t>(_mm_cvtsi128_si64(eights));
  return (both & 0xFFFFFFFF) * 100000000 + (both >> 32);
}

inline __m128i load(const void* from) { return _mm_loadu_si128(static_cast<const __m128i*>(from)); }

// One bit for each of sixteen characters that is no digit.
inline std::uint32_t others(__m128i text) {
  // After this shift digits are the ten largest signed numbers.
  const __m128i shifted = _mm_add_epi8(text, _mm_set1_epi8(127 - '9'));
  const __m128i below = _mm_cmplt_epi8(shifted, _mm_set1_epi8(127 - 9));
  return static_cast<std::uint32_t>(_mm_movemask_epi8(below));
}

// From 16 − k on, the first k of sixteen bytes are zeros, the rest ones; from 32 − k on, the first
// k are ones.
inline constexpr std::array<std::uint8_t, 48> edges = [] {
  std::array<std::uint8_t, 48> bytes{};
  for (std::size_t at = 16; at < 32; ++at) bytes[at] = 0xFF;
  return bytes;
}();

// The same in vectors of sixteen, for at most 31 characters: the point is left out, and what
// follows the digits becomes zeros, so that there are always 19.
inline Digits digits_in_vectors(const char* text) {
  constexpr Digits none{0, 0, nullptr};
  const __m128i first = load(text);
  const std::uint32_t ends = others(first) | others(load(text + 16)) << 16;
  const int before = std::countr_zero(ends);
  if (before > 16) return none;
  if (text[before] != '.') {
    if (before == 0) return none;
    const int half = std::min(before, 8);
    return {append(number(eight(text), half), eight(text + 8), before - half), 0, text + before};
  }
  const int end = std::countr_zero(ends & (ends - 1));
  if (end == 32 || end == 1) return none;
  // "0." and the zeros that follow are not significant.
  const __m128i zero = _mm_cmpeq_epi8(first, _mm_set1_epi8('0'));
  const auto zeros = static_cast<std::uint32_t>(_mm_movemask_epi8(zero));
  const int behind = std::countr_one(zeros >> 2);
  const bool small = before == 1 && (zeros & 1) != 0;
  const int skipped = small ? 2 + behind : 0;
  const int count = end - (small ? skipped : 1);
  if (count > 19) return none;
  const char* const from = text + skipped;
  const __m128i later = load(edges.data() + 16 - (small ? 16 : before));
  const __m128i joined =
      _mm_or_si128(_mm_andnot_si128(later, load(from)), _mm_and_si128(later, load(from + 1)));
  const __m128i kept = load(edges.data() + 32 - std::clamp(count, 0, 16));
  const __m128i digits = _mm_and_si128(_mm_sub_epi8(joined, _mm_set1_epi8('0')), kept);
  std::uint32_t rest;
  std::memcpy(&rest, from + (small ? 16 : 17), sizeof rest);
  rest = (rest ^ 0x303030) & ((1U << 8 * std::max(count - 16, 0)) - 1);
  const std::uint64_t last = (rest & 0xFF) * 100 + (rest >> 8 & 0xFF) * 10 + (rest >> 16);
  return {sixteen(digits) * 1000 + last, (small ? -behind : before) - 19, text + end};
}
#endif

// Parse a number that a delimiter follows, and return the delimiter's place; nullptr where this
// way is too short for it.
inline const char* parse_short(const char* text, char delimiter, double& value) {
  bool negative = false;
  if (*text == '-') [[unlikely]] {
    negative = true;
    ++text;
  }
#if defined(__SSE2__)
  auto [mantissa, power, end] = digits_in_vectors(text);
#else
  auto [mantissa, power, end] = digits_in_words(text);
#endif
  if (end == nullptr) return nullptr;
  if (*end != delimiter) {
    if (*end != 'e' && *end != 'E') return nullptr;
    ++end;
    const bool down = *end == '-';
    if (down || *end == '+') ++end;
    const std::uint64_t digits = eight(end);
    const int length = leading(digits);
    if (length == 0 || length > 4) return nullptr;
    const auto exponent = static_cast<std::int64_t>(number(digits, length));
    power += down ? -exponent : exponent;
    end += length;
    if (*end != delimiter) return nullptr;
  }
  if (!scaled(mantissa, power, value)) return nullptr;
  value = negative ? -value : value;
  return end;
}

// Four cells of "0" with their delimiters.
inline std::uint64_t four_zeros(char delimiter) {
  const auto cell = static_cast<std::uint64_t>('0' | static_cast<unsigned char>(delimiter) << 8);
  return cell * 0x0001000100010001;
}

// How many of the next four cells are "0" before the first that is not.
inline int zero_cells(const char* text, std::uint64_t zeros) {
  std::uint64_t loaded;
  std::memcpy(&loaded, text, sizeof loaded);
  return std::countr_zero(loaded ^ zeros) / 16;
}

#else
inline constexpr bool has_short_way = false;
inline constexpr std::ptrdiff_t readable = 0;
inline const char* parse_short(const char*, char, double&) { return nullptr; }
inline int zero_cells(const char*, std::uint64_t) { return 0; }
inline std::uint64_t four_zeros(char) { return 0; }
#endif

}  // namespace carbonflows::decimal
