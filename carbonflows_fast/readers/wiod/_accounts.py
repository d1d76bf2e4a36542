"""The environmental accounts of WIOD: sheets with sectors down, one for each region and year."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers.wiod._matrix import World, is_filled

__all__ = ["AccountNumbers", "CodedRows", "coded_rows", "region_key"]

logger = logging.getLogger(__name__)

HOUSEHOLDS = "FC_HH"  # the row of their own emissions
TOTALS = {"total", "secTOT"}
OUTSIDE = "secQ"  # extra-territorial organizations, which the tables do not have


class CodedRows(NamedTuple):
    """A sheet of an account: sectors down, and something across.

    Attributes
    ----------
    column : int
        Where the codes are, counted from 0; numbers are right of it.
    header : list of str
        Above the first sector, from column A on.
    rows : dict of str to (int, list)
        The row of each code, counted from 0, and its cells from column A on.
    """

    column: int
    header: list[str]
    rows: dict[str, tuple[int, list[Any]]]


def region_key(region: str) -> str:
    """Return what tables and accounts call a region alike.

    >>> region_key("ROM") == region_key("ROU"), region_key("RoW") == region_key("ROW")
    (True, True)
    """
    return {"ROM": "ROU"}.get(region.upper(), region.upper())


def coded_rows(book: Workbook, sheet: str, sectors: Sequence[str]) -> CodedRows:
    """Read a sheet of an account, whose codes are sectors, with "sec" in front or without.

    Raises
    ------
    FormatError
        Unless it has these sectors and households, each once, below a header.
    """
    where = book.where(sheet)
    cells = book.rows(sheet)
    homes = [(r, c) for r, row in enumerate(cells) for c in range(len(row)) if row[c] == HOUSEHOLDS]
    if len(homes) != 1:
        raise FormatError.about(
            where,
            expected=f"one row {HOUSEHOLDS} (households)",
            got=f"{len(homes)}",
            remedy="restore the account",
        )
    column = homes[0][1]
    codes = [cell_text(row[column]) for row in cells]
    known = {f"sec{sector}": sector for sector in sectors} | {sector: sector for sector in sectors}
    first = next((at for at, code in enumerate(codes) if code in known), 0)
    top = next((at for at in reversed(range(first)) if any(map(is_filled, cells[at]))), None)
    rows: dict[str, tuple[int, list[Any]]] = {}
    for at in range(first, len(cells)):
        code = known.get(codes[at], codes[at])
        if not code.strip():
            continue
        if code in rows or (code not in known and code not in {HOUSEHOLDS, OUTSIDE, *TOTALS}):
            raise FormatError.about(
                book.where(sheet, at, column),
                got=repr(codes[at]),
                expected="the table's sectors, each once",
                remedy="correct the code",
            )
        rows[code] = at, cells[at]
    missing = [sector for sector in sectors if sector not in rows]
    if missing or top is None:
        raise FormatError.about(
            where,
            expected=f"the table's {len(sectors)} sectors below a header",
            got=f"no {shorten(missing) if missing else 'header'}",
            remedy="restore the account, or take the one of this release",
        )
    return CodedRows(column, [cell_text(cell) for cell in cells[top]], rows)


class AccountNumbers:
    """Takes an account region by region and gives it as F and F_Y.

    Parameters
    ----------
    where : str
        What the account is called, for messages.
    world : World
        The table that it belongs to.
    count : int
        How many stressors it has.
    """

    def __init__(self, where: str, world: World, count: int) -> None:
        self._where, self._world = where, world
        self._F = np.zeros((count, len(world.rows)))
        self._F_Y = np.zeros((count, len(world.demand)))
        self._rows = {row: at for at, row in enumerate(world.rows)}
        self._demand = {column: at for at, column in enumerate(world.demand)}
        self._empty = 0
        self._outside = 0.0

    def add(
        self, book: Workbook, sheet: str, region: str, account: CodedRows, columns: Sequence[int]
    ) -> None:
        """Take the account of a region; `columns` are those of the stressors.

        Raises
        ------
        FormatError
            If a cell is no number, or the table has no final demand of households.
        """
        households = region, self._world.release.households
        if households not in self._demand:
            raise FormatError.about(
                self._world.where,
                expected=f"final demand {households[1]} of {region}",
                got="none",
                remedy="restore the header: emissions of households belong there",
            )
        for code, (row, cells) in account.rows.items():
            if code in TOTALS:
                continue
            wanted = [cells[at] for at in columns]
            values, empty = book.numbers(sheet, row, columns, wanted)
            if code == OUTSIDE:
                self._outside += float(np.abs(values).sum())
                continue
            self._empty += len(empty)
            if code == HOUSEHOLDS:
                self._F_Y[:, self._demand[households]] = values
            else:
                self._F[:, self._rows[region, code]] = values

    def result(self) -> tuple[FloatArray, FloatArray]:
        """Return F and F_Y, and log what was empty and what was left out.

        WIOD's accounts list all sectors for all stressors, and leave free what a sector neither
        emits nor uses: land, but for agriculture.
        """
        settle_blanks(self._where, self._empty, self._where, "zero")
        if self._outside:
            logger.warning(
                "%s: extra-territorial organizations (%s) are left out, %.6g in all",
                self._where,
                OUTSIDE,
                self._outside,
            )
        return self._F, self._F_Y
