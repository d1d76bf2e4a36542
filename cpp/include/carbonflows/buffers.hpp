// Work space on cache lines: a row of eight right-hand sides must not straddle two of them.
#pragma once

#include <cstddef>
#include <new>
#include <vector>

namespace carbonflows {

template <class T>
struct LineAllocator {
  using value_type = T;
  static constexpr std::align_val_t line{64};

  LineAllocator() = default;
  template <class Other>
  LineAllocator(const LineAllocator<Other>&) {}

  T* allocate(std::size_t count) {
    return static_cast<T*>(::operator new(count * sizeof(T), line));
  }
  void deallocate(T* place, std::size_t) { ::operator delete(place, line); }
  template <class Other>
  bool operator==(const LineAllocator<Other>&) const {
    return true;
  }
};

template <class Number>
using Buffer = std::vector<Number, LineAllocator<Number>>;

}  // namespace carbonflows
