// Draws for Python: perturbed tiles, and factors of arrays; squares of derivatives.
#include <pybind11/stl.h>

#include <optional>
#include <variant>
#include <vector>

#include "arrays.hpp"
#include "carbonflows/draws.hpp"
#include "carbonflows/spread.hpp"

using namespace bindings;

namespace {

// A number for each cell, as Python gives it; arrays are kept alive as long as this is.
struct NumbersGiven {
  double everywhere;
  Flat<std::int32_t> groups;
  Flat<double> by_group;
  std::optional<Vectors> dense;
  Flat<std::int64_t> row_starts;
  Flat<std::int64_t> columns;
  Flat<double> numbers;

  cf::CellNumbers view_of() const {
    cf::CellNumbers found;
    found.everywhere = everywhere;
    found.groups = view(groups);
    found.by_group = view(by_group);
    found.row_starts = view(row_starts);
    found.columns = view(columns);
    found.numbers = view(numbers);
    if (dense) {
      const auto size = static_cast<py::ssize_t>(sizeof(double));
      found.dense = dense->data();
      found.row_stride = dense->strides(0) / size;
      found.column_stride = dense->strides(1) / size;
    }
    return found;
  }
};

cf::Draw draw_of(std::uint64_t seed, std::uint32_t number, std::uint32_t source, int distribution,
                 std::uint16_t year, double correlation) {
  return {seed, number, source, static_cast<cf::Distribution>(distribution), year, correlation};
}

Flat<double> draw_cells(const Tiles<double>& tiles, Flat<float>& values, std::uint64_t seed,
                        std::uint32_t number, std::uint32_t source, int distribution,
                        const NumbersGiven& deviations, const Flat<std::int64_t>& rows,
                        const Flat<double>& outputs, const Flat<double>& rest, int threads,
                        const std::string& isa, std::uint16_t year, double correlation) {
  Flat<double> sums(tiles.matrix().size());
  const auto sum_span = change(sums);
  const auto value_span = change(values);
  const cf::CellNumbers numbers = deviations.view_of();
  {
    const py::gil_scoped_release release;
    cf::draw_cells(tiles.matrix(), draw_of(seed, number, source, distribution, year, correlation),
                   numbers, view(rows), view(outputs), view(rest), value_span, sum_span,
                   cf::draw_kernels(isa.c_str()), threads);
  }
  return sums;
}

Flat<double> move_cells(const Tiles<double>& tiles, Flat<float>& values, double size,
                        const NumbersGiven& loadings, const Flat<std::int64_t>& rows,
                        const Flat<double>& outputs, int threads) {
  Flat<double> sums(tiles.matrix().size());
  const auto sum_span = change(sums);
  const auto value_span = change(values);
  const cf::CellNumbers numbers = loadings.view_of();
  {
    const py::gil_scoped_release release;
    cf::move_cells(tiles.matrix(), size, numbers, view(rows), view(outputs), value_span, sum_span,
                   threads);
  }
  return sums;
}

void scale_rows(const Tiles<double>& tiles, Flat<float>& values, const Flat<double>& by,
                int threads) {
  const auto value_span = change(values);
  const py::gil_scoped_release release;
  cf::scale_rows(tiles.matrix(), view(by), value_span, threads);
}

Flat<double> draw_factors(std::uint64_t seed, std::uint32_t number, std::uint32_t source,
                          int distribution, const Flat<double>& deviations, const std::string& isa,
                          std::uint16_t year, double correlation) {
  Flat<double> factors(deviations.size());
  const auto out = change(factors);
  {
    const py::gil_scoped_release release;
    cf::draw_factors(draw_of(seed, number, source, distribution, year, correlation),
                     view(deviations), out, cf::draw_kernels(isa.c_str()));
  }
  return factors;
}

// A number for all cells, or an array with one for each of them.
using Given = std::variant<double, Flat<double>>;

cf::ArrayNumbers numbers_of(const Given& given) {
  const auto* dense = std::get_if<Flat<double>>(&given);
  return {dense == nullptr ? std::get<double>(given) : 0.0,
          dense == nullptr ? nullptr : dense->data()};
}

py::tuple draw_sums(std::uint64_t seed, std::uint32_t number, std::uint32_t source,
                    int distribution, const Flat<double>& cells, const Flat<std::int32_t>& codes,
                    std::int64_t groups, const Given& deviations, const Flat<double>& sizes,
                    const std::vector<Given>& loadings, int threads, const std::string& isa,
                    std::uint16_t year, double correlation) {
  Flat<double> own({cells.shape(0), static_cast<py::ssize_t>(groups)});
  Flat<double> together({cells.shape(0), static_cast<py::ssize_t>(groups)});
  std::vector<cf::ArrayNumbers> shared;
  for (const Given& one : loadings) shared.push_back(numbers_of(one));
  const cf::DrawnSums sums{groups, own.mutable_data(), together.mutable_data()};
  {
    const py::gil_scoped_release release;
    cf::draw_sums(draw_of(seed, number, source, distribution, year, correlation), view(cells),
                  view(codes), numbers_of(deviations), view(sizes), shared, sums,
                  cf::draw_kernels(isa.c_str()), threads);
  }
  return py::make_tuple(own, together);
}

Flat<double> row_spread(const Tiles<double>& tiles, const Flat<double>& left,
                        const Flat<double>& right, const Flat<double>& weight, int threads) {
  Flat<double> out(tiles.matrix().size());
  const auto to = change(out);
  {
    const py::gil_scoped_release release;
    cf::row_spread(tiles.matrix(), left.data(), right.data(), left.shape(1), view(weight), to,
                   threads);
  }
  return out;
}

}  // namespace

