"""A table of one's own in one workbook: as pandas writes it, and as a person does."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from support.files import adb_files, plain_files
from support.files.spreadsheets import write_workbook
from support.worlds.small_table import SENTENCE

import carbonflows_fast as cf
from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._sheet_frame import sheet_names
from carbonflows_fast.readers._sources._files import Files

Sheets = dict[str, list[list[Any]]]


def rounded() -> plain_files.Frames:
    """A table whose numbers have few digits, so that a workbook keeps them."""
    frames = plain_files.own()
    return {key: f.round(6) if key in ("Z", "Y", "F", "F_Y") else f for key, f in frames.items()}


def by_hand() -> Sheets:
    """What a person types: no names of levels, regions once or every time."""
    return {
        "Z": [
            [None, None, "DE", None, "FR"],
            [None, None, "goods", "services", "goods"],
            ["DE", "goods", 20, 10, 5.5],
            [None, "services", 6, 9, 1],
            ["FR", "goods", 3, 2, 15],
            [None],
        ],
        "Y": [
            ["region", "", "DE", "FR"],
            ["", "", "all", "all"],
            ["DE", "goods", 60, 7],
            ["DE", "services", 55, 4],
            ["FR", "goods", 6, 40],
        ],
        "F": [["", "DE", "DE", "FR"], ["", "goods", "services", "goods"], ["CO2", 5, 0, 7]],
        "notes": [["made by hand"]],
    }


def said(path: Path) -> str:
    with pytest.raises(FormatError) as caught:
        cf.read(path)
    assert SENTENCE.match(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("merge_cells", [True, False])
def test_a_workbook_of_pandas_is_the_folder(tmp_path: Path, merge_cells: bool) -> None:
    frames = rounded()
    folder = plain_files.write_csv(frames, tmp_path / "own_2019")
    path = tmp_path / "book" / "own_2019.xlsx"
    plain_files.write_workbook(frames, path, merge_cells=merge_cells)
    table, expected = cf.read(path), cf.read(folder)
    assert table.equals(expected)
    assert (table.name, table.year) == ("own_2019", 2019)
    assert cf.read(path.parent).equals(expected)  # and in a folder
    assert cf.read(path, stressors="CO2 | air").equals(cf.read(folder, stressors="CO2 | air"))


def test_coefficients_output_and_several_levels(tmp_path: Path) -> None:
    frames = rounded()
    x = frames["Z"].sum(axis=1) + frames["Y"].sum(axis=1)
    A, S = frames["Z"] / x.to_numpy(), frames["F"] / x.to_numpy()
    kept = {key: frames[key] for key in ("Y", "F_Y", "population")}
    frames = {"A": A, "S": S, "x": x.rename("x"), **kept}
    folder = plain_files.write_csv(frames, tmp_path / "own")
    path = plain_files.write_workbook(frames, tmp_path / "own.xlsx")
    table, expected = cf.read(path), cf.read(folder)
    np.testing.assert_allclose(table.x, expected.x, rtol=1e-15)
    found, given = (cf.accounts(one, "CO2 | air") for one in (table, expected))
    np.testing.assert_allclose(found, given, rtol=1e-12, atol=1e-12)


def test_a_workbook_made_by_hand(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_workbook(tmp_path / "mine 2015.xlsx", by_hand())
    with caplog.at_level(logging.WARNING):
        table = cf.read(path)
    assert table.rows.tolist() == [("DE", "goods"), ("DE", "services"), ("FR", "goods")]
    assert table.demand.tolist() == [("DE", "all"), ("FR", "all")]
    assert (table.stressors, table.year) == (("CO2",), 2015)
    assert table.content.Y.tolist() == [[60, 7], [55, 4], [6, 40]]
    assert "no part of a table is called so: notes" in caplog.text


def change(sheet: str, row: int, column: int, value: Any) -> Sheets:
    sheets = by_hand()
    sheets[sheet][row][column] = value
    return sheets


def without(*names: str, **more: list[list[Any]]) -> Sheets:
    return {key: rows for key, rows in by_hand().items() if key not in names} | more


@pytest.mark.parametrize(
    ("sheets", "complaint"),
    [
        (change("Z", 3, 4, "n.a."), "sheet 'Z', E4: expected a finite number, got 'n.a.'"),
        (change("Z", 3, 4, "20,5"), "sheet 'Z', E4: expected a finite number, got '20,5', a text;"),
        (change("Y", 4, 3, None), "sheet 'Y', D5"),
        (change("Y", 4, 1, None), "sheet 'Y', row 5: expected a text in each label column"),
        (change("Y", 3, 1, "service"), "sheet 'Y', rows, position 2: expected 'DE | services'"),
        (change("Y", 3, 1, "goods"), "sheet 'Y', rows, position 2: expected 'DE | services'"),
        (change("F", 1, 2, "goods"), "sheet 'F', columns, position 2"),
        (without("F"), "expected F or S, got neither"),
        (without(A=[[1]]), "expected Z or A, got both"),
        (without(F_y=[["", "DE"], ["", "all"], ["CO2", 1]]), "expected F_Y, if it is that"),
        (without("Y", Y=[["a"]]), "sheet 'Y': expected 2 header row(s), then rows, got 1 row(s)"),
        (without("F", F=[["a"], ["b"], ["c"]]), "expected 1 column(s) of labels, then others"),
    ],
)
def test_what_is_wrong_is_refused_with_its_cell(
    tmp_path: Path, sheets: Sheets, complaint: str
) -> None:
    assert complaint in said(write_workbook(tmp_path / "mine.xlsx", sheets))


def test_an_empty_cell_is_zero_where_it_means_that(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "mine.xlsx", change("Y", 4, 3, None))
    assert cf.read(path, blanks="zero").content.Y[2, 1] == 0


def test_other_workbooks_are_not_taken_for_a_table(tmp_path: Path) -> None:
    write_workbook(tmp_path / "other.xlsx", {"Sheet1": [[1]]})
    (tmp_path / "broken.xlsx").write_bytes(b"PK\x03\x04 cut")
    plain_files.write_csv(rounded(), tmp_path / "own")
    (tmp_path / "~$own.xlsx").write_bytes(b"open")
    assert cf.read(tmp_path).name == "own"
    files = Files(tmp_path, "", {"other.xlsx": 1, "broken.xlsx": 1})
    assert sheet_names(files, "other.xlsx") == ["Sheet1"]
    assert sheet_names(files, "broken.xlsx") == []


@pytest.mark.parametrize(("name", "there"), [("Z", "z"), ("Y", "Y "), ("Z", "Sheet1")])
def test_a_workbook_whose_sheets_have_other_names(tmp_path: Path, name: str, there: str) -> None:
    """The advice is followed: sheets are named as arguments, or a file as it was published."""
    sheets = {there if key == name else key: rows for key, rows in by_hand().items()}
    wrong = said(write_workbook(tmp_path / "mine.xlsx", sheets))
    assert "expected a workbook with sheets Z (or A), Y and F (or S), or one that is named" in wrong
    assert repr(there) in wrong
    assert "name sheets as the arguments of cf.Table are, or the file as it was published" in wrong
    assert cf.read(write_workbook(tmp_path / "mine.xlsx", by_hand())).n == 3
    published = adb_files.Made()
    path = published.write(tmp_path, "table.xlsx")
    assert "got the sheets 'Legend', 'ADB MRIO 2024'; name sheets as" in said(path)
    published.check(cf.read(path.rename(tmp_path / adb_files.NAME)))


def test_numbers_as_labels_are_texts(tmp_path: Path) -> None:
    rows = pd.MultiIndex.from_product([["DE"], [1, 2]], names=["region", "sector"])
    demand = pd.MultiIndex.from_product([["DE"], ["all"]], names=["region", "category"])
    frames = {
        "Z": pd.DataFrame([[1.0, 2], [3, 4]], rows, rows),
        "Y": pd.DataFrame([[5.0], [6]], rows, demand),
        "F": pd.DataFrame([[7.0, 8]], pd.Index(["CO2"], name="stressor"), rows),
    }
    table = cf.read(plain_files.write_workbook(frames, tmp_path / "own.xlsx"))
    assert table.rows.tolist() == [("DE", "1"), ("DE", "2")]
