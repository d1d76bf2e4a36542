#include "carbonflows/numbers.hpp"

#include <doctest/doctest.h>

#include <bit>
#include <cstdio>
#include <random>
#include <string>
#include <utility>

#include "decimal.hpp"
#include "support.hpp"

using namespace support;
using carbonflows::ColumnChoice;
using carbonflows::parse_line;

namespace {

bool taken(const std::string& line, std::ptrdiff_t columns, char delimiter = '\t') {
  Doubles row(at(columns) + 1, -7.0);
  Doubles values(at(columns) + 1, -7.0);
  std::vector<std::int32_t> places(at(columns) + 1, -7);
  const ColumnChoice all{columns, {}};
  const bool dense = parse_line(line, delimiter, all, row.data());
  CHECK(row.back() == -7.0);
  const std::ptrdiff_t count = parse_line(line, delimiter, all, values.data(), places.data());
  CHECK((count >= 0) == dense);
  CHECK(values.back() == -7.0);
  CHECK(places.back() == -7);
  if (dense) {
    Doubles back(at(columns) + 1, 0.0);
    back.back() = -7.0;
    for (std::size_t k = 0; k < at(count); ++k) back[at(places[k])] = values[k];
    CHECK(back == row);
  }
  return dense;
}

}  // namespace

TEST_CASE("numbers of any size come back with the same bits") {
  std::mt19937_64 random(3);
  char text[64];
  for (int k = 0; k < 20000; ++k) {
    const double value = std::bit_cast<double>(random());
    if (!(value - value == 0.0)) continue;
    const int length = std::snprintf(text, sizeof text, "%.17g", value);
    double back = 0.0;
    const bool plain = parse_line({text, at(length)}, ',', {1, {}}, &back);
    // What rounds to zero or infinity in other parsers is left to the caller.
    if (std::bit_cast<std::uint64_t>(value) << 1 >> 53 != 0) CHECK(plain);
    if (plain) CHECK(std::bit_cast<std::uint64_t>(back) == std::bit_cast<std::uint64_t>(value));
  }
}

TEST_CASE("only lines of plain numbers are taken") {
  for (const char* good : {"1\t2", "0\t0", "-0.5\t1e-3", ".5\t5.", "0.0\t1E+5", "007\t0e5"}) {
    CAPTURE(good);
    CHECK(taken(good, 2));
  }
  for (const char* bad :
       {"", "1", "1\t", "\t1", "1\t2\t", "1\t2\t3", "1 \t2", " 1\t2", "1\t+2", "nan\t1", "inf\t1",
        "1e999\t1", "1,5\t2", "0x1\t2", "1_0\t2", "0\t-", "\"1\"\t2", "1\t2\r"}) {
    CAPTURE(bad);
    CHECK(!taken(bad, 2));
  }
  CHECK(taken("", 0));
  CHECK(taken("1;2;3", 3, ';'));
}

TEST_CASE("columns that are not wanted are not looked at") {
  const std::vector<std::uint8_t> wanted{0, 1, 0, 1, 0};
  Doubles row(2, 0.0);
  Doubles values(2, 0.0);
  std::vector<std::int32_t> places(2, -7);
  const auto sparse = [&](const char* line) {
    return parse_line(line, ',', {5, wanted}, values.data(), places.data());
  };
  const ColumnChoice choice{5, wanted};
  CHECK(parse_line("x,2,,4,nan", ',', choice, row.data()));
  CHECK(row == Doubles{2.0, 4.0});
  CHECK(sparse("x,0,,4,nan") == 1);
  CHECK(values[0] == 4.0);
  CHECK(places[0] == 1);
  CHECK(!parse_line("x,2,,4", ',', choice, row.data()));
  CHECK(!parse_line("x,2,,4,5,6", ',', choice, row.data()));
  CHECK(sparse("x,y,,4,5") == -1);
}

#if defined(__SIZEOF_INT128__)  // else there is no short way
namespace {

// Digits without zeros around them, and what power of ten they are then times.
std::pair<std::string, std::int64_t> trimmed(std::string digits, std::int64_t power) {
  digits.erase(0, digits.find_first_not_of('0'));
  while (digits.ends_with('0')) {
    digits.pop_back();
    ++power;
  }
  return {digits, digits.empty() ? 0 : power};
}

}  // namespace

TEST_CASE("digits are read the same in words and in vectors") {
  namespace decimal = carbonflows::decimal;
  if (!decimal::has_short_way) return;  // bytes in another order
  std::mt19937_64 random(9);
  const auto some = [&](std::size_t most, bool zeros) {
    std::string digits;
    for (std::size_t count = random() % (most + 1); count > 0; --count) {
      digits += zeros ? '0' : static_cast<char>('0' + random() % 10);
    }
    return digits;
  };
  int taken = 0;
  for (int k = 0; k < 100000; ++k) {
    const std::string whole = some(2, true) + some(k % 5 == 0 ? 16 : 3, false);
    const bool point = k % 8 != 0;
    const std::string fraction = point ? some(5, true) + some(20, false) : "";
    const std::string text = whole + (point ? "." : "") + fraction;
    const std::string behind(1, "\tx/:e-+ "[random() % 8]);
    const std::string line = text + behind + std::string(64, k % 3 == 0 ? '.' : '7');
    const auto expected = trimmed(whole + fraction, -static_cast<std::int64_t>(fraction.size()));
    CAPTURE(line);
    const auto check = [&](const decimal::Digits& found) {
      if (found.end == nullptr) return;
      ++taken;
      CHECK(found.end == line.data() + text.size());
      CHECK(trimmed(std::to_string(found.mantissa), found.power) == expected);
    };
    check(decimal::digits_in_words(line.data()));
#if defined(__SSE2__)
    check(decimal::digits_in_vectors(line.data()));
#endif
  }
  CHECK(taken > 50000);
}
#endif
