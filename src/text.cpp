// The Python face of the parser: lines as bytes objects, which stay with Python meanwhile.
#include <pybind11/stl.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>
#include <vector>

#include "arrays.hpp"
#include "carbonflows/numbers.hpp"

using namespace bindings;

namespace {

// The numbers of each line, which begin at its position, without the line end.
std::vector<std::string_view> texts(const py::list& lines, const std::vector<std::size_t>& starts) {
  std::vector<std::string_view> found;
  found.reserve(lines.size());
  for (const py::handle line : lines) {
    char* data = nullptr;
    Py_ssize_t size = 0;
    if (PyBytes_AsStringAndSize(line.ptr(), &data, &size) != 0) throw py::error_already_set();
    std::string_view text(data, static_cast<std::size_t>(size));
    text.remove_prefix(std::min(starts.at(found.size()), text.size()));
    while (text.ends_with('\n') || text.ends_with('\r')) text.remove_suffix(1);
    found.push_back(text);
  }
  return found;
}

cf::ColumnChoice choice(std::int64_t columns, const std::optional<Flat<std::uint8_t>>& wanted) {
  if (!wanted) return {columns, {}};
  return {columns, {wanted->data(), static_cast<std::size_t>(wanted->size())}};
}

void require_room(std::size_t needed, py::ssize_t found) {
  if (static_cast<std::size_t>(found) < needed) throw py::value_error("no room for the numbers");
}

// Parse rows of all wanted columns; false if a line is not plain numbers.
bool parse_dense(const py::list& lines, const std::vector<std::size_t>& starts, char delimiter,
                 std::int64_t columns, const std::optional<Flat<std::uint8_t>>& wanted,
                 Flat<double>& values) {
  const auto rows = texts(lines, starts);
  const cf::ColumnChoice chosen = choice(columns, wanted);
  const std::ptrdiff_t width = chosen.width();
  require_room(rows.size() * static_cast<std::size_t>(width), values.size());
  double* row = values.mutable_data();
  const py::gil_scoped_release release;
  for (const std::string_view line : rows) {
    if (!cf::parse_line(line, delimiter, chosen, row)) return false;
    row += width;
  }
  return true;
}

// Parse row starts, columns and values of the nonzeros, and return how many there are; -1 if a
// line is not plain numbers. There must be room for a number in every cell.
std::ptrdiff_t parse_sparse(const py::list& lines, const std::vector<std::size_t>& starts,
                            char delimiter, std::int64_t columns,
                            const std::optional<Flat<std::uint8_t>>& wanted,
                            Flat<std::int64_t>& row_starts, Flat<std::int32_t>& places,
                            Flat<double>& values) {
  const auto rows = texts(lines, starts);
  const cf::ColumnChoice chosen = choice(columns, wanted);
  const std::size_t cells = rows.size() * static_cast<std::size_t>(chosen.width());
  require_room(rows.size() + 1, row_starts.size());
  require_room(cells, std::min(places.size(), values.size()));
  std::int64_t* row_start = row_starts.mutable_data();
  std::int32_t* place = places.mutable_data();
  double* value = values.mutable_data();
  const py::gil_scoped_release release;
  std::ptrdiff_t count = 0;
  *row_start = 0;
  for (const std::string_view line : rows) {
    const auto more = cf::parse_line(line, delimiter, chosen, value + count, place + count);
    if (more < 0) return -1;
    count += more;
    *++row_start = count;
  }
  return count;
}

// Memory that grows in place: numpy's own resize writes zeros first, which are written over.
class Growing {
 public:
  Growing() = default;
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  ~Growing() { std::free(data_); }

  std::size_t size() const { return used_; }

  void add(const py::buffer& block) {
    const py::buffer_info from = block.request();
    const auto more = static_cast<std::size_t>(from.size * from.itemsize);
    if (used_ + more > room_) resize(used_ + more + (used_ + more) / 8);
    const py::gil_scoped_release release;
    if (more != 0) std::memcpy(data_ + used_, from.ptr, more);
    used_ += more;
  }

  // Hand all of it over as an array.
  py::array take(const py::dtype& kind) {
    resize(std::max(used_, std::size_t{1}));
    const auto count = static_cast<py::ssize_t>(used_) / kind.itemsize();
    const py::capsule owner(data_, [](void* data) { std::free(data); });
    py::array all(kind, {count}, {}, data_, owner);
    data_ = nullptr;
    used_ = room_ = 0;
    return all;
  }

 private:
  void resize(std::size_t room) {
    void* moved = std::realloc(data_, room);
    if (moved == nullptr) throw std::bad_alloc();
    data_ = static_cast<char*>(moved);
    room_ = room;
  }

  char* data_ = nullptr;
  std::size_t used_ = 0;
  std::size_t room_ = 0;
};

}  // namespace

void bind_text(py::module_& m) {
  m.def("parse_dense", &parse_dense);
  m.def("parse_sparse", &parse_sparse);
  py::class_<Growing>(m, "Growing")
      .def(py::init<>())
      .def("__len__", &Growing::size)
      .def("add", &Growing::add)
      .def("take", &Growing::take);
}
