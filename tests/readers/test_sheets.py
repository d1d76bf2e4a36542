"""Workbooks: cells, places, and what would break a parser that trusts them."""

from __future__ import annotations

import re
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.files.spreadsheets import (
    ERROR,
    REAL,
    ROW,
    SHORT,
    TEXT,
    cell,
    old_cell,
    old_record,
    record,
    sheet_part,
    write_parts,
    write_workbook,
    write_xls,
)

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._opening import open_files

SHEET = "xl/worksheets/sheet1.xml"
ROWS = [[None, None, None], [None, "label", 1.5, -3], [None, "19", 0.30000001, 7]]


def opened(path: Path) -> Workbook:
    with open_files(path) as files:
        return Workbook(files, path.name)


def with_part(path: Path, name: str, change: Callable[[bytes], bytes]) -> Path:
    """Change a part of a workbook."""
    with zipfile.ZipFile(path) as archive:
        parts = {part: archive.read(part) for part in archive.namelist()}
    changed = change(parts[name])
    assert changed != parts[name]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in (parts | {name: changed}).items():
            archive.writestr(part, content)
    return path


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls"])
def test_cells_come_from_a1_on(tmp_path: Path, kind: str) -> None:
    book = opened(write_workbook(tmp_path / f"book.{kind}", {"a": ROWS, "empty": []}))
    assert book.names == ["a", "empty"]
    rows = book.rows("a")
    assert rows == [["", "", "", ""], ["", "label", 1.5, -3.0], ["", "19", 0.30000001, 7.0]]
    assert book.rows("empty") == []
    values, empty = book.numbers("a", 1, [0, 2, 3], [rows[1][at] for at in (0, 2, 3)])
    np.testing.assert_array_equal(values, [0, 1.5, -3])
    assert empty == [0]
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
        '<c r="MAA9"><v>1</v></c>',
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
    with_part(path, SHEET, lambda xml: xml.replace(end, f'<row r="9">{stray}</row>'.encode() + end))
    with pytest.raises(FormatError, match=r"sheet1.xml': expected cells within 9999 rows and 3406"):
        opened(path)


@pytest.mark.parametrize("name", ["DZZ9999", "IZ99999", "LZZ999"])
def test_the_farthest_cells_allowed_are_read(tmp_path: Path, name: str) -> None:
    """Nothing near them is there, so that the rectangle is small."""
    path = write_workbook(tmp_path / "book.xlsx", {"a": [[1.0]]})
    with_part(path, SHEET, lambda xml: xml.replace(b'r="A1"', f'r="{name}"'.encode()))
    assert opened(path).names == ["a"]


@pytest.mark.parametrize(
    ("row", "column"), [(1_048_575, 16_383), (99_999, 0), (9, 8_814), (999, 3_406), (9_999, 260)]
)
def test_a_far_cell_in_records_is_refused(tmp_path: Path, row: int, column: int) -> None:
    for value in (1.0, 1, "text"):
        part = sheet_part([(0, cell(0, 1.0)), (row, cell(column, value))])
        path = write_parts(tmp_path / "book.xlsb", {"a": part})
        with pytest.raises(FormatError, match=r"sheet1.bin': expected cells within 9999 rows .* r"):
            opened(path)


