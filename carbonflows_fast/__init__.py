"""Carbon embodied in trade, from multi-regional input-output tables.

    table → readers · synthetic → leontief → store → checks → accounting → trade → paths
          → sectors → decomposition → panel → figures → reporting

`Table` is data; every question is a function of a table. Start with
``cf.read("IOT_2019_pxp.zip")`` or ``cf.synthetic.world()``, then ``cf.accounts(table, "CO2")``
or ``cf.flows(table, "CO2")``.
"""

from __future__ import annotations

try:
    from carbonflows_fast import _core
except ImportError as error:  # pragma: no cover - only in a source tree without a build
    raise ImportError(
        f"the compiled core of carbonflows_fast cannot be loaded ({error}); if this is the source "
        "folder, install it with `pip install -e .`, or run Python from another folder"
    ) from error

from carbonflows_fast import figures, synthetic
from carbonflows_fast._chained import decompose_years
from carbonflows_fast._machine import build_info
from carbonflows_fast.accounting import Footprints, accounts, footprints, multipliers
from carbonflows_fast.checks import CheckReport, check
from carbonflows_fast.decomposition import (
    Decomposition,
    structural_decomposition,
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
from carbonflows_fast.leontief import LeontiefSystem, Solution, SolveReport, system
from carbonflows_fast.linkages import (
    elasticities,
    production_layers,
    sector_betweenness,
    transaction_betweenness,
)
from carbonflows_fast.panel import Panel
from carbonflows_fast.path_decomposition import PathChanges, structural_path_decomposition
from carbonflows_fast.paths import Paths, structural_paths
from carbonflows_fast.pymrio_accounts import calc_all
from carbonflows_fast.pymrio_bridge import from_pymrio, to_pymrio
from carbonflows_fast.readers import read, write_exiobase
from carbonflows_fast.repairs import repair
from carbonflows_fast.reporting import report
from carbonflows_fast.sectors import SectorStudy, sector_study
from carbonflows_fast.store import open, save
from carbonflows_fast.table import Table
from carbonflows_fast.trade import Flows, flows

__version__ = _core.version

__all__ = [
    "CarbonFlowsError",
    "CheckReport",
    "ConvergenceError",
    "Decomposition",
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
    "SectorStudy",
    "Solution",
    "SolveReport",
    "StoreError",
    "Table",
    "__version__",
    "accounts",
    "build_info",
    "calc_all",
    "check",
    "decompose_years",
    "elasticities",
    "figures",
    "flows",
    "footprints",
    "from_pymrio",
    "multipliers",
    "open",
    "production_layers",
    "read",
    "repair",
    "report",
    "save",
    "sector_betweenness",
    "sector_study",
    "structural_decomposition",
    "structural_path_decomposition",
    "structural_paths",
    "synthetic",
    "system",
    "to_pymrio",
    "transaction_betweenness",
    "write_exiobase",
]
