"""The ADB's workbooks: fixtures in their layout."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.adb_files import INPUTS, Cells, Made

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers.adb._find import find_adb

NAMES = {
    "ADB-MRIO-2000_Mar2022-3.xlsx": 2000, "ADB-MRIO-2007.xlsx": 2007,
    "ADB-MRIO62-2018_September 2024.xlsx": 2018, "ADB-MRIO72-2023_July 2025.xlsx": 2023,
    "ADB-MRIO-2023-July 2025.xlsx": 2023, "ADB-MRIO-LAC-2017_Mar2022-2.xlsx": 2017,
    "ADB MRIO 2015, at constant 2010 prices.xlsx": 2015, "ADB_MRIO_2024_74.xlsx": 2024,
}  # fmt: skip


def test_names_of_releases_are_known(tmp_path: Path) -> None:
    files = Files(tmp_path, "", dict.fromkeys(NAMES, 1))
    assert {one.name: one.year for one in find_adb(files)} == NAMES


@pytest.mark.parametrize("older", [False, True])
def test_a_table_is_read_by_its_header(tmp_path: Path, older: bool) -> None:
    made = Made(older)
    path = made.write(tmp_path)
    table = cf.read(path)
    made.check(table)
    assert (table.name, table.notes) == (path.stem, ())
    made.check(cf.read(tmp_path, format="adb", year=2024))


def test_accounts_are_those_of_a_dense_calculation(tmp_path: Path) -> None:
    made = Made()
    table = cf.read(made.write(tmp_path))
    name = INPUTS[1][0]
    A = made.Z / made.x
    wanted = (made.F[1] / made.x) @ np.linalg.solve(np.eye(len(A)) - A, made.Y)
    wanted = (wanted + made.F_Y[1]).reshape(2, 5).sum(axis=1)
    np.testing.assert_allclose(cf.accounts(table, name)["consumption"], wanted, rtol=1e-10)


def test_constant_prices_are_noted(tmp_path: Path) -> None:
    def retitle(cells: Cells) -> None:
        cells[1][0] = "3 economies, at constant 2010 prices"

    path = Made().write(tmp_path, "ADB MRIO 2024, at constant 2010 prices.xlsx", retitle)
    (note,) = cf.read(path).notes
    assert note.endswith("the sheet names: 3 economies, at constant 2010 prices.")


def put(value: Any, row: int = 7, column: int = 5) -> Any:
    def change(cells: Cells) -> None:
        cells[row][column] = value

    return change


@pytest.mark.parametrize(
    ("text", "number"), [("(1.5)", -1.5), (" ( 1,250 ) ", -1250.0), ("(12,345.25)", -12345.25)]
)
def test_a_number_in_brackets_is_negative(tmp_path: Path, text: str, number: float) -> None:
    made = Made()
    made.Z[0, 1] = number
    made.check(cf.read(made.write(tmp_path, change=put(text))))


def test_a_blank_is_refused_or_zero(tmp_path: Path) -> None:
    made = Made(older=True)
    path = made.write(tmp_path, change=put(" ", 8))
    with pytest.raises(FormatError, match="'ADB MRIO 2024', F9: expected a number in every cell"):
        cf.read(path)
    made.Z[0, 1] = 0.0
    made.check(cf.read(path, blanks="zero"))


def renamed(old: str, new: str) -> Any:
    """Call what has a label by another, in rows and columns."""

    def change(cells: list[list[Any]]) -> None:
        for row in cells:
            row[:] = [new if str(cell).strip() == old else cell for cell in row]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (renamed("In millions of US$", "In thousand US$"), "got the title 'In thousand US.'; conv"),
        (renamed("RoW", "AUS"), r"row 'AUS \| Agri.*: expected every row labelled, and once"),
        (
            renamed("Food", "Mining and quarrying"),
            r"row 'AUS \| Mining and quarrying': expected",
        ),
        (renamed("NPISHs", "Households"), r"column 'AUS \| Households': expected every column"),
        (put("12.5"), "'ADB MRIO 2024', F8: expected a finite number, got '12.5'"),
        (put("(1,2)"), r"F8: expected a finite number, got '\(1,2\)'"),
        (put("n/a", 14), "F15: expected a finite number, got 'n/a'"),
        (put("XXX", 7, 2), "columns, position 1: expected 'XXX | Agri"),
        (put(None, 5, 6), "G6: expected a region, got none, though columns of RoW follow"),
        (put(None, 4, 10), "column 1 of final demand: .* got 'AUS', ''"),
        (put("r00", 16, 3), "expected one row r69 with outputs, got 0"),
        (lambda cells: cells.__delitem__(slice(7, None)), "expected sectors with region and code"),
        (lambda cells: cells.__delitem__(6), r"expected names, regions and codes .* got none"),
    ],
)
def test_damage_is_named(tmp_path: Path, change: Any, message: str) -> None:
    path = Made().write(tmp_path, change=change)
    with pytest.raises(FormatError, match=re.escape(str(path)) + ".*" + message):
        cf.read(path)


def test_a_sheet_of_another_year_is_refused(tmp_path: Path) -> None:
    path = Made().write(tmp_path, "ADB-MRIO-2023-July 2025.xlsx")
    with pytest.raises(FormatError, match=r"expected a sheet of 2023, .* got 'ADB MRIO 2024'"):
        cf.read(path)
