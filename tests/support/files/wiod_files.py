"""Made-up files of WIOD's two releases, for tests."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files.r_files import write_frames
from support.files.spreadsheets import write_workbook

from carbonflows_fast.table import Table

REGIONS = {2013: ["AUS", "ROM", "RoW"], 2016: ["AUS", "ROU", "ROW"]}
SECTORS = {2013: ["AtB", "15t16", "19"], 2016: ["A01", "C10-C12", "T"]}
CATEGORIES = {2013: ["c37", "c41", "c42"], 2016: ["CONS_h", "GFCF", "INVEN"]}
YEAR = {2013: 2009, 2016: 2014}
TOTAL = {
    2013: ("", "Total intermediate", "TOT", "r60"),
    2016: ("II_fob", "", "TOT", 65),
}
OUTPUT = {2013: ("", "Output at basic prices", "", "r69"), 2016: ("GO", "Output", "TOT", 73)}
INPUTS = {
    2013: [("", "Value added at basic prices", "", "r64"), ("", "Margins", "", "")],
    2016: [("TXSP", "Taxes", "TOT", 66), ("VA", "Value added", "TOT", 70)],
}
STRESSORS = {"AIR": ["CO2", "CH4"], "LAN": ["Arable", "Total"], "EM": ["CO2", "COAL"]}
Cells = list[list[Any]]
Change = Callable[[Cells], None]


class Made:
    """A release's files with random numbers of nine digits, as openpyxl keeps them."""

    def __init__(self, release: int) -> None:
        self.rng = np.random.default_rng(release)
        self.release, self.year = release, YEAR[release]
        self.regions, self.sectors = REGIONS[release], SECTORS[release]
        self.categories = CATEGORIES[release]
        n, m = 9, 9
        self.Z, self.Y = self.numbers(n, n), (self.numbers(n, m) - 2).round(8)
        self.F, self.F_Y, self.x = self.numbers(2, n), self.numbers(2, m), self.numbers(n)
        self.rows = [(r, s) for r in self.regions for s in self.sectors]
        self.demand = [(r, c) for r in self.regions for c in self.categories]

    def numbers(self, *shape: int) -> Any:
        """Some are whole, and some zero."""
        values = self.rng.uniform(0, 9, shape).round(8)
        return np.where(self.rng.random(shape) < 0.3, values.round(), values)

    @property
    def name(self) -> str:
        short = f"{self.year}"[2:]
        return {2013: f"wiot{short}_row_Sep12.xlsx", 2016: f"WIOT{self.year}_Nov16_ROW.xlsb"}[
            self.release
        ]

    def sheet(self) -> Cells:
        old = self.release == 2013
        codes = [19 if s == "19" else s for s in self.sectors]  # Excel keeps it as a number
        c = [f"c{k}" for k in range(1, 4)]
        columns = [(s, "a name", r, k) for r in self.regions for s, k in zip(codes, c, strict=True)]
        sectors = list(columns)
        columns += [("" if old else k, "", r, k if old else "c57") for r, k in self.demand]
        columns += [("", "Total output", "", "") if old else ("GO", "Total output", "TOT", "c62")]
        top = [
            [f"World Input-Output Table for {self.year}"],
            ["43 countries, in current prices"],
            *[["", "", "", "", *level] for level in zip(*columns, strict=True)],
        ]
        top[2][0], top[3][0] = "(industry-by-industry)", "(millions of US$)"
        zero = [0.0] * 9
        body = [
            [*label, *z, *y, x]
            for label, z, y, x in zip(sectors, self.Z, self.Y, self.x, strict=True)
        ]
        below = [[*TOTAL[self.release], *self.Z.sum(axis=0).round(6), *zero, ""]]
        below += [
            [*label, *f, *f_y, ""]
            for label, f, f_y in zip(INPUTS[self.release], self.F, self.F_Y, strict=True)
        ]
        below += [[*OUTPUT[self.release], *self.x, *[""] * 10]]
        return [[v if v != "" else None for v in row] for row in (*top, *body, *below)]

    def write(self, folder: Path, name: str = "", change: Change | None = None) -> Path:
        cells = self.sheet()
        if change is not None:
            change(cells)
        cells = [[float(v) if isinstance(v, np.floating) else v for v in row] for row in cells]
        sheet = f"WIOT_{self.year}" if self.release == 2013 else str(self.year)
        return write_workbook(folder / (name or self.name), {sheet: cells})

    def frame(self) -> pd.DataFrame:
        """The data frame of R: columns by number, and the rows below with TOT as country."""
        numbers = {c: k for k, c in zip((57, 60, 61), self.categories, strict=True)}
        columns = [f"{r}{self.sectors.index(s) + 1}" for r, s in self.rows]
        columns += [f"{r}{numbers[c]}" for r, c in self.demand] + ["TOT"]
        sheet = self.sheet()
        labels = [[*row[:3], self.sectors.index(row[0]) + 1] for row in sheet[6:15]]
        labels += [[row[0], row[1], "TOT", 65 + at] for at, row in enumerate(sheet[15:])]
        values = np.array([row[4:] for row in sheet[6:]], dtype=float)  # None becomes NaN
        frame = pd.DataFrame(values, columns=columns)
        named = ["IndustryCode", "IndustryDescription", "Country"]
        left = pd.DataFrame([label[:3] for label in labels], columns=named).fillna("").astype(str)
        left["RNr"] = [float(label[3]) for label in labels]
        left["Year"] = float(self.year)
        return pd.concat([left, frame], axis=1)

    def write_rdata(self, folder: Path, frame: pd.DataFrame | None = None) -> Path:
        """Write it as R's `save` does; skip a test where it cannot be read."""
        pytest.importorskip("rdata")
        path = folder / f"WIOT{self.year}_October16_ROW.RData"
        return write_frames(path, {"wiot": self.frame() if frame is None else frame})

    def check(self, table: Table) -> None:
        assert list(table.x.index) == self.rows
        assert list(table.demand) == self.demand
        assert table.year == self.year
        np.testing.assert_array_equal(table.Z.toarray(), self.Z)
        np.testing.assert_array_equal(table.Y, self.Y)
        np.testing.assert_array_equal(table.x, self.x)
        np.testing.assert_array_equal(table.F.to_numpy()[:2], self.F)
        np.testing.assert_array_equal(table.F_Y.to_numpy()[:2], self.F_Y)
        names = [label[1 if self.release == 2013 else 0] for label in INPUTS[self.release]]
        assert table.stressors[:2] == tuple(names)
        assert set(table.stressor_units[:2]) == {"million USD"}


