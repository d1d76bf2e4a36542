"""The ADB's air emissions beside its table: fixtures in the layout of their workbook."""

from __future__ import annotations

import logging
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.adb_files import (
    AIR,
    AIR_ROWS,
    AIR_UNIT,
    CATEGORIES,
    INPUTS,
    SECTORS,
    Cells,
    Made,
)

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError

MADE = Made()
N, M = len(MADE.rows), len(MADE.demand)
AIR_NAMES = [" | ".join(row) for row in AIR_ROWS]


def written(folder: Path, change: Any = None, regions: list[str] | None = None) -> Path:
    MADE.write(folder)
    MADE.write_air(folder, change, regions)
    return folder


@pytest.mark.parametrize("zipped", [False, True])
def test_emissions_follow_primary_inputs(tmp_path: Path, zipped: bool) -> None:
    path = written(tmp_path / "a")
    if zipped:
        path = Path(shutil.make_archive(str(tmp_path / "adb"), "zip", path))
    table = cf.read(path)
    assert table.stressors == (*(name for name, _ in INPUTS), *AIR_NAMES)
    air = MADE.air(N + M)
    np.testing.assert_array_equal(table.F.loc[AIR_NAMES], air[:, :N])
    np.testing.assert_array_equal(table.F_Y.loc[AIR_NAMES], air[:, N:])
    np.testing.assert_array_equal(table.F.iloc[:2], MADE.F)
    assert set(table.stressor_units[AIR_NAMES]) == {AIR_UNIT}
    assert table.content.extensions[-1] == "emissions"
    assert table.notes == ()


def test_accounts_are_those_of_a_dense_calculation(tmp_path: Path) -> None:
    table = cf.read(written(tmp_path), stressors="Total by substance | GHG")
    air = MADE.air(N + M)[-1]
    L = np.linalg.inv(np.eye(N) - MADE.Z / MADE.x)
    wanted = air[:N] / MADE.x @ L @ MADE.Y + air[N:]
    found = cf.accounts(table)["consumption"]
    np.testing.assert_allclose(found, wanted.reshape(2, -1).sum(axis=1), rtol=1e-10)


def test_more_economies_are_in_the_rest_of_the_world(tmp_path: Path) -> None:
    regions = ["AUS", "FIJ", "RoW"]
    table = cf.read(written(tmp_path, regions=regions))
    air, s = MADE.air(3 * (len(SECTORS) + len(CATEGORIES))), len(SECTORS)
    rest = air[:, s : 2 * s] + air[:, 2 * s : 3 * s]
    np.testing.assert_allclose(table.F.loc[AIR_NAMES], np.hstack([air[:, :s], rest]), rtol=1e-15)
    assert table.F.loc[AIR_NAMES].to_numpy().sum() == pytest.approx(air[:, : 3 * s].sum())
    assert table.F_Y.loc[AIR_NAMES].to_numpy().sum() == pytest.approx(air[:, 3 * s :].sum())
    assert table.notes == ("Air emissions of economies that the table lacks are in its RoW: FIJ.",)


def test_an_activity_may_stand_in_its_first_row_alone(tmp_path: Path) -> None:
    table = cf.read(written(tmp_path, put(None, 8, 0)))
    assert "Energy production | CH4" in table.stressors


def test_empty_cells_are_refused_or_zero(tmp_path: Path) -> None:
    path = written(tmp_path, put(" ", 8, 4))
    with pytest.raises(FormatError, match=r"sheet '2024', E9: expected a number in every cell"):
        cf.read(path)
    table = cf.read(path, blanks="zero")
    assert table.F.loc[AIR_NAMES[1]].iloc[1] == 0.0


def test_a_number_in_brackets_is_negative(tmp_path: Path) -> None:
    table = cf.read(written(tmp_path, put("(1.5)", 7, 3)))
    assert table.F.loc[AIR_NAMES[0]].iloc[0] == -1.5


def test_those_of_other_years_are_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (written(tmp_path) / AIR).rename(tmp_path / AIR.replace("2024", "2023"))
    with caplog.at_level(logging.WARNING):
        assert len(cf.read(tmp_path).stressors) == len(INPUTS)
    assert "air emissions of other years are not read (2023 EE-MRIOT" in caplog.text
    MADE.write_air(tmp_path)
    assert len(cf.read(tmp_path).stressors) == len(INPUTS) + len(AIR_ROWS)
    shutil.copy(tmp_path / AIR, tmp_path / f"Copy of {AIR}")
    with pytest.raises(FormatError, match="expected one workbook of air emissions in 2024"):
        cf.read(tmp_path)


def put(value: Any, row: int, column: int) -> Any:
    def change(cells: Cells) -> None:
        cells[row][column] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put("n/a", 8, 4), "sheet '2024', E9: expected a finite number, got 'n/a'"),
        (put(None, 7, 1), "row 8: expected an activity and a gas left of the numbers"),
        (put("CO2", 8, 1), "row 'Energy production | CO2': expected every row labelled, and once"),
        (
            put("Fishing", 4, 4),
            "columns: expected 'AUS | Mining and quarrying', got 'AUS | Fishing",
        ),
        (put("Mining and quarrying", 4, 3), "column 'AUS | Mining and quarrying': expected every"),
        (lambda cells: cells.__delitem__(6), "expected names, regions and codes of sectors"),
        (
            lambda cells: [row.__delitem__(slice(4, 5)) for row in cells[4:]],
            "columns: expected 'AUS",
        ),
    ],
)
def test_damage_is_named(tmp_path: Path, change: Any, message: str) -> None:
    path = written(tmp_path, change)
    with pytest.raises(FormatError, match=re.escape(str(path / AIR)) + ".*" + re.escape(message)):
        cf.read(path)


def test_more_economies_need_a_rest_of_the_world(tmp_path: Path) -> None:
    def without_rest(cells: Cells) -> None:
        for row in cells:
            row[:] = ["ANT" if cell == "RoW" else cell for cell in row]

    MADE.write(tmp_path, change=without_rest)
    MADE.write_air(tmp_path, regions=["AUS", "ANT", "FIJ"])
    with pytest.raises(FormatError, match="expected the economies of the table, got 1 more: FIJ"):
        cf.read(tmp_path)
