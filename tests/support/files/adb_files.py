"""Made-up workbooks of the ADB's MRIO, for tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from support.files.spreadsheets import write_workbook

from carbonflows_fast.table import Table

REGIONS = ["AUS", "RoW"]
SECTORS = ["Agriculture, hunting, forestry, and fishing", "Mining and quarrying", "Food"]
CATEGORIES = ["Households", "NPISHs", "Government", "Gross fixed capital", "Inventories"]
INPUTS = [("Taxes less subsidies on products", "r99"), ("Value added at basic prices", "r64")]
NAME = "ADB-MRIO-2024-August 2025.xlsx"
AIR, AIR_UNIT = (
    "2024 EE-MRIOT (Air Emissions).xlsx",
    "Gigagrams of Carbon Dioxide equivalent (Gg of CO2e)",
)
AIR_ROWS = [
    ("Energy production", "CO2"),
    ("Energy production", "CH4"),
    ("Road transport", "CO2"),
    ("Total by substance", "GHG"),
]
Cells = list[list[Any]]


class Made:
    """A table of random numbers, as the ADB lays it out; `older` has one more line of codes."""

    def __init__(self, older: bool = False) -> None:
        rng = np.random.default_rng(8)
        self.older = older
        self.rows = [(r, s) for r in REGIONS for s in SECTORS]
        self.demand = [(r, c) for r in REGIONS for c in CATEGORIES]
        n, m = len(self.rows), len(self.demand)
        self.Z, self.Y = rng.uniform(0, 9, (n, n)).round(8), rng.uniform(-1, 9, (n, m)).round(8)
        self.F, self.F_Y = rng.uniform(0, 9, (2, n)).round(8), rng.uniform(0, 9, (2, m)).round(8)
        self.x = (self.Z.sum(axis=1) + self.Y.sum(axis=1)).round(8)

    @property
    def first(self) -> int:
        """The row of the first number, counted from 0; its column is E."""
        return 8 if self.older else 7

    def sheet(self) -> Cells:
        codes = [f"c{SECTORS.index(s) + 1}" for _, s in self.rows]
        codes += [f"F{CATEGORIES.index(c) + 1}" for _, c in self.demand]
        both = [*self.rows, *self.demand]
        top: Cells = [["Multiregional Input-Output Table 2024"], ["3 economies, current prices"]]
        top += [["In millions of US$"], [None]]
        top += [[None] * 4 + [f"{at:04}" for at in range(len(both))]] if self.older else []
        top += [[None] * 4 + [name for _, name in both] + ["TOTAL"]]
        top += [[None] * 4 + [region for region, _ in both] + ["ToT"]]
        top += [[None] * 4 + codes + [None]]
        body = [
            [None, f"{s} ", r, codes[at], *self.Z[at], *self.Y[at], self.x[at]]
            for at, (r, s) in enumerate(self.rows)
        ]
        body.append([None, "Intermediate input total", "ToT", "r60", *self.Z.sum(axis=0)])
        for at, (name, code) in enumerate(INPUTS):
            body.append([None, name, "ToT", code, *self.F[at], *self.F_Y[at]])
        body.append([None, "Total output", "ToT", "r69", *self.x])
        return [*top, *([float(v) if isinstance(v, np.floating) else v for v in r] for r in body)]

    def write(
        self, folder: Path, name: str = NAME, change: Callable[[Cells], None] | None = None
    ) -> Path:
        cells = self.sheet()
        if change is not None:
            change(cells)
        legend = [["Code", "Country"], ["AUS", "Australia"]]
        return write_workbook(folder / name, {"Legend": legend, "ADB MRIO 2024": cells})

    def write_air(
        self,
        folder: Path,
        change: Callable[[Cells], None] | None = None,
        regions: list[str] | None = None,
    ) -> Path:
        """Write air emissions: two gases of two activities, and totals."""
        return write_workbook(
            folder / AIR, {"2024": self.air_sheet(change, regions), "Notes": [["Notes"]]}
        )

    def air_sheet(
        self, change: Callable[[Cells], None] | None = None, regions: list[str] | None = None
    ) -> Cells:
        every = regions or REGIONS
        columns = [(r, s, f"c{at + 1}") for r in every for at, s in enumerate(SECTORS)]
        columns += [(r, c, f"F{at + 1}") for r in every for at, c in enumerate(CATEGORIES)]
        head = "Environmentally-Extended Multiregional Input-Output Table (Air Emissions)"
        cells: Cells = [["Title:", head], ["Year:", 2024], ["Unit:", AIR_UNIT], [None]]
        cells.append(["Main IPCC Sector", "GHG Sector", None, *(s for _, s, _ in columns), "TOTAL"])
        cells.append([None] * 3 + [region for region, _, _ in columns])
        cells.append([None] * 3 + [code for _, _, code in columns])
        values = self.air(len(columns))
        for (activity, gas), row in zip(AIR_ROWS, values.tolist(), strict=True):
            cells.append([activity, gas, None, *row, sum(row)])
        if change is not None:
            change(cells)
        return cells

    @staticmethod
    def air(width: int) -> Any:
        values = np.random.default_rng(4).uniform(0, 9, (len(AIR_ROWS), width)).round(6)
        values[-1] = values[:-1].sum(axis=0)
        return values.round(6)

    def check(self, table: Table) -> None:
        assert list(table.x.index) == self.rows
        assert list(table.demand) == self.demand
        assert table.year == 2024
        np.testing.assert_array_equal(table.Z.toarray(), self.Z)
        np.testing.assert_array_equal(table.Y, self.Y)
        np.testing.assert_array_equal(table.x, self.x)
        np.testing.assert_array_equal(table.F, self.F)
        np.testing.assert_array_equal(table.F_Y, self.F_Y)
        assert table.stressors == tuple(name for name, _ in INPUTS)
        assert set(table.stressor_units) == {"million USD"}
