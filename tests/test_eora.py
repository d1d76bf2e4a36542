"""Eora26 and full Eora: fixtures in their layouts, and pymrio's numbers."""

from __future__ import annotations

import logging
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read
from carbonflows_fast.readers._eora_names import sheet_of
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


class World:
    """Blocks of random numbers, their labels, and what they should be read as.

    AUS has industries, GBR has Wheat among industries and commodities, CHL has Seafood twice.
    """

    rows = [
        ("AUS", "Industries", "Wheat"), ("AUS", "Industries", "Hotels and Restraurants"),
        ("GBR", "Industries", "Wheat"), ("GBR", "Industries", "Coal, \"hard\""),
        ("GBR", "Commodities", "Wheat"),
        ("CHL", "Commodities", "Seafood"), ("CHL", "Commodities", "Seafood"),
        ("ROW", "Industries", "TOTAL"),
    ]  # fmt: skip
    sectors = [
        "Wheat", "Hotels and Restraurants", "Industries | Wheat", 'Coal, "hard"',
        "Commodities | Wheat", "Seafood", "Seafood", "TOTAL",
    ]  # fmt: skip

    def __init__(self, seed: int, inputs: list[str]) -> None:
        rng = np.random.default_rng(seed)
        self.regions = list(dict.fromkeys(row[0] for row in self.rows))
        self.demand = [(region, category) for region in self.regions for category in CATEGORIES]
        self.inputs = inputs
        n, m, p, k = len(self.rows), len(self.demand), len(inputs), len(GROUPS)
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
            (row[0], sector) for row, sector in zip(self.rows, self.sectors, strict=True)
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
            "T": [(f"Country {row[0]}", *row) for row in self.rows],
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
            "t": [header, *([f"Country {r[0]}", *r] for r in self.rows)],
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


def is_label(name: str) -> bool:
    return name.startswith(("labels_", "index_"))


def placed(place: str, folder: Path, files: dict[str, str]) -> Path:
    """Write files as users have them, and return the path to read."""
    labels = {name: content for name, content in files.items() if is_label(name)}
    blocks = {name: content for name, content in files.items() if not is_label(name)}
    if place == "folder":
        return put(folder, files)
    if place == "zip":
        return pack(folder / "table.zip", {f"top/{name}": files[name] for name in files})
    if place == "Windows":
        return put(folder, {name: "\ufeff" + files[name].replace("\n", "\r\n") for name in files})
    pack(folder / "indices.zip", {f"indices/{name}": labels[name] for name in labels})
    if place == "folder beside indices":
        return put(folder / "table", blocks)
    path = pack(folder / "table.zip", blocks)
    return folder if place == "zips in a folder" else path


PLACES = ["folder", "zip", "Windows", "folder beside indices", "zips in a folder", "zip beside"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("kind", WORLDS)
def test_all_numbers_are_read(
    kind: type[World], place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made = kind()
    with caplog.at_level(logging.WARNING):
        table = read(placed(place, tmp_path, made.files()))
    made.check(table, made.inputs)
    assert (table.year, table.name[:4]) == (2010, "Eora")
    sold, final, bought = made.Z[-1].sum(), made.Y[-1].sum(), made.Z[:, -1].sum()
    for message in (
        f"kept as region ROW, sector TOTAL; it sells {sold:.6g} {USD} to sectors and {final:.6g} "
        f"to final demand, and buys {bought:.6g}",
        "1 sectors stand in several rows, which are kept apart: 'CHL | Seafood'",
        "the units of 1 of 7 rows are unknown: 'Threatened species | Plants'",
        "1 names stand in several lines and are told apart by these: 'I-GHG-CO2 emissions (Gg) | "
        "Memo item'",
    ):
        assert message in caplog.text


@pytest.mark.parametrize("kind", WORLDS)
def test_wanted_stressors_alone(kind: type[World], tmp_path: Path) -> None:
    made = kind()
    files = made.files()
    name = next(name for name in files if "_q." in name.lower() and not is_label(name))
    lines = files[name].splitlines()
    lines[0] = lines[0].replace(".", "x")  # is not wanted, and not parsed
    path = put(tmp_path, files | {name: "\n".join(lines)})
    wanted = "I-GHG-CO2 emissions (Gg) | Transport, other"
    table = read(path, stressors=[wanted, made.inputs[1]])
    assert table.stressors == (made.inputs[1], wanted)
    assert list(table.stressor_units) == [USD, "Gg"]
    np.testing.assert_array_equal(table.F, [made.VA[1], made.Q[1]])
    np.testing.assert_array_equal(table.F_Y, [np.zeros(len(made.demand)), made.QY[1]])
    with pytest.raises(LabelError, match=r"got 'I-GHG-CO2 .* Memo item'; nearest are '.* line \d"):
        read(path, stressors="I-GHG-CO2 emissions (Gg) | Memo item")
    with pytest.raises(FormatError, match=r"line 1, .*Natural Gas.*expected a finite number"):
        read(path)


def without(files: dict[str, str], name: str) -> dict[str, str]:
    return {key: files[key] for key in files if key != name}


