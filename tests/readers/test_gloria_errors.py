"""What the reader of GLORIA refuses: files, shapes, cells, labels."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.worlds.gloria_world import (
    INDUSTRIES,
    PRODUCTS,
    SEQUENCE,
    World,
    file_name,
    path_of,
    write_read_me,
)  # fmt: skip

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers import read


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A download, to be damaged."""
    return World().write(tmp_path / "gloria")


@pytest.mark.parametrize(
    ("part", "row", "column", "place_name"),
    [
        ("T", INDUSTRIES[0], INDUSTRIES[3], "'XAM | industry | Growing wheat', column 'CIV | ind"),
        ("T", PRODUCTS[1], PRODUCTS[4], r"'XAM | product | Fishing', column 'DYE | product | Gro"),
        ("Y", INDUSTRIES[2], 1, r"'CIV | industry | Growing wheat', column 'XAM | Changes in inv"),
        ("V", 4, PRODUCTS[2], r"'CIV | Taxes on production D.29', column 'CIV | product | Growi"),
        ("TQ", 2, PRODUCTS[5], r"''c6f14' | 3\", column 'DYE | product | Fishing'"),
    ],
)
def test_numbers_where_gloria_has_none(
    tmp_path: Path, part: str, row: int, column: int, place_name: str
) -> None:
    world = World()
    world.parts[part][row, column] = -1.5
    place_name = place_name.replace("|", r"\|").replace("''c6f14'", "\"'c6f14'")
    message = f"{part}-Results.*, row {place_name}.*: expected zero.*got -1.5, one of 1 numbers"
    with pytest.raises(FormatError, match=message):
        read(world.write(tmp_path))


def test_an_industry_with_several_products_and_no_output(tmp_path: Path) -> None:
    world = World()
    world.parts["T"][INDUSTRIES[0], PRODUCTS[1]] = -1.0 - world.V[0, 0]
    with pytest.raises(FormatError, match=r"row 'XAM \| industry .* positive output .* got -1;"):
        read(world.write(tmp_path))


@pytest.mark.parametrize("part", ["T", "Y", "V", "TQ", "YQ"])
def test_shapes_are_those_of_the_read_me(place: Path, part: str) -> None:
    path = path_of(place, part)
    lines = path.read_text().splitlines()
    rows, columns = len(lines), lines[0].count(",") + 1
    each = f"{rows} rows, one for each label in .*GLORIA_ReadMe_059.xlsx"
    shape = f"{columns} numbers, one for each label"
    for damaged, message in [
        ([*lines, lines[0]], rf"line {rows + 1}: expected {each}, got a row more;"),
        (lines[:-1], rf"csv: expected {each}, got {rows - 1};"),
        ([lines[0] + ",1", *lines[1:]],
         rf"line 1 \(row .*\): expected {shape}, got {columns + 1} cells"),
        ([*lines[:1], lines[1].rpartition(",")[0], *lines[2:]],
         rf"line 2 \(row .*\): expected {shape}, got {columns - 1} cells"),
        (["1"], rf"expected {rows} rows × {columns} columns, by .*, got a file of 2 bytes"),
    ]:  # fmt: skip
        path.write_text("\n".join(damaged) + "\n")
        with pytest.raises(FormatError, match=f"{part}-Results.*{message}"):
            read(place)


@pytest.mark.parametrize("cell", ["nan", "inf", "1;5", "abc", "1_0"])
@pytest.mark.parametrize("part", ["T", "Y", "V", "TQ", "YQ"])
def test_what_is_no_number(place: Path, part: str, cell: str) -> None:
    path = path_of(place, part)
    lines = path.read_text().splitlines()
    for at in (0, -1):  # columns of industries and of products
        cells = lines[-1].split(",")
        cells[at] = cell
        path.write_text("\n".join([*lines[:-1], ",".join(cells)]))
        with pytest.raises(FormatError, match=rf"line {len(lines)}, row .*column .*got '{cell}'"):
            read(place)