@pytest.mark.parametrize(
    ("kind", "size"),
    [(ROW, 3), (REAL, 3), (REAL, 15), (SHORT, 11), (TEXT, 11), (TEXT, 13), (ERROR, 8)],
)
def test_a_record_cut_short_is_refused(tmp_path: Path, kind: int, size: int) -> None:
    """The parser would take the rest from the record before it: another number, or a far cell."""
    whole = struct.pack("<IIII", 1, 0, 1, 99_999_999)
    rows = [(0, cell(0, 1.0) + record(kind, whole[:size]))]
    path = write_parts(tmp_path / "book.xlsb", {"a": sheet_part(rows)})
    with pytest.raises(FormatError, match=f"a record of type {kind} is cut short"):
        opened(path)


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls"])
def test_errors_are_not_taken_for_empty_cells(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"book.{kind}"
    if kind == "xlsx":
        write_workbook(path, {"a": [[1.0, "#REF!"]]})
        with zipfile.ZipFile(path) as archive:
            assert b't="e"' in archive.read("xl/worksheets/sheet1.xml")
    elif kind == "xls":
        error = old_record(0x205, struct.pack("<HHHBB", 0, 1, 0, 0x17, 1))
        write_xls(path, {"a": old_cell(0, 0, 1.0) + error})
    else:
        error = record(ERROR, struct.pack("<IIB", 1, 0, 0x17))
        write_parts(path, {"a": sheet_part([(0, cell(0, 1.0) + error)])})
    book = opened(path)
    (row,) = book.rows("a")
    with pytest.raises(FormatError, match=r"row 1, 1 empty .* got a workbook with 1 error"):
        book.numbers("a", 0, range(2), row)
    assert book.numbers("a", 0, range(1), row[:1])[1] == []


def with_shared_texts(path: Path, count: int) -> Path:
    """Write 20 cells that share a text of 1,000 letters, in a table that claims `count` texts.

    As spreadsheet programs do, it says how many cells have one as well, which may be far more.
    """
    write_workbook(path, {"a": [[0]] * 20})
    with_part(path, SHEET, lambda xml: xml.replace(b't="n"', b't="s"'))
    with zipfile.ZipFile(path, "a") as archive:
        text = f'<sst count="99999" uniqueCount="{count}"><si><t>{"x" * 1000}</t></si></sst>'
        archive.writestr("xl/sharedStrings.xml", text)
    return path


def test_texts_that_are_stored_once_and_fill_all_cells_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = with_shared_texts(tmp_path / "book.xlsx", 1)
    assert opened(path).rows("a") == [["x" * 1000]] * 20
    monkeypatch.setattr("carbonflows_fast.readers._layouts._sheet_bounds.MOST_TEXT", 20_000)
    with pytest.raises(FormatError, match=r"got 20 cells with texts of up to 10\d\d bytes"):
        opened(path)


def test_more_texts_than_bytes_are_refused(tmp_path: Path) -> None:
    path = with_shared_texts(tmp_path / "book.xlsx", 9_999_999_999)
    with pytest.raises(FormatError, match=r"book.xlsx: .* got .*more texts than it has bytes"):
        opened(path)


@pytest.mark.parametrize(
    ("records", "message"),
    [
        (old_cell(9, 256, 1.0), "a cell in column 257"),
        (old_cell(9, 65_535, "x"), "a cell in column 65536"),
        (old_record(0xBD, struct.pack("<HH", 0, 250) + bytes(6 * 9) + b"\2\1"), "in column 259"),
        (
            old_record(0x200, struct.pack("<IIHHH", 0, 65_537, 0, 1, 0)),
            "from 0, 0 to 65537",
        ),
        (old_record(0x200, struct.pack("<IIHHH", 9, 5, 0, 1, 0)), "a sheet from 9, 0 to 5, 1"),
        (old_record(0x200, struct.pack("<HHHHH", 0, 9, 0, 257, 0)), "a sheet from 0, 0 to 9, 257"),
    ],
)
def test_a_far_cell_in_xls_is_refused(tmp_path: Path, records: bytes, message: str) -> None:
    path = write_xls(tmp_path / "book.xls", {"first": old_cell(0, 0, 1.0), "a": records})
    with pytest.raises(FormatError, match=rf"book.xls: expected a workbook as xls, .*{message}"):
        opened(path)


def test_sheets_of_xls_are_opened_all_at_once(tmp_path: Path) -> None:
    corner = old_cell(0, 0, 1.0) + old_cell(65_535, 255, 1.0)
    path = write_xls(tmp_path / "book.xls", {f"s{at}": corner for at in range(3)})
    with pytest.raises(FormatError, match=r"got sheets with more than 34000000 cells"):
        opened(path)


def test_texts_of_xls_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = old_record(0xFC, struct.pack("<II", 1, 1) + struct.pack("<HB", 3, 0) + b"abc")
    cells = b"".join(old_record(0xFD, struct.pack("<HHHI", at, 0, 0, 0)) for at in range(9))
    path = write_xls(tmp_path / "book.xls", {"a": cells}, extra=table)
    assert opened(path).rows("a") == [["abc"]] * 9
    monkeypatch.setattr("carbonflows_fast.readers._layouts._xls_bounds.MOST_TEXT", 100)
    with pytest.raises(FormatError, match=r"got 9 cells with texts that may be 14 bytes long"):
        opened(path)
    many = old_record(0xFC, struct.pack("<II", 1, 1 << 30))
    with pytest.raises(FormatError, match=r"got more texts than it has bytes"):
        opened(write_xls(tmp_path / "book.xls", {"a": cells}, extra=many))


def test_a_compound_file_that_runs_in_circles_is_refused(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "book.xls", {"a": ROWS})
    whole = path.read_bytes()
    for at, value, message in [
        (512 + 4 * 5, 2, "a chain of sectors without an end"),
        (512 + 4 * 5, 500, "a chain of sectors without an end"),
        (44, 1 << 30, "more tables than the 10 sectors there are"),
        (30, 99, "sectors of 65536 bytes"),
        (1024 + 128 + 120, 1 << 20, "no stream of a workbook since Excel 97, or one cut short"),
    ]:
        path.write_bytes(whole[:at] + struct.pack("<I", value) + whole[at + 4 :])
        with pytest.raises(FormatError, match=message):
            opened(path)


@pytest.mark.parametrize("kind", ["xlsx", "xlsb", "xls"])
def test_damage_is_named(tmp_path: Path, kind: str) -> None:
    whole = write_workbook(tmp_path / f"book.{kind}", {"a": ROWS * 50}).read_bytes()
    path = tmp_path / f"cut.{kind}"
    for size in range(0, len(whole), max(1, len(whole) // 12)):
        path.write_bytes(whole[:size])
        with pytest.raises(FormatError, match=re.escape(str(path))):
            opened(path)
    if kind == "xls":
        return  # nothing in it tells that numbers were changed
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
    monkeypatch.setattr("carbonflows_fast.readers._layouts._sheet_bounds.UNPACKED_BYTES", 1000)
    with pytest.raises(FormatError, match=r"expected a workbook of at most .* when unpacked"):
        opened(path)
