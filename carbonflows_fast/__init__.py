"""Carbon embodied in trade, from multi-regional input-output tables.

    table → leontief → supply_use → readers · synthetic → store → accounting
          → pymrio_bridge · checks → trade → linkages → uncertainties → paths → sectors
          → viewpoints → prices → spending → shocks → decomposition → panel → exchange
          → figures → reporting → cli

`Table` is data; every question is a function of a table. Start with
``cf.read("IOT_2019_pxp.zip")`` or ``cf.synthetic.world()``, then ``cf.accounts(table, "CO2")``
or ``cf.flows(table, "CO2")``.
"""

TYPE_CHECKING = False  # what type checkers take for True, without loading `typing`
if TYPE_CHECKING:
    from carbonflows_fast import figures, synthetic
    from carbonflows_fast._base.machine import build_info
    from carbonflows_fast.accounting import Footprints, accounts, footprints, multipliers
    from carbonflows_fast.checks import CheckReport, check, repair
    from carbonflows_fast.decomposition import (
        Decomposition,
        PathChanges,
        decompose_years,
        structural_decomposition,
        structural_path_decomposition,
    )
    from carbonflows_fast.errors import (
        CarbonFlowsError,
        ConvergenceError,
        FormatError,
        InputError,
        LabelError,
        MemoryLimitError,
        NotProductiveError,
        PanelError,
        StoreError,
    )
    from carbonflows_fast.exchange import to_datapackage, to_xarray
    from carbonflows_fast.leontief import LeontiefSystem, Solution, SolveReport, system
    from carbonflows_fast.linkages import (
        elasticities,
        production_layers,
        sector_betweenness,
        transaction_betweenness,
    )
    from carbonflows_fast.panel import Panel
    from carbonflows_fast.paths import Paths, structural_paths
    from carbonflows_fast.prices import PriceEffects, carbon_price
    from carbonflows_fast.pymrio_bridge import calc_all, from_pymrio, to_pymrio
    from carbonflows_fast.readers import from_mario, read, write_exiobase
    from carbonflows_fast.reporting import report
    from carbonflows_fast.sectors import SectorStudy, sector_study
    from carbonflows_fast.shocks import extraction, scenario, with_capital
    from carbonflows_fast.spending import Purchases, factors, margins, purchases
    from carbonflows_fast.store import open, save
    from carbonflows_fast.supply_use import from_supply_use
    from carbonflows_fast.table import Table, national
    from carbonflows_fast.trade import Flows, flows
    from carbonflows_fast.uncertainties import (
        BySize,
        Difference,
        Draws,
        Errors,
        SharedError,
        Uncertainty,
        difference,
        uncertainty,
    )
    from carbonflows_fast.viewpoints import enabled, responsibility, with_value_added

    __version__: str

__all__ = [
    "BySize",
    "CarbonFlowsError",
    "CheckReport",
    "ConvergenceError",
    "Decomposition",
    "Difference",
    "Draws",
    "Errors",
    "Flows",
    "Footprints",
    "FormatError",
    "InputError",
    "LabelError",
    "LeontiefSystem",
    "MemoryLimitError",
    "NotProductiveError",
    "Panel",
    "PanelError",
    "PathChanges",
    "Paths",
    "PriceEffects",
    "Purchases",
    "SectorStudy",
    "SharedError",
    "Solution",
    "SolveReport",
    "StoreError",
    "Table",
    "Uncertainty",
    "__version__",
    "accounts",
    "build_info",
    "calc_all",
    "carbon_price",
    "check",
    "decompose_years",
    "difference",
    "elasticities",
    "enabled",
    "extraction",
    "factors",
    "figures",
    "flows",
    "footprints",
    "from_mario",
    "from_pymrio",
    "from_supply_use",
    "margins",
    "multipliers",
    "national",
    "open",
    "production_layers",
    "purchases",
    "read",
    "repair",
    "report",
    "responsibility",
    "save",
    "scenario",
    "sector_betweenness",
    "sector_study",
    "structural_decomposition",
    "structural_path_decomposition",
    "structural_paths",
    "synthetic",
    "system",
    "to_datapackage",
    "to_pymrio",
    "to_xarray",
    "transaction_betweenness",
    "uncertainty",
    "with_capital",
    "with_value_added",
    "write_exiobase",
]

_HOMES = {
    "_base.machine": "build_info",
    "accounting": "Footprints accounts footprints multipliers",
    "checks": "CheckReport check repair",
    "decomposition": "decompose_years Decomposition structural_decomposition "
    "PathChanges structural_path_decomposition",
    "errors": "CarbonFlowsError ConvergenceError FormatError InputError "
    "LabelError MemoryLimitError NotProductiveError PanelError StoreError",
    "exchange": "to_datapackage to_xarray",
    "leontief": "LeontiefSystem Solution SolveReport system",
    "linkages": "elasticities production_layers sector_betweenness transaction_betweenness",
    "panel": "Panel",
    "paths": "Paths structural_paths",
    "prices": "PriceEffects carbon_price",
    "pymrio_bridge": "calc_all from_pymrio to_pymrio",
    "readers": "from_mario read write_exiobase",
    "reporting": "report",
    "sectors": "SectorStudy sector_study",
    "spending": "Purchases factors margins purchases",
    "shocks": "extraction scenario with_capital",
    "store": "open save",
    "supply_use": "from_supply_use",
    "table": "Table national",
    "trade": "Flows flows",
    "uncertainties": "BySize Difference Draws Errors SharedError Uncertainty "
    "difference uncertainty",
    "viewpoints": "enabled responsibility with_value_added",
}
"""Where each public name is defined. It is loaded when it is first asked for, so that importing the
package takes no time, and the command line can listen for Ctrl-C before anything else is loaded."""

_MODULE_OF = {name: module for module, names in _HOMES.items() for name in names.split()}


if not TYPE_CHECKING:  # type checkers would accept any name

    def __getattr__(name):
        if name.startswith("_") and name not in ("_core", "__version__"):  # a module, or nothing
            raise AttributeError(f"module 'carbonflows_fast' has no attribute {name!r}")

        from importlib import import_module

        if name == "_core":
            try:
                return import_module("carbonflows_fast._core")
            except ImportError as error:
                raise ImportError(
                    f"the compiled core of carbonflows_fast cannot be loaded ({error}); if this is "
                    "the source folder, install it with `pip install -e .`, or run Python from "
                    "another folder"
                ) from error
        if name == "__version__":
            found = __getattr__("_core").version
        elif name in _MODULE_OF:
            found = getattr(import_module(f"carbonflows_fast.{_MODULE_OF[name]}"), name)
        else:
            whole = f"carbonflows_fast.{name}"
            try:
                found = import_module(whole)
            except ModuleNotFoundError as error:
                if error.name != whole:
                    raise
                missing = f"module 'carbonflows_fast' has no attribute {name!r}"
                raise AttributeError(missing) from None
        globals()[name] = found
        return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
