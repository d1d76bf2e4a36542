"""The ADB's air emissions, in a workbook of their own: `2023 EE-MRIOT (Air Emissions).xlsx`.

A sheet called by the year: a line "Unit:", names, regions and codes above the numbers as in the
table, activity and gas at the left; below all activities, totals by gas and one of all gases. Tried
on fixtures alone, whose layout is that of two published programs that read these workbooks.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._layouts._text import check_once, show
from carbonflows_fast.readers._sources._candidates import year_in
from carbonflows_fast.readers._sources._files import Files

__all__ = ["CODE", "TITLES", "emission_workbook", "in_brackets", "read_air"]

NAMES = r".*EE-MRIOT.*\.xlsx"
TITLES = 16  # rows among which the header is looked for
CODE = re.compile(r"c\d{1,3}", re.IGNORECASE)
COLUMN = re.compile(r"[cf]\d{1,3}", re.IGNORECASE)  # of sectors and final demand; no totals
IN_BRACKETS = re.compile(r"\(\s*((?:\d+|\d{1,3}(?:,\d{3})+)(?:\.\d*)?)\s*\)")
EXTENSION = "emissions"
REST = "ROW"  # of the world, in any case of letters

Pair = tuple[str, str]  # a region, and a sector or a category


class Air(NamedTuple):
    """The stressors of a workbook, and what is to be said about them."""

    block: StressorBlock
    notes: list[str]


class _Sheet(NamedTuple):
    """Numbers of a sheet, shape (k, columns), and their labels."""

    where: str
    columns: list[Pair]
    names: list[str]
    unit: str
    values: FloatArray


def emission_workbook(files: Files, year: int | None) -> tuple[str | None, list[str]]:
    """Return the workbook of a year by its name, None if there is none, and those of other years.

    Raises
    ------
    FormatError
        If there are several.
    """
    there = [name for name, _ in files.matching(NAMES)]
    found = [name for name in there if year_in(name.rpartition("/")[2]) == year]
    if len(found) > 1:
        raise FormatError.about(
            files.where(found[0]),
            expected=f"one workbook of air emissions in {year}",
            got=f"{shorten(found[1:])} beside it",
            remedy="keep one of them",
        )
    return (found[0] if found else None), [name for name in there if name not in found]


def read_air(
    files: Files, name: str, year: int | None, rows: Sequence[Pair], demand: Sequence[Pair]
) -> Air:
    """Read the air emissions of a table's year; they are few, so all numbers are.

    Columns are found by region and name. Economies that the table lacks belong to its rest of the
    world, which is noted.

    Raises
    ------
    FormatError
        If the workbook is damaged or of another year, or lacks a column of the table, or a cell is
        empty or no number.
    """
    sheet = _read(Workbook(files, name), year)
    wanted = [*rows, *demand]
    home = dict.fromkeys(region for region, _ in wanted)
    beyond = [r for r in dict.fromkeys(region for region, _ in sheet.columns) if r not in home]
    rest = next((region for region in home if region.upper() == REST), None)
    if beyond and rest is None:
        raise FormatError.about(
            f"{sheet.where}, columns",
            expected="the economies of the table",
            got=f"{len(beyond)} more: {shorten(beyond)}",
            remedy="take the workbook of the same release, or take it out of the folder",
        )
    place = {pair: at for at, pair in enumerate(wanted)}
    homes = [(rest if rest and r in beyond else r, name) for r, name in sheet.columns]
    at = [place.get(pair, -1) for pair in homes]
    lacking = sorted(set(range(len(wanted))) - set(at))
    if lacking or -1 in at:
        odd = sheet.columns[at.index(-1)] if -1 in at else ("nothing",)
        raise FormatError.about(
            f"{sheet.where}, columns",
            expected=f"{show(wanted[lacking[0]]) if lacking else 'those of the table alone'}",
            got=show(odd),
            remedy="take the workbook of the same release, or take it out of the folder",
        )
    values = np.zeros((len(sheet.names), len(wanted)))
    for column, to in enumerate(at):
        values[:, to] += sheet.values[:, column]
    k, n = len(sheet.names), len(rows)
    block = StressorBlock(
        sheet.names,
        [EXTENSION] * k,
        [sheet.unit] * k,
        lambda chosen: (values[chosen, :n], values[chosen, n:]),
    )
    added = f"Air emissions of economies that the table lacks are in its {rest}: "
    return Air(block, [f"{added}{shorten(beyond, 10)}."] if beyond else [])


def in_brackets(cell: Any) -> Any:
    """Return a number that is text in brackets, and anything else as it is.

    >>> in_brackets("(1,250.5)"), in_brackets("(n.a.)"), in_brackets(2.0)
    (-1250.5, '(n.a.)', 2.0)
    """
    found = IN_BRACKETS.fullmatch(cell.strip()) if type(cell) is str else None
    return cell if found is None else -float(found[1].replace(",", ""))


# --- the sheet ------------------------------------------------------------------------------


def _read(book: Workbook, year: int | None) -> _Sheet:
    name = next((one for one in book.names if one.strip() == str(year)), str(year))
    where = book.where(name)
    stream = book.stream(name)
    top = [[_text(cell) for cell in row] for row in islice(stream, TITLES)]
    codes = next((at for at, row in enumerate(top) if _coded(row) and at >= 2), None)
    if codes is None:
        raise FormatError.about(
            where,
            expected=f"names, regions and codes of sectors (c1, c2 …) in the first {TITLES} rows",
            got="none",
            remedy="restore the workbook as it was published",
        )
    places = [at for at, cell in enumerate(top[codes]) if COLUMN.fullmatch(cell)]
    labels = [(top[codes - 1][at], top[codes - 2][at]) for at in places]
    check_once(where, "column", labels)
    names: list[str] = []
    values: list[FloatArray] = []
    activity, empty, first = "", 0, ""
    for at, cells in enumerate(book.stream(name)):
        if at <= codes:
            continue
        here = [in_brackets(cells[place]) for place in places]
        activity, gas = _text(cells[0]) or activity, _text(cells[1])
        if not any(type(cell) is not str or cell.strip() for cell in here):
            continue  # a title, or nothing
        if not activity or not gas or places[0] < 2:
            raise FormatError.about(
                book.where(name, at),
                expected="an activity and a gas left of the numbers",
                got=show([activity, gas]),
                remedy="fill in the missing label",
            )
        numbers, blank = book.numbers(name, at, places, here)
        if blank and not empty:
            first = book.where(name, at, places[blank[0]])
        empty += len(blank)
        names.append(join_levels((activity, gas)))
        values.append(numbers)
    settle_blanks(where, empty, first, book.blanks)
    check_once(where, "row", [(one,) for one in names])
    matrix = np.array(values).reshape(len(names), len(places))
    return _Sheet(where, labels, names, _unit(top), matrix)


def _coded(row: Sequence[str]) -> bool:
    return sum(1 for cell in row if CODE.fullmatch(cell)) > 1


def _unit(top: Sequence[Sequence[str]]) -> str:
    """Return the unit in the cell behind "Unit:", "" where none is said."""
    said = (row for row in top if row and row[0].rstrip(": ").lower() == "unit")
    return next((cell for row in said for cell in row[1:] if cell), "")


def _text(cell: Any) -> str:
    return cell_text(cell).strip()
