// One decimal number becomes a float64, correctly rounded, eight digits at a time.
//
// What is short and plain is read here: up to 19 significant digits, a point, an exponent, in one
// walk without a branch for each digit. The power of ten comes in by the method of D. Lemire
// ("Number parsing at a gigabyte per second", 2021), which knows when it is not sure. All that is
// longer, odd, subnormal or not sure goes to the standard library, so that there is nothing that
// only one of the two takes.
#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>

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

// Characters that must be there from the start of a number on: sign, digits, exponent, delimiter.
inline constexpr std::ptrdiff_t readable = 1 + 16 + 1 + 24 + 2 + 8;

// Parse a number that a delimiter follows, and return the delimiter's place; nullptr where this
// way is too short for it.
inline const char* parse_short(const char* text, char delimiter, double& value) {
  const bool negative = *text == '-';
  text += negative;
  const std::uint64_t whole = eight(text);
  int count = leading(whole);
  std::uint64_t mantissa = number(whole, count);
  text += count;
  if (count == 8) {
    const std::uint64_t more = eight(text);
    const int further = leading(more);
    if (further == 8) return nullptr;
    mantissa = append(mantissa, more, further);
    text += further;
    count += further;
  }
  int significant = mantissa == 0 ? 0 : count;
  std::int64_t power = 0;
  if (*text == '.') {
    ++text;
    const std::uint64_t first = eight(text);
    const std::uint64_t second = eight(text + 8);
    const std::uint64_t third = eight(text + 16);
    const int a = leading(first);
    const int b = a == 8 ? leading(second) : 0;
    const int c = b == 8 ? leading(third) : 0;
    if (c == 8) return nullptr;
    const int fraction = a + b + c;
    if (significant == 0) significant = -std::countr_zero(first) / 8;  // "0.00" before the rest
    mantissa = append(append(append(mantissa, first, a), second, b), third, c);
    significant += fraction;
    count += fraction;
    text += fraction;
    power = -fraction;
  }
  if (count == 0 || significant > 19) return nullptr;
  if (*text != delimiter) {
    if (*text != 'e' && *text != 'E') return nullptr;
    ++text;
    const bool down = *text == '-';
    text += down || *text == '+';
    const std::uint64_t digits = eight(text);
    const int length = leading(digits);
    if (length == 0 || length > 4) return nullptr;
    const auto exponent = static_cast<std::int64_t>(number(digits, length));
    power += down ? -exponent : exponent;
    text += length;
    if (*text != delimiter) return nullptr;
  }
  if (!scaled(mantissa, power, value)) return nullptr;
  value = negative ? -value : value;
  return text;
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
