#include "carbonflows/kernels.hpp"

#include <cstring>

namespace carbonflows {

namespace baseline {
extern const Kernels kernels;
}
#if defined(CARBONFLOWS_AVX2)
namespace avx2 {
extern const Kernels kernels;
}
#endif
#if defined(CARBONFLOWS_AVX512)
namespace avx512 {
extern const Kernels kernels;
}
#endif

const Kernels* find_kernels(const char* name) {
  const auto wanted = [&](const Kernels& kernels) {
    return *name == '\0' || std::strcmp(name, kernels.name) == 0;
  };
#if defined(CARBONFLOWS_AVX2)
  __builtin_cpu_init();
#endif
#if defined(CARBONFLOWS_AVX512)
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
      wanted(avx512::kernels)) {
    return &avx512::kernels;
  }
#endif
#if defined(CARBONFLOWS_AVX2)
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && wanted(avx2::kernels)) {
    return &avx2::kernels;
  }
#endif
  return wanted(baseline::kernels) ? &baseline::kernels : nullptr;
}

}  // namespace carbonflows
