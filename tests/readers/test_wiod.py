"""WIOD's two releases: fixtures in their layouts, and pymrio's numbers on its samples."""

from __future__ import annotations

import logging
import re
import shutil
import warnings
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.wiod_files import Cells, Change, Made, put

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read


@pytest.fixture
def old() -> Made:
    return Made(2013)


@pytest.fixture
def new() -> Made:
    return Made(2016)


@pytest.mark.parametrize("release", [2013, 2016])
def test_a_table_is_read_wherever_it_is(tmp_path: Path, release: int) -> None:
    made = Made(release)
    path = made.write(tmp_path)
    made.check(read(path))
    made.check(read(tmp_path))
    made.check(read(tmp_path, format=f"wiod{release}", year=made.year))
    with zipfile.ZipFile(tmp_path / "tables.zip", "w") as archive:
        archive.write(path, f"some folder/{path.name}")
    path.unlink()
    made.check(read(tmp_path / "tables.zip"))
    made.check(read(tmp_path))


def test_release_2016_saved_as_xlsx_is_the_same(tmp_path: Path, new: Made) -> None:
    new.check(read(new.write(tmp_path, "WIOT2014_Nov16_ROW.xlsx")))


def test_years_are_told_apart(tmp_path: Path, old: Made) -> None:
    old.write(tmp_path)
    shutil.copy(tmp_path / old.name, tmp_path / "wiot95_row_apr12.xlsx")
    assert read(tmp_path, year=2009).year == 2009
    with pytest.raises(FormatError, match=r"got 2 tables \(1995, 2009\)"):
        read(tmp_path)
    with pytest.raises(
        FormatError, match=r"'WIOT_2009': expected the table of 1995, .*'WIOT_2009'"
    ):
        read(tmp_path, year=1995)

    def retitle(cells: Cells) -> None:
        cells[0][0] = "World Input-Output Table for 2008 "

    with pytest.raises(FormatError, match=r"expected the table of 2009, .* for 2008 '"):
        read(old.write(tmp_path, change=retitle))


def test_the_sheet_of_release_2016_is_named_by_year(tmp_path: Path, new: Made) -> None:
    path = new.write(tmp_path).rename(tmp_path / "WIOT2013_Nov16_ROW.xlsb")
    with pytest.raises(FormatError, match=r"expected a first sheet '2013', .* got '2014'"):
        read(path)


def cut(row: int) -> Change:
    def change(cells: Cells) -> None:
        del cells[row:]

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (put(8, 6, "n/a"), "'WIOT_2009', G9: expected a finite number, got 'n/a'"),
        (put(8, 6, "1,5"), "G9: expected a finite number, got '1,5'"),
        (put(8, 6, True), "G9: expected a finite number, got True"),
        (put(17, 6, "x"), "G18: expected a finite number, got 'x'"),
        (put(-1, 6, "x"), "G19: expected a finite number, got 'x'"),
        (put(8, 6, "#REF!"), "row 9, 1 empty .* expected numbers, got a workbook with 1 error"),
        (put(6, 0, "AtX"), r"columns, position 1: expected 'AUS | AtX', as in the rows"),
        (put(6, 2, "AUX"), r"columns, position 1: expected 'AUX | AtB', as in the rows"),
        (put(2, 4, "AtX"), r"columns, position 1: expected 'AUS | AtB', as in the rows, got"),
        (put(4, 4, "AUX"), r"columns, position 1: expected 'AUS | AtB', as in the rows, got 'AUX"),
        (put(2, 5, "AtB"), r"columns, position 2: expected 'AUS | 15t16'"),
        (put(4, 13, "XXX"), "column 1 of final demand: expected a region among AUS, ROM, RoW"),
        (put(5, 13, None), "column 1 of final demand: .* got 'AUS', ''"),
        (put(4, 5, None), "F5: expected a region, got none, though columns of AUS follow"),
        (put(17, 1, None), "row 18: expected a sector, or a primary input with a name .* got ''"),
        (put(17, 1, "Value added at basic prices"), "row 18: expected a sector, or a primary"),
        (put(18, 3, "r99"), "expected one row r69 with outputs, got 0"),
        (put(15, 3, "r69"), "expected one row r69 with outputs, got 2"),
        (cut(18), "expected one row r69 with outputs, got 0"),
        (cut(12), "columns: expected 6 labels, as in the rows, got 9"),
        (cut(6), "expected sectors with region and code below the header, got none"),
        (cut(3), r"expected 6 rows of titles and headers, .* got 3 row\(s\)"),
        (cut(0), r"expected 6 rows of titles and headers, .* got 0 row\(s\)"),
    ],
)
def test_damage_of_a_table_is_named(
    tmp_path: Path, old: Made, change: Change, message: str
) -> None:
    path = old.write(tmp_path, change=change)
    with pytest.raises(FormatError, match=re.escape(str(path)) + ".*" + message):
        read(path)


