// What a distribution needs, the loops of an instruction set, and factors of an array.
#include "draw_factors.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

namespace carbonflows {
namespace {

double cumulative(double z) { return 0.5 * std::erfc(-z * 0.70710678118654752); }

// The width a of a normal that, cut at 1 ± 1, has this deviation: f(a) = a² − 2aφ/(1 − 2Φ) = d².
double width_before_cut(double deviation) {
  double low = deviation, high = 1e3;
  for (int step = 0; step < 200 && high - low > 1e-15 * high; ++step) {
    const double a = 0.5 * (low + high);
    const double density = std::exp(-0.5 / (a * a)) * 0.39894228040143268;
    const double inside = 1.0 - 2.0 * cumulative(-1.0 / a);
    const bool wide = a * a - 2.0 * a * density / inside > deviation * deviation;
    (wide ? high : low) = a;
  }
  return 0.5 * (low + high);
}

}  // namespace

namespace baseline {
extern const DrawKernels draw_kernels;
}
#if defined(CARBONFLOWS_AVX2)
namespace avx2 {
extern const DrawKernels draw_kernels;
}
#endif
#if defined(CARBONFLOWS_AVX512)
namespace avx512 {
extern const DrawKernels draw_kernels;
}
#endif

const DrawKernels& draw_kernels(const char* name) {
#if defined(CARBONFLOWS_AVX512)
  if (std::strcmp(name, "avx512") == 0) return avx512::draw_kernels;
#endif
#if defined(CARBONFLOWS_AVX2)
  if (std::strcmp(name, "avx2") == 0) return avx2::draw_kernels;
#endif
  static_cast<void>(name);
  return baseline::draw_kernels;
}

Shape shape_of(Distribution distribution, double deviation) {
  const auto shape = [](double a, double b) {
    return Shape{static_cast<float>(a), static_cast<float>(b)};
  };
  if (deviation == 0.0) return shape(0.0, 0.0);
  switch (distribution) {
    case Distribution::lognormal: {
      const double square = std::log1p(deviation * deviation);
      return shape(std::sqrt(square), -0.5 * square);
    }
    case Distribution::normal: {
      const double a = width_before_cut(deviation);
      return shape(a, cumulative(-1.0 / a));
    }
    case Distribution::uniform:
      return shape(std::sqrt(3.0) * deviation, 0.0);
    default:
      return shape(std::sqrt(6.0) * deviation, 0.0);
  }
}

void draw_factors(const Draw& draw, std::span<const double> deviations, std::span<double> factors,
                  const DrawKernels& kernels) {
  constexpr std::int64_t step = 1024;
  const auto in_turn = [](std::int64_t k) { return k; };
  const auto size = static_cast<std::int64_t>(deviations.size());
  Factors some(draw, kernels, std::min(step, size), std::min(step, size), 0.0);
  for (std::int64_t first = 0; first < size; first += step) {
    const std::int64_t count = std::min(step, size - first);
    some.begin(static_cast<std::uint64_t>(first));
    some.add(count, in_turn, deviations.data() + first);
    std::copy_n(some.make(), count, factors.data() + first);
  }
}

}  // namespace carbonflows