void bind_draws(py::module_& m) {
  m.def("row_spread", &row_spread, py::arg("tiles"), py::arg("left"), py::arg("right"),
        py::arg("weight"), py::arg("threads"));
  py::class_<NumbersGiven>(m, "CellNumbers")
      .def(py::init([](double everywhere, Flat<std::int32_t> groups, Flat<double> by_group,
                       std::optional<Vectors> dense, Flat<std::int64_t> row_starts,
                       Flat<std::int64_t> columns, Flat<double> numbers) {
             return NumbersGiven{everywhere,        std::move(groups),     std::move(by_group),
                                 std::move(dense),  std::move(row_starts), std::move(columns),
                                 std::move(numbers)};
           }),
           py::arg("everywhere"), py::arg("groups"), py::arg("by_group"), py::arg("dense"),
           py::arg("row_starts"), py::arg("columns"), py::arg("numbers"));
  m.def("draw_cells", &draw_cells, py::arg("tiles"), py::arg("values").noconvert(), py::arg("seed"),
        py::arg("number"), py::arg("source"), py::arg("distribution"), py::arg("deviations"),
        py::arg("rows"), py::arg("outputs"), py::arg("rest"), py::arg("threads"), py::arg("isa"),
        py::arg("year") = 0, py::arg("correlation") = 0.0);
  m.def("move_cells", &move_cells, py::arg("tiles"), py::arg("values").noconvert(), py::arg("size"),
        py::arg("loadings"), py::arg("rows"), py::arg("outputs"), py::arg("threads"));
  m.def("scale_rows", &scale_rows, py::arg("tiles"), py::arg("values").noconvert(), py::arg("by"),
        py::arg("threads"));
  m.def("draw_sums", &draw_sums, py::arg("seed"), py::arg("number"), py::arg("source"),
        py::arg("distribution"), py::arg("cells"), py::arg("codes"), py::arg("groups"),
        py::arg("deviations"), py::arg("sizes"), py::arg("loadings"), py::arg("threads"),
        py::arg("isa"), py::arg("year") = 0, py::arg("correlation") = 0.0);
  m.def("draw_factors", &draw_factors, py::arg("seed"), py::arg("number"), py::arg("source"),
        py::arg("distribution"), py::arg("deviations"), py::arg("isa"), py::arg("year") = 0,
        py::arg("correlation") = 0.0);
}