def test_what_stands_right_of_the_totals_is_logged(
    tmp_path: Path, old: Made, caplog: pytest.LogCaptureFixture
) -> None:
    def change(cells: Cells) -> None:
        cells[9].extend([None, 5.0])

    old.check(read(old.write(tmp_path, change=change)))
    assert "sheet 'WIOT_2009': 3 column(s) at the right end are left out" in caplog.text


def test_rows_that_are_empty_are_passed_over(
    tmp_path: Path, old: Made, caplog: pytest.LogCaptureFixture
) -> None:
    def change(cells: Cells) -> None:
        cells[7][6] = None
        cells.insert(15, [None])
        cells.append([None] * 4 + [" "])

    old.Z[1, 2] = 0.0
    path = old.write(tmp_path, change=change)
    with pytest.raises(
        FormatError, match=r"G8: expected a number in every cell, got an empty cell"
    ):
        read(path)
    with caplog.at_level(logging.WARNING):
        old.check(read(path, blanks="zero"))
    assert caplog.messages == [
        f"{tmp_path / old.name}, sheet 'WIOT_2009': 1 empty cell counts as zero"
    ]


def test_primary_inputs_of_final_demand_may_be_left_free(
    tmp_path: Path, old: Made, caplog: pytest.LogCaptureFixture
) -> None:
    n = len(old.Z)
    old.F_Y[0, :] = 0.0

    def change(cells: Cells) -> None:
        row = next(at for at in range(6 + n, len(cells)) if cells[at][4] == old.F[0, 0])
        for column in range(4 + n, 4 + n + old.Y.shape[1]):
            cells[row][column] = None

    with caplog.at_level(logging.WARNING):
        old.check(read(old.write(tmp_path, change=change)))
    assert f"{old.Y.shape[1]} empty cells count as zero" in caplog.text


# --- samples --------------------------------------------------------------------------------


@pytest.mark.real_data
def test_the_numbers_are_those_of_pymrio(real_data: Path) -> None:
    import pymrio

    path = real_data / "formats" / "wiod_mock"
    table = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        other = pymrio.parse_wiod(path, year=2009)
    assert table.year == 2009

    def theirs(labels: Any) -> list[tuple[str, str]]:  # pymrio renames Romania
        return [("ROU" if region == "ROM" else region, name) for region, name in labels]

    rows, demand = theirs(table.x.index), theirs(table.demand)
    assert rows == list(other.Z.index)
    assert demand == list(other.Y.columns)
    np.testing.assert_array_equal(table.Z.toarray(), other.Z.to_numpy())
    np.testing.assert_array_equal(table.Y, other.Y.to_numpy())
    for name, account in (("primary inputs", "factor_inputs"), ("AIR", "AIR"), ("lan", "lan")):
        at = [i for i, extension in enumerate(table.extensions) if extension == name]
        extension = getattr(other, account)
        stressors = [table.stressors[i] for i in at]
        assert stressors == list(extension.F.index)
        for matrix, columns in (("F", rows), ("F_Y", demand)):
            expected = getattr(extension, matrix)[columns].fillna(0).to_numpy()
            np.testing.assert_array_equal(getattr(table, matrix).to_numpy()[at], expected)
