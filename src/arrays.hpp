// What the bindings share: arrays as spans, the tiles that keep their arrays alive, interrupts.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <span>
#include <string>

#include "carbonflows/kernels.hpp"
#include "carbonflows/solver.hpp"
#include "carbonflows/tiles.hpp"

namespace py = pybind11;
namespace cf = carbonflows;

namespace bindings {

// C order is asked for where the core walks flat memory; the rest go by their strides.
template <class T>
using Flat = py::array_t<T, py::array::c_style>;
using Vectors = py::array_t<double, 0>;

template <class T>
std::span<const T> view(const Flat<T>& array) {
  return {array.data(), static_cast<std::size_t>(array.size())};
}
template <class T>
std::span<T> change(Flat<T>& array) {
  return {array.mutable_data(), static_cast<std::size_t>(array.size())};
}

inline std::span<const cf::TileEntry> entries(const Flat<std::int64_t>& array) {
  return {reinterpret_cast<const cf::TileEntry*>(array.data()),
          static_cast<std::size_t>(array.size()) / 4};
}

inline const cf::Kernels& kernels(const std::string& name) {
  const cf::Kernels* found = cf::find_kernels(name.c_str());
  if (found == nullptr) throw py::value_error("no kernels named " + name + " run here");
  return *found;
}

// Called by the core, without the GIL, from the thread that entered it.
inline void interrupt() {
  const py::gil_scoped_acquire gil;
  if (PyErr_CheckSignals() != 0) throw py::error_already_set();
}

// Keeps the arrays alive under the view; they may be memory-mapped and read-only.
template <class Value>
struct Tiles {
  Flat<std::int64_t> starts;
  Flat<std::int64_t> entry_table;
  Flat<std::uint16_t> masks;
  Flat<Value> values;

  cf::TiledMatrix<Value> matrix() const {
    return {view(starts), entries(entry_table), view(masks), view(values)};
  }
};

}  // namespace bindings

void bind_draws(py::module_& m);
void bind_paths(py::module_& m);
void bind_text(py::module_& m);
