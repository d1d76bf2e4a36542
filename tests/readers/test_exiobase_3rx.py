"""EXIOBASE 3rx in EXIOBASE's layout: stressors have three levels, some of them empty."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

import carbonflows_fast as cf

ROWS = [(region, sector) for region in ("AFG", "NAM") for sector in ("Paddy rice", "Wheat")]
DEMAND = [(region, "Households") for region in ("AFG", "NAM")]
STRESSORS = [
    ["Taxes less subsidies on products purchased: Total", "", "M.EUR"],
    ["CO2 - combustion - air", "air", "kg"],
    ["CH4 - agriculture - air", "air", "kg"],
    ["Forest", "nature ", "km2"],
]


def written(folder: Path, levels: list[list[str]], names: list[str]) -> np.ndarray:
    """Write a table whose stressors have these levels; return F beside F_Y."""
    rng = np.random.default_rng(1)
    (folder / "satellite").mkdir(parents=True)

    def block(path: str, left: list[tuple[str, ...]], head: list[str], top: list[tuple[str, str]],
              numbers: np.ndarray) -> None:  # fmt: skip
        pad = [""] * (len(head) - 1)
        lines = [[name, *pad, *level] for name, level in zip(("region", "sector"), zip(*top))]
        lines += [[*head, *[""] * len(top)]]
        lines += [[*label, *map(repr, row)] for label, row in zip(left, numbers.tolist())]
        (folder / path).write_text("\n".join("\t".join(line) for line in lines) + "\n")

    rows = ["region", "sector"]
    block("Z.txt", ROWS, rows, ROWS, rng.uniform(0, 1, (4, 4)))
    block("Y.txt", ROWS, rows, DEMAND, rng.uniform(5, 9, (4, 2)))
    numbers = rng.uniform(0, 9, (len(levels), 6))
    labels = [tuple(level) for level in levels]
    block("satellite/F.txt", labels, names, ROWS, numbers[:, :4])
    block("satellite/F_Y.txt", labels, names, DEMAND, numbers[:, 4:])
    units = ["\t".join([*names, "unit"]), *("\t".join([*one, one[-1]]) for one in levels)]
    (folder / "satellite" / "unit.txt").write_text("\n".join(units) + "\n")
    return numbers


def check(folder: Path, levels: list[list[str]]) -> cf.Table:
    numbers = written(folder, levels, ["stressor", "compartment", "unit"])
    table = cf.read(folder)
    assert list(table.rows) == ROWS
    assert table.stressors == tuple(" | ".join(filter(None, level)) for level in levels)
    assert list(table.stressor_units) == [level[-1] for level in levels]
    np.testing.assert_array_equal(np.hstack([table.F, table.F_Y]), numbers)
    return table


def test_levels_are_joined_and_gases_known(tmp_path: Path) -> None:
    table = check(tmp_path, STRESSORS)
    found = cf.accounts(table, "GWP100_AR6")["production"].sum()
    gases = table.F.to_numpy().sum(axis=1) + table.F_Y.to_numpy().sum(axis=1)
    np.testing.assert_allclose(found, gases[1] + 27.0 * gases[2], rtol=1e-10)


@pytest.mark.real_data
def test_the_original_stressors_are_read(tmp_path: Path, real_data: Path) -> None:
    text = (real_data / "originals" / "exiobase3rx" / "f.csv").read_text(encoding="utf-8-sig")
    levels = list(csv.reader(text.splitlines()))[1:]
    assert len(levels) == 452
    check(tmp_path, levels)
