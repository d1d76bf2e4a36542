// The Python face of the core: arrays become spans, the GIL is released, errors are translated.
// Checks and defaults are the business of carbonflows_fast; every array is taken as it is.
#include <pybind11/stl.h>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>

#include "arrays.hpp"
#include "carbonflows/threads.hpp"

using namespace bindings;

namespace {

template <class Number, class Array>
cf::Columns<Number> columns(Array& array, Number* data) {
  const auto size = static_cast<py::ssize_t>(sizeof(double));
  return {data, array.shape(0), array.shape(1), array.strides(0) / size, array.strides(1) / size};
}

// ---- the matrix ---------------------------------------------------------------------------------

template <class Value, class Index>
Tiles<Value> build(const cf::Source<Index>& source, const Flat<std::int64_t>& starts, int threads) {
  const auto blocks = starts.size() - 1;
  Flat<std::int64_t> table({blocks, blocks, py::ssize_t{4}});
  const std::span<cf::TileEntry> rows{reinterpret_cast<cf::TileEntry*>(table.mutable_data()),
                                      static_cast<std::size_t>(blocks * blocks)};
  cf::TileTotals totals{};
  {
    const py::gil_scoped_release release;
    totals = cf::plan_tiles(source, view(starts), rows, threads);
  }
  Flat<std::uint16_t> masks(totals.masks);
  Flat<Value> values(totals.values);
  const auto mask_span = change(masks);
  const auto value_span = change(values);
  {
    const py::gil_scoped_release release;
    cf::fill_tiles(source, view(starts), std::span<const cf::TileEntry>(rows), mask_span,
                   value_span, threads);
  }
  return {starts, table, masks, values};
}

template <class Value, class Index>
Tiles<Value> from_sparse(const Flat<Index>& line_starts, const Flat<Index>& positions,
                         const Flat<double>& values, bool by_column,
                         const Flat<std::int64_t>& starts,
                         const std::optional<Flat<double>>& divisor, int threads) {
  const cf::Source<Index> source{line_starts.size() - 1,
                                 by_column,
                                 line_starts.data(),
                                 positions.data(),
                                 values.data(),
                                 0,
                                 divisor ? divisor->data() : nullptr};
  return build<Value>(source, starts, threads);
}

template <class Value>
Tiles<Value> from_dense(const Vectors& array, const Flat<std::int64_t>& starts,
                        const std::optional<Flat<double>>& divisor, int threads) {
  const auto size = static_cast<py::ssize_t>(sizeof(double));
  const bool by_column = array.strides(1) != size;
  const cf::Source<std::int64_t> source{array.shape(0),
                                        by_column,
                                        nullptr,
                                        nullptr,
                                        array.data(),
                                        array.strides(by_column ? 1 : 0) / size,
                                        divisor ? divisor->data() : nullptr};
  return build<Value>(source, starts, threads);
}

template <class Value>
py::tuple to_csr(const Tiles<Value>& tiles, int threads) {
  const cf::TiledMatrix<Value> matrix = tiles.matrix();
  Flat<std::int64_t> row_starts(matrix.size() + 1);
  std::int64_t* first = row_starts.mutable_data();
  const std::span<std::int64_t> counts{first + 1, static_cast<std::size_t>(matrix.size())};
  first[0] = 0;
  {
    const py::gil_scoped_release release;
    matrix.row_counts(counts, threads);
    for (std::int64_t i = 0; i < matrix.size(); ++i) first[i + 1] += first[i];
  }
  Flat<std::int64_t> positions(first[matrix.size()]);
  Flat<double> values(first[matrix.size()]);
  const auto position_span = change(positions);
  const auto value_span = change(values);
  {
    const py::gil_scoped_release release;
    matrix.unpack_rows(view(row_starts), position_span, value_span, threads);
  }
  return py::make_tuple(row_starts, positions, values);
}

template <class Value>
void to_dense(const Tiles<Value>& tiles, bool absolute, py::array_t<Value, 0>& out, int threads) {
  const std::span<Value> dense{out.mutable_data(), static_cast<std::size_t>(out.size())};
  const py::gil_scoped_release release;
  tiles.matrix().unpack_negated(absolute, dense, threads);
}

template <class Value>
Tiles<Value> scaled(const Tiles<Value>& tiles, const Flat<double>& left, const Flat<double>& right,
                    int threads) {
  Flat<Value> values(tiles.values.size());
  const auto value_span = change(values);
  {
    const py::gil_scoped_release release;
    tiles.matrix().scale(view(left), view(right), value_span, threads);
  }
  return {tiles.starts, tiles.entry_table, tiles.masks, values};
}

template <class Value>
Flat<double> row_group_sums(const Tiles<Value>& tiles, const Flat<std::int32_t>& codes,
                            std::int64_t groups, int threads) {
  Flat<double> sums(groups * tiles.matrix().size());
  const auto out = change(sums);
  {
    const py::gil_scoped_release release;
    tiles.matrix().sum_row_groups(view(codes), out, threads);
  }
  return sums;
}

template <class Value>
bool masks_fit(const Tiles<Value>& tiles, int threads) {
  const py::gil_scoped_release release;
  return tiles.matrix().masks_fit(threads);
}

template <class Value>
double lowest(const Tiles<Value>& tiles, int threads) {
  const py::gil_scoped_release release;
  return tiles.matrix().lowest(threads);
}

// ---- passes and solves --------------------------------------------------------------------------

// B in one precision, of tiles in the same or in the other one.
template <class Value, class Stored>
cf::Operator<Value> operation(const Tiles<Stored>& tiles, bool adjoint, int semiring,
                              const std::string& isa) {
  const cf::TiledMatrix<Stored> stored = tiles.matrix();
  cf::Operator<Value> op{{stored.starts, stored.entries, stored.masks, {}},
                         adjoint,
                         static_cast<cf::Semiring>(semiring),
                         &kernels(isa)};
  if constexpr (std::is_same_v<Value, Stored>) {
    op.matrix = stored;
  } else {
    op.other = stored.values;
  }
  return op;
}

template <class Value>
void product(const Tiles<Value>& tiles, const Vectors& x, Vectors& out, bool adjoint, int semiring,
             int threads, const std::string& isa, bool squared) {
  auto op = operation<double>(tiles, adjoint, semiring, isa);
  op.squared = squared;
  const auto from = columns<const double>(x, x.data());
  const auto to = columns<double>(out, out.mutable_data());
  const py::gil_scoped_release release;
  op.product(from, to, {threads, interrupt});
}

template <class Value>
py::tuple factor(const Tiles<Value>& tiles, bool absolute, int threads, const std::string& isa) {
  const cf::TiledMatrix<Value> matrix = tiles.matrix();
  Flat<double> values(cf::factor_starts(matrix.starts).back());
  Flat<std::int32_t> pivots(matrix.size());
  const auto value_span = change(values);
  const auto pivot_span = change(pivots);
  const cf::Kernels& chosen = kernels(isa);
  std::int64_t failed = -1;
  {
    const py::gil_scoped_release release;
    failed = cf::factor_blocks(matrix, absolute, chosen, value_span, pivot_span, threads);
  }
  return py::make_tuple(values, pivots, failed);
}

template <class Value, class Stored>
int solve(const Tiles<Stored>& tiles, const Flat<Value>& factors, const Flat<std::int32_t>& pivots,
          const Vectors& y, Vectors& x, std::int64_t shared, bool start_is_zero,
          const Flat<double>& residual_weight, const Flat<double>& value_weight, double goal,
          int sweeps, bool adjoint, bool absolute, int threads, const std::string& isa) {
  const auto semiring = absolute ? cf::Semiring::sum_absolute : cf::Semiring::sum;
  const auto op = operation<Value>(tiles, adjoint, static_cast<int>(semiring), isa);
  const cf::System<Value> system{op,
                                 {view(factors), view(pivots)},
                                 columns<const double>(y, y.data()),
                                 columns<double>(x, x.mutable_data()),
                                 start_is_zero,
                                 {view(residual_weight), view(value_weight), goal, sweeps}};
  const py::gil_scoped_release release;
  const cf::Run run{threads, interrupt};
  if (shared > 1) return system.block_gmres(run, std::min(shared, cf::most_columns));
  return shared == 1 ? system.gmres(run) : system.gauss_seidel(run);
}

// Solve on tiles in one precision with vectors and factors in another.
template <class Value, class Stored>
void bind_solve(py::class_<Tiles<Stored>>& tiles) {
  tiles.def("solve", &solve<Value, Stored>, py::arg("factors").noconvert(), py::arg("pivots"),
            py::arg("y"), py::arg("x").noconvert(), py::arg("shared"), py::arg("start_is_zero"),
            py::arg("residual_weight"), py::arg("value_weight"), py::arg("goal"), py::arg("sweeps"),
            py::arg("adjoint"), py::arg("absolute"), py::arg("threads"), py::arg("isa"));
}

template <class Value>
py::class_<Tiles<Value>> bind(py::module_& m, const char* name) {
  using T = Tiles<Value>;
  py::class_<T> tiles(m, name);
  tiles
      .def(py::init([](Flat<std::int64_t> starts, Flat<std::int64_t> table,
                       Flat<std::uint16_t> masks, Flat<Value> values) {
             return T{std::move(starts), std::move(table), std::move(masks), std::move(values)};
           }),
           py::arg("starts").noconvert(), py::arg("entries").noconvert(),
           py::arg("masks").noconvert(), py::arg("values").noconvert())
      .def_static("from_csr32", &from_sparse<Value, std::int32_t>)
      .def_static("from_csr64", &from_sparse<Value, std::int64_t>)
      .def_static("from_dense", &from_dense<Value>)
      .def_readonly("starts", &T::starts)
      .def_readonly("entries", &T::entry_table)
      .def_readonly("masks", &T::masks)
      .def_readonly("values", &T::values)
      .def("to_csr", &to_csr<Value>)
      .def("to_dense", &to_dense<Value>, py::arg("absolute"), py::arg("out").noconvert(),
           py::arg("threads"))
      .def("lowest", &lowest<Value>)
      .def("masks_fit", &masks_fit<Value>)
      .def("scaled", &scaled<Value>)
      .def("row_group_sums", &row_group_sums<Value>)
      .def("product", &product<Value>, py::arg("x"), py::arg("out").noconvert(), py::arg("adjoint"),
           py::arg("semiring"), py::arg("threads"), py::arg("isa"), py::arg("squared") = false)
      .def("factor", &factor<Value>, py::arg("absolute"), py::arg("threads"), py::arg("isa"));
  bind_solve<Value, Value>(tiles);
  return tiles;
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "The compiled core of carbonflows_fast; see _core.pyi.";
  m.attr("version") = CARBONFLOWS_VERSION;
#if defined(__clang__)
  m.attr("compiler") = "clang " __clang_version__;
#elif defined(__GNUC__)
  m.attr("compiler") = "g++ " __VERSION__;
#elif defined(_MSC_VER)
  m.attr("compiler") = "MSVC " + std::to_string(_MSC_VER);
#else
  m.attr("compiler") = "unknown";
#endif
  m.attr("max_block") = cf::max_block;
  m.def("kernel_name", [](const std::string& wanted) -> std::optional<std::string> {
    const cf::Kernels* found = cf::find_kernels(wanted.c_str());
    if (found == nullptr) return std::nullopt;
    return found->name;
  });
  auto tiles = bind<double>(m, "Tiles");
  bind_solve<float, double>(tiles);
  bind<float>(m, "Tiles32");
  bind_draws(m);
  bind_paths(m);
  bind_text(m);
}
