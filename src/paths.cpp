// Structural paths for Python: one object with what holds for any demand, one call for a search.
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "arrays.hpp"
#include "carbonflows/paths.hpp"

using namespace bindings;

namespace {

struct ChainsOfTiles {
  Tiles<double> tiles;  // keeps alive what `chains` views
  std::unique_ptr<cf::Chains> chains;
};

ChainsOfTiles make_chains(const Tiles<double>& tiles, const Flat<double>& emissions,
                          const Flat<double>& multipliers, const Flat<std::uint8_t>& through,
                          std::int64_t most_stages, int threads, const std::string& isa) {
  const cf::Operator<double> op{tiles.matrix(), true, cf::Semiring::max_absolute, &kernels(isa)};
  const auto s = view(emissions);
  const auto m = view(multipliers);
  const auto set = view(through);
  const py::gil_scoped_release release;
  auto chains = std::make_unique<cf::Chains>(op, s, m, set, most_stages, threads, interrupt);
  const py::gil_scoped_acquire gil;
  return {tiles, std::move(chains)};
}

// Numbers of the core as an array that owns it.
template <class Number>
py::array_t<Number> array(cf::Owned<Number>&& column) {
  if (!column.data) return py::array_t<Number>(0);  // a capsule cannot hold nothing
  Number* data = column.data.release();
  const py::capsule owner(data, [](void* p) { delete[] static_cast<Number*>(p); });
  return py::array_t<Number>(static_cast<py::ssize_t>(column.size), data, owner);
}

py::tuple find(const ChainsOfTiles& self, const Flat<double>& demand, double threshold,
               std::int64_t most_paths, double target, std::int64_t most_found,
               std::int64_t most_nodes,
               const Flat<std::int64_t>& position, int threads) {
  const cf::PathQuery query{
      view(demand), threshold,
      most_paths < 0 ? std::numeric_limits<std::int64_t>::max() : most_paths, target,
      most_found, most_nodes};
  const auto positions = view(position);
  cf::PathsFound found;
  {
    const py::gil_scoped_release release;
    found = cf::find_paths(*self.chains, query, positions, threads, interrupt);
  }
  return py::make_tuple(found.outcome == cf::PathOutcome::complete, array(std::move(found.values)),
                        array(std::move(found.starts)), array(std::move(found.rows)),
                        py::array_t<double>(static_cast<py::ssize_t>(found.pruned.size()),
                                            found.pruned.data()),
                        found.nodes);
}

}  // namespace

void bind_paths(py::module_& m) {
  py::register_local_exception_translator([](std::exception_ptr error) {
    try {
      if (error) std::rethrow_exception(error);
    } catch (const std::domain_error& domain) {
      py::set_error(PyExc_ArithmeticError, domain.what());
    }
  });
  py::class_<ChainsOfTiles>(m, "Chains")
      .def(py::init(&make_chains), py::arg("tiles"), py::arg("emissions").noconvert(),
           py::arg("multipliers").noconvert(), py::arg("through").noconvert(),
           py::arg("most_stages"), py::arg("threads"), py::arg("isa"))
      .def_property_readonly("passes",
                             [](const ChainsOfTiles& self) { return self.chains->passes(); })
      .def("find", &find, py::arg("demand").noconvert(), py::arg("threshold"),
           py::arg("most_paths"), py::arg("target"), py::arg("most_found"), py::arg("most_nodes"),
           py::arg("position").noconvert(), py::arg("threads"));
}
