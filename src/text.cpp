// The Python face of the parser: lines as bytes objects, which stay with Python meanwhile.
#include <pybind11/stl.h>

#include <cstring>
#include <optional>
#include <string_view>
#include <vector>

#include "arrays.hpp"
#include "carbonflows/numbers.hpp"

using namespace bindings;

namespace {

std::vector<std::string_view> texts(const py::list& lines) {
  std::vector<std::string_view> found;
  found.reserve(lines.size());
  for (const py::handle line : lines) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(line.ptr(), &data, &size) != 0) throw py::error_already_set();
    found.emplace_back(data, static_cast<std::size_t>(size));
  }
  return found;
}

cf::ColumnChoice choice(std::int64_t columns, const std::optional<Flat<std::uint8_t>>& wanted) {
  if (!wanted) return {columns, {}};
  return {columns, {wanted->data(), static_cast<std::size_t>(wanted->size())}};
}

template <class Number>
Flat<Number> copied(const std::vector<Number>& from) {
  Flat<Number> to(static_cast<py::ssize_t>(from.size()));
  if (!from.empty()) std::memcpy(to.mutable_data(), from.data(), from.size() * sizeof(Number));
  return to;
}

// Rows of all wanted columns; None if a line is not plain numbers.
std::optional<Flat<double>> parse_dense(const py::list& lines, char delimiter, std::int64_t columns,
                                        const std::optional<Flat<std::uint8_t>>& wanted,
                                        std::int64_t width) {
  const auto rows = texts(lines);
  Flat<double> values({static_cast<py::ssize_t>(rows.size()), static_cast<py::ssize_t>(width)});
  double* row = values.mutable_data();
  bool plain = true;
  {
    const py::gil_scoped_release release;
    for (std::size_t at = 0; plain && at < rows.size(); ++at, row += width) {
      plain = cf::parse_line(rows[at], delimiter, choice(columns, wanted), row);
    }
  }
  if (!plain) return std::nullopt;
  return values;
}

// Row starts, columns and values of the nonzeros; None if a line is not plain numbers.
std::optional<py::tuple> parse_sparse(const py::list& lines, char delimiter, std::int64_t columns,
                                      const std::optional<Flat<std::uint8_t>>& wanted) {
  const auto rows = texts(lines);
  cf::SparseLines found;
  bool plain = true;
  {
    const py::gil_scoped_release release;
    for (std::size_t at = 0; plain && at < rows.size(); ++at) {
      plain = cf::parse_line(rows[at], delimiter, choice(columns, wanted), found);
    }
  }
  if (!plain) return std::nullopt;
  return py::make_tuple(copied(found.row_starts), copied(found.columns), copied(found.values));
}

}  // namespace

void bind_text(py::module_& m) {
  m.def("parse_dense", &parse_dense);
  m.def("parse_sparse", &parse_sparse);
}