class Accounts:
    """Accounts of release 2013: AIR and EM with names of sectors, lan in xls with its unit."""

    def __init__(self, made: Made, kinds: tuple[str, ...] = ("AIR", "EM", "LAN")) -> None:
        self.made, self.kinds = made, kinds
        self.F = {kind: made.numbers(2, 9) for kind in kinds}
        self.F_Y = {kind: made.numbers(2, 3) for kind in kinds}  # of households

    def sheet(self, kind: str, region: int) -> Cells:
        left = [] if kind == "LAN" else [None]
        rows: Cells = [[*left, "1000 ha" if kind == "LAN" else None, *STRESSORS[kind]]]
        part = self.F[kind][:, 3 * region : 3 * region + 3].T.tolist()
        for sector, numbers in zip(self.made.sectors, part, strict=True):
            rows.append([*left, f"sec{sector}", *numbers])
        rows += [[*left, "secQ", 0, None], [*left, "secTOT", 5, 6], [None]]
        rows += [[*left, "FC_HH", *self.F_Y[kind][:, region].tolist()], [None]]
        return [*rows, [*left, "total", 1, 2]]

    def write(self, folder: Path, *, zipped: bool = False, year: str = "2009") -> None:
        for kind in self.kinds:
            home = folder / f"{kind}_may12"
            for region, code in enumerate(["AUS", "ROU", "ROW"]):
                sheets = {"1995": [[None]], year: self.sheet(kind, region)}
                ending = "xls" if kind == "LAN" else "xlsx"
                write_workbook(home / f"{code}_{kind}_May12.{ending}", sheets)
            if zipped:
                with zipfile.ZipFile(folder / f"{kind}_may12.zip", "w") as archive:
                    for path in sorted(home.iterdir()):
                        archive.write(path, path.name)
                shutil.rmtree(home)


def put(row: int, column: int, value: object) -> Change:
    """Return what replaces a cell."""

    def change(cells: Cells) -> None:
        cells[row][column] = value

    return change
