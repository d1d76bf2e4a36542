// Structural paths for Python: one object with what holds for any demand, one call for a search.
#include <limits>
#include <memory>
#include <stdexcept>
#include <vector>

#include "arrays.hpp"
#include "carbonflows/changes.hpp"
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
  const cf::Run run{threads, interrupt};
  auto chains = std::make_unique<cf::Chains>(op, s, m, set, most_stages, run);
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
               std::int64_t most_nodes, const Flat<std::int64_t>& position, int threads) {
  const cf::PathQuery query{view(demand),
                            threshold,
                            most_paths < 0 ? std::numeric_limits<std::int64_t>::max() : most_paths,
                            target,
                            most_found,
                            most_nodes};
  const auto positions = view(position);
  cf::PathsFound found;
  {
    const py::gil_scoped_release release;
    found = cf::find_paths(*self.chains, query, positions, {threads, interrupt});
  }
  return py::make_tuple(
      found.outcome == cf::PathOutcome::complete, array(std::move(found.values)),
      array(std::move(found.starts)), array(std::move(found.rows)),
      py::array_t<double>(static_cast<py::ssize_t>(found.pruned.size()), found.pruned.data()),
      found.nodes);
}

struct ChangesOfChains {
  py::object first, second;  // keep alive what `changes` views
  std::unique_ptr<cf::Changes> changes;
};

ChangesOfChains make_changes(const py::object& first, const py::object& second,
                             const Flat<double>& first_demand, const Flat<double>& second_demand,
                             bool one_sign, int threads) {
  const cf::Chains& before = *first.cast<const ChainsOfTiles&>().chains;
  const cf::Chains& after = *second.cast<const ChainsOfTiles&>().chains;
  const auto y0 = view(first_demand);
  const auto y1 = view(second_demand);
  std::unique_ptr<cf::Changes> changes;
  {
    const py::gil_scoped_release release;
    const cf::Run run{threads, interrupt};
    changes = std::make_unique<cf::Changes>(before, after, y0, y1, one_sign, run);
  }
  return {first, second, std::move(changes)};
}

py::tuple find_changes(const ChangesOfChains& self, double threshold, bool equal,
                       std::int64_t most_paths, std::int64_t most_found, std::int64_t most_nodes,
                       const Flat<std::int64_t>& position, int threads) {
  const auto positions = view(position);
  if (most_paths < 0) most_paths = std::numeric_limits<std::int64_t>::max();
  cf::ChangesFound found;
  {
    const py::gil_scoped_release release;
    found = self.changes->find(threshold, equal, most_paths, most_found, most_nodes, positions,
                               {threads, interrupt});
  }
  return py::make_tuple(
      found.outcome == cf::PathOutcome::complete, array(std::move(found.before)),
      array(std::move(found.after)), array(std::move(found.starts)), array(std::move(found.rows)),
      array(std::move(found.first)), array(std::move(found.second)),
      py::array_t<double>(static_cast<py::ssize_t>(found.pruned.size()), found.pruned.data()),
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
  py::class_<ChangesOfChains>(m, "Changes")
      .def(py::init(&make_changes), py::arg("first"), py::arg("second"),
           py::arg("first_demand").noconvert(), py::arg("second_demand").noconvert(),
           py::arg("one_sign"), py::arg("threads"))
      .def_property_readonly("largest",
                             [](const ChangesOfChains& self) { return self.changes->largest(); })
      .def("find", &find_changes, py::arg("threshold"), py::arg("equal"), py::arg("most_paths"),
           py::arg("most_found"), py::arg("most_nodes"), py::arg("position").noconvert(),
           py::arg("threads"));
}
