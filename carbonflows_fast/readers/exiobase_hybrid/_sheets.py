"""The extensions of hybrid EXIOBASE: a workbook with one sheet for each, and for each of users.

Four rows of column labels (region, name, code, code), and columns of row labels at the left (name
and unit, and for emissions a compartment), whose titles are in the fourth row. An original of
3.3.18 with two sheets, `MR_HIOT_2011_v3_3_18_extensions_together.xlsx`, was seen; the others are
called as its sheet "intro" lists them.
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import PRIMARY_INPUTS, StressorBlock
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._layouts._text import Label, check_same_labels, show

__all__ = ["Axis", "extension_blocks"]

logger = logging.getLogger(__name__)

HEADER = 4
# Of activities; waste from stocks has no sheet of final users.
OF_ACTIVITIES = re.compile(r"(?P<name>.+)_act|(?P<alone>waste_from_stocks?)", re.IGNORECASE)
OF_USERS = re.compile(r".+_fd", re.IGNORECASE)
VALUE_ADDED = "va"
UNIT, OTHER_NAMES = "unit", ("ecoinvent",)  # titles of columns; other names are no part of a name
Axis = tuple[str, Sequence[Label]]  # how errors call columns, and their regions and codes


@dataclass(frozen=True)
class _Row:
    at: int  # counted from 0
    name: str
    unit: str


@dataclass(frozen=True)
class _Sheet:
    """Labels of a sheet; numbers are read when they are asked for."""

    book: Workbook
    name: str
    first: int  # column of numbers
    columns: list[Label]
    rows: list[_Row]

    @property
    def where(self) -> str:
        return self.book.where(self.name)

    def names(self) -> list[Label]:
        return [(row.name,) for row in self.rows]

    def numbers(self, chosen: Sequence[int]) -> FloatArray:
        """Return rows by position, in order."""
        wanted = {self.rows[at].at: row for row, at in enumerate(chosen)}
        values = np.zeros((len(chosen), len(self.columns)))
        places = range(self.first, self.first + len(self.columns))
        count, place = 0, ""
        for at, cells in enumerate(self.book.stream(self.name)):
            if at not in wanted:
                continue
            here = [*cells[places.start : places.stop], *[""] * (places.stop - len(cells))]
            values[wanted[at]], empty = self.book.numbers(self.name, at, places, here)
            if empty and not count:
                place = self.book.where(self.name, at, places[empty[0]])
            count += len(empty)
        settle_blanks(self.where, count, place, self.book.blanks)
        return values


def extension_blocks(book: Workbook, activities: Axis, users: Axis) -> list[StressorBlock]:
    """Return the stressors of all sheets of activities.

    Stressors are named by all labels but the unit, joined with " | ", and with their row where two
    have the same. Extensions are called as their sheets without "_act", value added "primary
    inputs".

    Raises
    ------
    FormatError
        If a sheet is damaged, or its labels are not those of the flows.
    """
    blocks, used = [], set()
    for sheet in book.names:
        match = OF_ACTIVITIES.fullmatch(sheet.strip())
        if match is None:
            continue
        name = match["name"] or match["alone"]
        partner = next(
            (one for one in book.names if one.strip().lower() == f"{name}_fd".lower()), ""
        )
        used.add(partner)
        blocks.append(_block(book, sheet, partner, name, activities, users))
    if left := [one for one in book.names if OF_USERS.fullmatch(one.strip()) and one not in used]:
        logger.warning("%s: no sheet of activities for %s; not read", book.file, shorten(left))
    return blocks


def _block(
    book: Workbook, sheet: str, partner: str, name: str, activities: Axis, users: Axis
) -> StressorBlock:
    emitted = _sheet(book, sheet, activities)
    direct = _sheet(book, partner, users) if partner else None
    if direct is not None:
        check_same_labels(
            f"{direct.where}, rows", direct.names(), f"the rows of {emitted.where}", emitted.names()
        )

    def read(chosen: list[int]) -> tuple[FloatArray, FloatArray | None]:
        return emitted.numbers(chosen), None if direct is None else direct.numbers(chosen)

    return StressorBlock(
        [row.name for row in emitted.rows],
        [PRIMARY_INPUTS if name.lower() == VALUE_ADDED else name] * len(emitted.rows),
        [row.unit for row in emitted.rows],
        read,
    )


def _sheet(book: Workbook, sheet: str, axis: Axis) -> _Sheet:
    """Return the labels of a sheet, whose columns must have the regions and codes of the axis."""
    stream = enumerate(book.stream(sheet))
    head = [[cell_text(cell) for cell in cells] for _, cells in islice(stream, HEADER)]
    filled = [c for c, cell in enumerate(head[0]) if cell.strip()] if len(head) == HEADER else []
    if not filled or not filled[0]:
        raise FormatError.about(
            book.where(sheet),
            expected=f"{HEADER} rows of labels of columns, right of columns of labels of rows",
            got=f"{len(head)} row(s)"
            if len(head) < HEADER
            else f"{show(head[0][:3])} in the first",
            remedy="restore the workbook as it was published",
        )
    first, last = filled[0], filled[-1] + 1
    titles = [title.strip().lower() for title in head[-1][:first]]
    rows = [
        _row(book, sheet, at, [cell_text(cell) for cell in cells[:first]], titles)
        for at, cells in stream
        if any(map(_filled, cells))
    ]
    columns: list[Label] = [(head[0][c], head[-1][c]) for c in range(first, last)]
    check_same_labels(f"{book.where(sheet)}, columns", columns, *axis)
    return _Sheet(book, sheet, first, columns, _told_apart(rows))


def _row(book: Workbook, sheet: str, at: int, label: list[str], titles: list[str]) -> _Row:
    """Return the name and unit of a row; the unit is in the second column unless titles say."""
    place = titles.index(UNIT) if UNIT in titles else 1
    levels = [
        text
        for column, (text, title) in enumerate(zip(label, titles, strict=True))
        if column != place and title not in OTHER_NAMES
    ]
    if not levels[0].strip():
        raise FormatError.about(
            book.where(sheet, at, 0),
            expected="the name of a stressor",
            got="an empty cell",
            remedy="fill in the missing label",
        )
    return _Row(at, join_levels(levels), label[place] if place < len(label) else "")


def _told_apart(rows: list[_Row]) -> list[_Row]:
    count = Counter(row.name for row in rows)
    return [
        row
        if count[row.name] == 1
        else _Row(row.at, join_levels((row.name, f"row {row.at + 1}")), row.unit)
        for row in rows
    ]


def _filled(cell: Any) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())