def test_empty_cells_are_counted(place: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = path_of(place, "YQ")
    path.write_text(path.read_text().replace("0,", ",", 1).replace(",0\n", ",\n", 1))
    with pytest.raises(FormatError, match="an empty cell"):
        read(place)
    with caplog.at_level(logging.WARNING):
        read(place, blanks="zero")
    assert "empty cell" in caplog.text


def test_missing_files(place: Path) -> None:
    shutil.copy(path_of(place, "V"), place / file_name("V").replace("2024", "2023"))
    with pytest.raises(FormatError, match=r"expected one file …_V-Results.*, got 2023.*, GLORIA_M"):
        read(place)
    path_of(place, "TQ").unlink()
    (place / file_name("V").replace("2024", "2023")).unlink()
    with pytest.raises(FormatError, match=r"expected one file …_TQ-Results_2022_059_M.*, got none"):
        read(place)
    with pytest.raises(FormatError, match=r"expected one file …_Y-Results.*; give the folder that"):
        read(path_of(place, "T"))


def test_missing_and_other_read_mes(place: Path, tmp_path: Path) -> None:
    mine = place / "GLORIA_ReadMe_059.xlsx"
    shutil.copy(mine, place / "GLORIA_ReadMe_059a.xlsx")
    with pytest.raises(FormatError, match=r"one such file for .*got .*059.xlsx, .*059a.xlsx;"):
        read(place)
    (place / "GLORIA_ReadMe_059a.xlsx").rename(place / "GLORIA_ReadMe_057.xlsx")
    World().check(read(place))
    mine.unlink()
    with pytest.raises(FormatError, match=r"got GLORIA_ReadMe_057.xlsx; give the folder"):
        read(place)
    (place / "GLORIA_ReadMe_057.xlsx").rename(place / "GLORIA_ReadMe.xlsx")
    World().check(read(place))
    (place / "GLORIA_ReadMe.xlsx").unlink()
    with pytest.raises(FormatError, match=r"expected GLORIA_ReadMe_059.xlsx, .*got none; give"):
        read(place)


def _set(sheet: str, cell: str, value: Any) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[sheet][cell] = value

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_set("Regions", "B3", "XAM"), r"column 'Region_acronyms': expected .* got 2 times 'XAM'"),
        (_set("Sectors", "B3", "Growing wheat"), r"'Sector_names': expected .* got 2 times 'Grow"),
        (_set("Regions", "B3", None), r"sheet 'Regions', B3: expected a text .* got an empty cell"),
        (_set("Regions", "B1", "ISO"), r"'Regions': expected a column 'Region_acronyms', got 'Lfd"),
        (_set("Satellites", "D6", None), r"'Sat_unit': expected 5 cells, got 4"),
        (_set("Satellites", "A6", None), r"'Lfd_Nr': expected 5 cells, got 4"),
        (_set(SEQUENCE, "B13", None), r"expected 12 labels in column 'Seq.*, two .*, got 11;"),
        (_set(SEQUENCE, "B6", "Rest of Americas (XAM) Fishing product"),
         r"B6: expected a label of region \(CIV\) and of an industry, got 'Rest"),
        (_set(SEQUENCE, "B4", "Rest of Americas (XAM) Fishing industry"),
         r"B4: expected a label of region \(XAM\) and of a product, got 'Rest"),
        (lambda book: book.remove(book["Sectors"]), r"expected a sheet 'Sectors', got 'Info', 'Re"),
        (lambda book: book["Sectors"].delete_rows(2, 2), r"'Sector_names': expected .* got none"),
        (lambda book: book["Sectors"].delete_rows(1, 3), r"expected a column 'Sector_n.*an empty"),
    ],
)  # fmt: skip
def test_a_wrong_read_me(place: Path, change: Callable[[Any], object], message: str) -> None:
    write_read_me(place / "GLORIA_ReadMe_059.xlsx", change)
    with pytest.raises(FormatError, match=f"GLORIA_ReadMe_059.xlsx.*{message}"):
        read(place)


def test_a_read_me_of_another_size_is_refused_before_anything_is_read(place: Path) -> None:
    def change(book: Any) -> None:
        del book[SEQUENCE]
        for at in range(400):
            book["Sectors"].append([at, f"sector {at}"])

    write_read_me(place / "GLORIA_ReadMe_059.xlsx", change)
    with pytest.raises(FormatError, match=r"expected 2412 rows × 2412 columns, by .*, got a file"):
        read(place)


def test_a_read_me_that_is_none(place: Path) -> None:
    (place / "GLORIA_ReadMe_059.xlsx").write_bytes(b"nothing")
    with pytest.raises(FormatError, match=r"GLORIA_ReadMe_059.xlsx: expected a workbook as xlsx"):
        read(place)
