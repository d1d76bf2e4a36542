"""USEEIO's workbook: a model written by code, every complaint, and published numbers in it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.files.spreadsheets import Sheets, write_workbook
from support.files.useeio_files import CODES, Model, as_sheets
from support.files.zips import packed

from carbonflows_fast.errors import FormatError, LabelError
from carbonflows_fast.readers import read

NAME = "XXEEIOv1.0-s-20.xlsx"
VECTOR = "RoUS_Production_Complete"
META = "commodities_meta"


@pytest.mark.parametrize("kind", ["file", "folder", "zip"])
def test_a_workbook_is_read(tmp_path: Path, kind: str) -> None:
    model = Model()
    path = model.workbook(tmp_path / "models")
    if kind == "zip":
        packed(path.parent, tmp_path / "models.zip", "")
        path = tmp_path / "models.zip"
    model.check(read(path if kind != "folder" else path.parent))


def test_it_equals_the_model_as_json(tmp_path: Path) -> None:
    model = Model()
    workbook = read(model.workbook(tmp_path))
    assert workbook.equals(read(model.write(tmp_path / "XXEEIOv1.0-s-20")))


def test_rows_and_columns_are_found_by_their_labels(tmp_path: Path) -> None:
    model = Model()
    sheets = model.sheets()
    for name in ("A", "B", "D", "q", VECTOR):
        head, *rows = sheets[name]
        sheets[name] = [head, *rows[::-1]]
    sheets["A"] = [[row[0], *row[:0:-1]] for row in sheets["A"]]
    model.check(read(write_workbook(tmp_path / NAME, sheets)))
    for label in ("code", "id"):
        column = [row[{"code": 3, "id": 1}[label]] for row in sheets["indicators"][1:]]
        sheets["D"] = [sheets["D"][0], *([c, *d] for c, d in zip(column, model.D.tolist()))]
        model.check(read(write_workbook(tmp_path / NAME, sheets)))


def test_only_what_is_asked_for_is_read(tmp_path: Path) -> None:
    model = Model()
    sheets = model.sheets()
    table = read(write_workbook(tmp_path / NAME, sheets), stressors=["Methane/emission/air/kg"])
    np.testing.assert_array_equal(table.S, model.B[1:])
    sheets["B"][1][1] = "damaged"
    path = write_workbook(tmp_path / NAME, sheets)
    np.testing.assert_array_equal(read(path, stressors="GHG").S, model.D[:1])
    with pytest.raises(LabelError, match=r"got 'GGH'; nearest are 'GHG'"):
        read(path, stressors="GGH")
    del sheets["B"]
    assert len(read(write_workbook(tmp_path / NAME, sheets)).stressors) == 3


def test_a_model_of_industries_has_its_output_in_x(tmp_path: Path) -> None:
    model = Model()
    sheets = model.sheets()
    sheets["industries_meta"] = sheets.pop(META)
    sheets["x"] = [["", "x"], *sheets.pop("q")[1:]]
    model.check(read(write_workbook(tmp_path / NAME, sheets)))


def test_empty_cells_are_refused_or_zero(tmp_path: Path) -> None:
    sheets = Model().sheets()
    sheets["A"][2][3] = None
    path = write_workbook(tmp_path / NAME, sheets)
    with pytest.raises(
        FormatError, match=r"sheet 'A', D3: expected a number in every cell, got an"
    ):
        read(path)
    assert read(path, blanks="zero").A.toarray()[1, 2] == 0


def put(sheet: str, row: int, column: int, value: Any) -> Callable[[Sheets], None]:
    def change(sheets: Sheets) -> None:
        sheets[sheet][row][column] = value

    return change


def without(*names: str) -> Callable[[Sheets], None]:
    def change(sheets: Sheets) -> None:
        for name in names:
            del sheets[name]

    return change


DAMAGES = {
    "A gone": (without("A"), r"expected a sheet 'A', got"),
    "q gone": (without("q"), r"expected a sheet 'q', got"),
    "meta gone": (without(META), rf"expected a sheet '{META}', got"),
    "vector gone": (without(VECTOR), rf"expected a sheet '{VECTOR}', got"),
    "no emissions": (without("B", "D"), r"expected a sheet D, a sheet B or both, got neither"),
    "no header": (put("flows", 0, 2, "units"), r"'flows', row 1: expected one column .* for unit;"),
    "empty": (lambda sheets: sheets["demands"].clear(), r"'demands', row 1: .* id, type, system"),
    "no name": (put(META, 2, 2, None), rf"'{META}', C3: expected a text for name, got an empty"),
    "label": (put("A", 1, 0, "Elsewhere"), r"'A', column A: .* not fit 111CA/US-XX, Elsewhere;"),
    "twice": (put("B", 0, 2, "111CA/US-XX"), r"'B', row 1: expected each of 4 labels once, as"),
    "short": (lambda sheets: sheets["q"].pop(), r"'q', column A: .* got 3, .* fit Other/RoUS;"),
    "text": (put("A", 2, 4, "0,1"), r"'A', E3: expected a finite number, got '0,1'"),
    "year": (put("demands", 2, 2, "soon"), r"'demands', row 3: expected a year .* got 'soon'"),
    "years": (put("demands", 2, 2, 2021), r"demand of one year, as q is, got 2020, 2021;"),
    "type": (put("demands", 5, 3, "Other"), r"one vector of type Production, .* got none;"),
    "alike": (put("flows", 1, 1, "Methane/emission/air/kg"), r"every stressor|not fit"),
}  # fmt: skip


@pytest.mark.parametrize("damage", DAMAGES)
def test_damage_is_named(tmp_path: Path, damage: str) -> None:
    change, message = DAMAGES[damage]
    sheets = Model().sheets()
    change(sheets)
    with pytest.raises(FormatError, match=message):
        read(write_workbook(tmp_path / NAME, sheets))


def test_other_workbooks_of_the_name_say_what_they_lack(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "USEEIO_margins.xlsx", {"Notes": [["margins"]]})
    with pytest.raises(FormatError, match=rf"USEEIO_margins.xlsx: expected a sheet '{META}'"):
        read(path)


def test_sectors_of_one_name_go_by_their_codes(tmp_path: Path) -> None:
    model = Model()
    for sector in model.files["sectors"]:
        sector["name"] = "Makers"
    assert read(model.workbook(tmp_path)).sectors == tuple(CODES)


@pytest.mark.real_data
def test_the_published_numbers_are_read_back(real_data: Path, tmp_path: Path) -> None:
    """No workbook as published is at hand: its numbers, from the JSON of the same model."""
    folder = real_data / "useeio" / "USEEIOv2.0.1-411"
    lists = ("A", "D", "q", "sectors", "indicators", "demands")
    files: dict[str, Any] = {
        name: json.loads((folder / f"{name}.json").read_text()) for name in lists
    }
    for one in files["demands"]:
        name = f"demands/{one['id']}"
        files[name] = json.loads((folder / f"{name}.json").read_text())
    path = write_workbook(tmp_path / "USEEIOv2.0.1-411.xlsx", as_sheets(files))
    table, published = read(path), read(folder)
    for what in ("rows", "demand", "stressors", "extensions", "year", "name"):
        assert np.all(getattr(table, what) == getattr(published, what)), what
    for what in ("A", "x", "Y", "S"):
        given, wanted = (np.asarray(getattr(one, what)) for one in (table, published))
        if what == "A":
            given, wanted = table.A.toarray(), published.A.toarray()
        off = np.abs(given - wanted).max()
        assert off <= 1e-15 * np.abs(wanted).max(), what  # workbooks have 16 digits
