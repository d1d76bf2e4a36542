"""Eora26 and full Eora in their layouts, written by code."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from carbonflows_fast.table import Table

CATEGORIES = ["Household final consumption P.3h", "Changes in inventories P.52"]

INPUTS = ["Compensation of employees D.1", "Subsidies on production D.39"]

GROUPS = [
    ("Energy Usage (TJ)", "Natural Gas"),
    ("I-GHG-CO2 emissions (Gg)", "Transport, other"),
    ("Total CO2 emissions (Gg) from EDGAR", "Total"),
    ("Indicators", "PRIMAP|KYOTOGHGAR4|TOTAL|GgCO2eq"),
    ("I-GHG-CO2 emissions (Gg)", "Memo item"),
    ("Threatened species", "Plants"),
    ("I-GHG-CO2 emissions (Gg)", "Memo item"),
]

UNITS = ["TJ", "Gg", "Gg", "GgCO2eq", "Gg", "", "Gg"]

USD = "thousand USD"

# GBR has Wheat among industries and commodities, CHL has Seafood twice.
ROWS = [
    ("AUS", "Industries", "Wheat"), ("AUS", "Industries", "Hotels and Restraurants"),
    ("GBR", "Industries", "Wheat"), ("GBR", "Industries", 'Coal, "hard"'),
    ("GBR", "Commodities", "Wheat"), ("CHL", "Commodities", "Seafood"),
    ("CHL", "Commodities", "Seafood"), ("ROW", "Industries", "TOTAL"),
]  # fmt: skip

SECTORS = [
    "Wheat", "Hotels and Restraurants", "Industries | Wheat", 'Coal, "hard"',
    "Commodities | Wheat", "Seafood", "Seafood", "TOTAL",
]  # fmt: skip


class World:
    """Blocks of random numbers, their labels, and what they should be read as."""

    def __init__(self, seed: int, inputs: list[str]) -> None:
        rng = np.random.default_rng(seed)
        self.regions = list(dict.fromkeys(row[0] for row in ROWS))
        self.demand = [(region, category) for region in self.regions for category in CATEGORIES]
        self.inputs = inputs
        n, m, p, k = len(ROWS), len(self.demand), len(inputs), len(GROUPS)
        self.Z = rng.uniform(0, 5, (n, n)) * (rng.random((n, n)) < 0.7)
        self.Z[-1] -= 1.5  # discrepancies have either sign
        self.Y = rng.uniform(-1, 9, (n, m)) * (rng.random((n, m)) < 0.7)
        self.VA, self.Q = rng.uniform(-1, 2, (p, n)), 10 ** rng.uniform(-30, 9, (k, n))
        self.QY = rng.uniform(0, 1, (k, m))

    def check(self, table: Table, inputs: list[str]) -> None:
        """Compare all numbers, bit by bit, and labels."""
        Q = [" | ".join(label) for label in GROUPS]
        Q[4], Q[6] = f"{Q[4]} | line {self.line(4)}", f"{Q[6]} | line {self.line(6)}"
        assert list(table.stressors) == inputs + Q
        assert list(table.extensions) == ["primary inputs"] * len(inputs) + ["Q"] * len(Q)
        assert list(table.stressor_units) == [USD] * len(inputs) + UNITS
        assert list(table.x.index) == [
            (row[0], sector) for row, sector in zip(ROWS, SECTORS, strict=True)
        ]
        assert list(table.demand) == self.demand
        assert set(table.row_units) == {USD}
        np.testing.assert_array_equal(table.Z.toarray(), self.Z)
        np.testing.assert_array_equal(table.Y, self.Y)
        np.testing.assert_array_equal(table.F, np.concatenate([self.VA, self.Q]))
        zeros = np.zeros((len(inputs), len(self.demand)))
        np.testing.assert_array_equal(table.F_Y, np.concatenate([zeros, self.QY]))
        np.testing.assert_allclose(table.x, self.Z.sum(axis=1) + self.Y.sum(axis=1), rtol=1e-13)

    def line(self, at: int) -> int:
        return at + 1


def text(numbers: np.ndarray, delimiter: str) -> str:
    return "".join(delimiter.join(map(repr, row)) + "\n" for row in numbers.tolist())


class Eora26(World):
    """Tab-separated, labels without a header, each line ending in a tab."""

    def __init__(self, seed: int = 0) -> None:
        super().__init__(seed, [f"Primary Inputs | {item}" for item in INPUTS])

    def files(self, stem: str = "Eora26_2010_bp") -> dict[str, str]:
        blocks = {"T": self.Z, "FD": self.Y, "VA": self.VA, "Q": self.Q, "QY": self.QY}
        files = {f"{stem}_{block}.txt": text(blocks[block], "\t") for block in blocks}
        labels = {
            "T": [(f"Country {row[0]}", *row) for row in ROWS],
            "FD": [(f"Country {r}", r, "Final Demand", category) for r, category in self.demand],
            "VA": [("Primary Inputs", item) for item in INPUTS],
            "Q": GROUPS,
        }
        for block, lines in labels.items():
            written = "".join("\t".join((*line, "\n")) for line in lines)
            files[f"labels_{block}.txt"] = written
        return files


class Full(World):
    """Comma-separated, indices with a header and quoted, the columns of QY at the right of Q."""

    def __init__(self, seed: int = 1) -> None:
        inputs = [f"{r} | Primary Inputs | {item}" for r in ("AUS", "ROW") for item in INPUTS]
        super().__init__(seed, inputs)

    def line(self, at: int) -> int:
        return at + 2

    def files(self, pattern: str = "2010_eora_{}.csv") -> dict[str, str]:
        Q = np.concatenate([self.Q, self.QY], axis=1)
        blocks = {"t": self.Z, "y": self.Y, "v": self.VA, "q": Q}
        files = {pattern.format(block): text(blocks[block], ",") for block in blocks}
        header = ["", "Country", "CountryA3", "Entity", "Sector"]
        labels = {
            "t": [header, *([f"Country {r[0]}", *r] for r in ROWS)],
            "y": [header, *([r, r, "Final Demand", category] for r, category in self.demand)],
            "v": [header, *([name[:3], *name.split(" | ")] for name in self.inputs)],
            "q": [["", "IndicatorCode", "Indicator", "LineItems"],
                  *([f"I-{at}", *label] for at, label in enumerate(GROUPS))],
        }  # fmt: skip
        for block, (names, *lines) in labels.items():
            written = [", ".join(names)]
            for at, line in enumerate(lines):
                cells = ['"' + cell.replace('"', '""') + '"' for cell in line]
                written.append(", ".join([str(at), *cells]))
            files[f"index_{block}.csv"] = "\n".join(written) + "\n"
        return files


WORLDS = [Eora26, Full]


def put(folder: Path, files: dict[str, str]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content.encode())
    return folder


def pack(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path
