"""Workbooks: cells, places, and what would break a parser that trusts them."""

from __future__ import annotations

import re
import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from spreadsheets import ERROR, cell, record, sheet_part, write_parts, write_workbook

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._files import open_files
from carbonflows_fast.readers._sheets import Workbook

ROWS = [[None, None, None], [None, "label", 1.5, -3], [None, "19", 0.30000001, 7]]


def opened(path: Path) -> Workbook:
    with open_files(path) as files:
        return Workbook(files, path.name)


def with_sheet(path: Path, change: object) -> Path:
    """Change the XML of the first sheet."""
    with zipfile.ZipFile(path) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    name = "xl/worksheets/sheet1.xml"
    parts[name] = change(parts[name])  # type: ignore[operator]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return path


@pytest.mark.parametrize("kind", ["xlsx", "xlsb"])
def test_cells_come_from_a1_on(tmp_path: Path, kind: str) -> None:
    book = opened(write_workbook(tmp_path / f"book.{kind}", {"a": ROWS, "empty": []}))
    assert book.names == ["a", "empty"]
    rows = book.rows("a")
    assert rows == [["", "", "", ""], ["", "label", 1.5, -3.0], ["", "19", 0.30000001, 7.0]]
    assert book.rows("empty") == []
    values, empty = book.numbers("a", 1, [0, 2, 3], [rows[1][at] for at in (0, 2, 3)])
    np.testing.assert_array_equal(values, [0, 1.5, -3])
    assert empty == 1
    with pytest.raises(FormatError, match=r"sheet 'a', B2: expected a finite number, got 'label'"):
        book.numbers("a", 1, [1], [rows[1][1]])
    with pytest.raises(FormatError, match=r"expected a sheet 'b', got 'a', 'empty'"):
        book.rows("b")


@pytest.mark.parametrize("value", [True, "1.5", "1,5", float("nan"), float("inf"), "#"])
def test_what_is_no_number_is_named(tmp_path: Path, value: object) -> None:
    book = opened(write_workbook(tmp_path / "book.xlsx", {"a": ROWS}))
    with pytest.raises(FormatError, match=r"C1: expected a finite number, got "):
        book.numbers("a", 0, [0, 2], [0.0, value])


@pytest.mark.parametrize(
    "stray",
    [
        '<c r="XFD1048576"><v>1</v></c>',
        '<c r="A100000"><v>1</v></c>',
        '<c r="EAA9"><v>1</v></c>',
        '<c r="JA10000"><v>1</v></c><c r="A99999"/>',
        '<c s="1" t="n"\n r="ZZZ9"><v>1</v></c>',
        "<c r='XFD1048576'><v>1</v></c>",
        '<c x="r=" r="XFD1048576"><v>1</v></c>',
        '<c r="XFD1048576" s="1" r="A1"><v>1</v></c>',
        "<c><v>1</v></c>",
        '<x:c xmlns:x="y" r="XFD1048576"><v>1</v></x:c>',
    ],
)
def test_a_far_cell_in_xml_is_refused(tmp_path: Path, stray: str) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"a": ROWS})
    end = b"</sheetData>"
    with_sheet(path, lambda xml: xml.replace(end, f'<row r="9">{stray}</row>'.encode() + end))
    with pytest.raises(FormatError, match=r"sheet1.xml': expected cells within 9999 rows and 3406"):
        opened(path)


@pytest.mark.parametrize("name", ["DZZ9999", "IZ99999"])
def test_the_farthest_cells_allowed_are_read(tmp_path: Path, name: str) -> None:
    """Nothing near them is there, so that the rectangle is small."""
    path = write_workbook(tmp_path / "book.xlsx", {"a": [[1.0]]})
    with_sheet(path, lambda xml: xml.replace(b'r="A1"', f'r="{name}"'.encode()))
    assert opened(path).names == ["a"]


@pytest.mark.parametrize(
    ("row", "column"), [(1_048_575, 16_383), (99_999, 0), (9, 3406), (9_999, 260)]
)
def test_a_far_cell_in_records_is_refused(tmp_path: Path, row: int, column: int) -> None:
    for value in (1.0, 1, "text"):
        part = sheet_part([(0, cell(0, 1.0)), (row, cell(column, value))])
        path = write_parts(tmp_path / "book.xlsb", {"a": part})
        with pytest.raises(FormatError, match=r"sheet1.bin': expected cells within 9999 rows .* r"):
            opened(path)


@pytest.mark.parametrize("kind", ["xlsx", "xlsb"])
def test_errors_are_not_taken_for_empty_cells(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"book.{kind}"
    if kind == "xlsx":
        write_workbook(path, {"a": [[1.0, "#REF!"]]})
        with zipfile.ZipFile(path) as archive:
            assert b't="e"' in archive.read("xl/worksheets/sheet1.xml")
    else:
        error = record(ERROR, struct.pack("<IIB", 1, 0, 0x17))
        write_parts(path, {"a": sheet_part([(0, cell(0, 1.0) + error)])})
    book = opened(path)
    (row,) = book.rows("a")
    with pytest.raises(FormatError, match=r"row 1, 1 empty .* got a workbook with 1 error"):
        book.numbers("a", 0, range(2), row)
    assert book.numbers("a", 0, range(1), row[:1])[1] == 0


@pytest.mark.parametrize("kind", ["xlsx", "xlsb"])
def test_damage_is_named(tmp_path: Path, kind: str) -> None:
    whole = write_workbook(tmp_path / f"book.{kind}", {"a": ROWS * 50}).read_bytes()
    path = tmp_path / f"cut.{kind}"
    for size in range(0, len(whole), max(1, len(whole) // 12)):
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=re.escape(str(path))):
            opened(path)
    path.write_bytes(whole[: len(whole) // 3] + b"\xff" * 40 + whole[len(whole) // 3 + 40 :])
    with pytest.raises(FormatError, match=re.escape(str(path))):
        opened(path).rows("a")


def test_other_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("content.xml", "<ods/>")
    with pytest.raises(FormatError, match="expected a workbook as xlsx, xlsb or xls, got another"):
        opened(path)
    path.write_text("a,b\n1,2\n")
    with pytest.raises(FormatError, match="got a file that begins with b'a,b"):
        opened(path)


def test_a_workbook_that_unpacks_to_gigabytes_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_workbook(tmp_path / "book.xlsx", {"a": ROWS})
    monkeypatch.setattr("carbonflows_fast.readers._sheet_bounds.UNPACKED_BYTES", 1000)
    with pytest.raises(FormatError, match=r"expected a workbook of at most .* when unpacked"):
        opened(path)
