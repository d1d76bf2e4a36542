"""What both releases of WIOD share: one sheet with all transactions, and accounts beside it.

Four header lines over four label columns, both with code, name, region and number: transactions,
final demand and total output to the right, totals and primary inputs below.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Protocol

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._assemble import table_from
from carbonflows_fast.readers._into_table._stressor_blocks import (
    PRIMARY_INPUTS,
    StressorBlock,
    read_stressors,
)
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._layouts._sheets import cell_text
from carbonflows_fast.readers._layouts._text import check_once, check_same_labels
from carbonflows_fast.table import Table

__all__ = [
    "DATA",
    "LABELS",
    "WIOD2013",
    "WIOD2016",
    "Book",
    "Release",
    "World",
    "is_filled",
    "read_world",
    "wiod_table",
]

logger = logging.getLogger(__name__)

UNIT = "million USD"
CODE, NAME, REGION, NUMBER = range(4)  # of the header lines, and of the label columns
HEADER, DATA, LABELS = 2, 6, 4  # where header lines, rows and columns of numbers begin
NOWHERE = {"", "TOT"}  # in place of a region: totals and primary inputs


@dataclass(frozen=True)
class Release:
    """What differs between the two.

    Attributes
    ----------
    key : int
        The label column that says which totals these are.
    totals : set of str
        Rows that are left out.
    output : str
        The row that is x.
    inputs : int
        The label column that names primary inputs.
    demand : int
        The header line that names categories of final demand.
    households : str
        The category that takes the emissions of households.
    """

    key: int
    totals: frozenset[str]
    output: str
    inputs: int
    demand: int
    households: str


WIOD2013 = Release(NUMBER, frozenset({"r60"}), "r69", NAME, NUMBER, "c37")
WIOD2016 = Release(CODE, frozenset({"II_fob"}), "GO", CODE, CODE, "CONS_h")


class Book(Protocol):
    """What a table is read from: a workbook, or what gives the same cells."""

    blanks: str

    def stream(self, sheet: str) -> Iterator[list[Any]]: ...

    def numbers(
        self, sheet: str, row: int, columns: Sequence[int], cells: Sequence[Any]
    ) -> tuple[FloatArray, list[int]]: ...

    def where(self, sheet: str, row: int | None = None, column: int | None = None) -> str: ...


@dataclass(frozen=True)
class World:
    """The sheet, taken apart: n sectors, m columns of final demand, p primary inputs."""

    where: str
    release: Release
    rows: list[tuple[str, str]]  # region and sector
    demand: list[tuple[str, str]]  # region and category
    inputs: list[str]
    Z: FloatArray
    Y: FloatArray
    x: FloatArray
    F: FloatArray
    F_Y: FloatArray

    @property
    def regions(self) -> list[str]:
        """Regions in their order."""
        return list(dict.fromkeys(region for region, _ in self.rows))

    def sectors_of(self, region: str) -> list[str]:
        """Return the sectors of a region in their order."""
        return [sector for home, sector in self.rows if home == region]


# --- the sheet ------------------------------------------------------------------------------


def read_world(book: Book, sheet: str, release: Release) -> World:
    """Read the sheet of transactions.

    Empty cells are refused, or zero if the user asked for that; but for primary inputs of final
    demand, where WIOD leaves cells free, which are zero. How many is logged.

    Raises
    ------
    FormatError
        If a cell is empty or no number, rows and columns have different sectors, a label occurs
        twice, or something is missing.
    """
    where = book.where(sheet)
    stream = book.stream(sheet)
    columns = _columns(book, sheet, list(islice(stream, DATA)))
    found = _Rows(book, sheet, release, len(columns))
    for at, cells in enumerate(stream, start=DATA):
        found.add(at, cells)
    n = len(found.sectors)
    _check_sectors(where, found.sectors, columns)
    demand = [(label[REGION], label[release.demand]) for label in columns[n:]]
    _check_demand(where, demand, {region for region, _ in found.sectors})
    x = found.output(n)
    settle_blanks(where, found.empty, found.first_empty, book.blanks)
    settle_blanks(where, found.corner, where, "zero")
    upper = np.array(found.upper)
    lower = np.array(found.lower).reshape(len(found.inputs), len(columns))
    return World(
        where=where,
        release=release,
        rows=found.sectors,
        demand=demand,
        inputs=found.inputs,
        Z=upper[:, :n],
        Y=upper[:, n:],
        x=x,
        F=lower[:, :n],
        F_Y=lower[:, n:],
    )


class _Rows:
    """Takes the rows below the header one by one, and sorts them by what they are."""

    def __init__(self, book: Book, sheet: str, release: Release, width: int) -> None:
        self._book, self._sheet, self._release = book, sheet, release
        self._columns = range(LABELS, LABELS + width)
        self._outputs: list[tuple[int, list[Any]]] = []
        self.sectors: list[tuple[str, str]] = []
        self.inputs: list[str] = []
        self.upper: list[FloatArray] = []  # rows of sectors
        self.lower: list[FloatArray] = []  # rows of primary inputs
        self.empty, self.first_empty = 0, ""  # cells, and the place of the first
        self.corner = 0  # empty cells for primary inputs of final demand

    def add(self, at: int, cells: list[Any]) -> None:
        """Take row `at`, counted from 0."""
        label = [cell_text(cell) for cell in cells[:LABELS]]
        values = cells[LABELS : self._columns.stop]
        key = label[self._release.key]
        if label[REGION] not in NOWHERE:
            self.sectors.append((label[REGION], label[CODE]))
            self.upper.append(self._numbers(at, values))
        elif key == self._release.output:
            self._outputs.append((at, values))
        elif key not in self._release.totals and any(map(is_filled, label + values)):
            self.inputs.append(self._input(at, label[self._release.inputs]))
            self.lower.append(self._numbers(at, values, is_input=True))

    def output(self, n: int) -> FloatArray:
        """Return x of n sectors; the numbers below final demand are its totals."""
        if len(self._outputs) != 1:
            raise FormatError.about(
                self._book.where(self._sheet),
                got=f"{len(self._outputs)}",
                expected=f"one row {self._release.output} with outputs",
                remedy="the sheet is cut short: restore its last rows",
            )
        ((at, values),) = self._outputs
        return self._numbers(at, values[:n])

    def _numbers(self, at: int, values: list[Any], is_input: bool = False) -> FloatArray:
        numbers, empty = self._book.numbers(self._sheet, at, self._columns, values)
        if is_input:
            inside = [column for column in empty if column < len(self.sectors)]
            self.corner += len(empty) - len(inside)
            empty = inside
        if empty and not self.first_empty:
            self.first_empty = self._book.where(self._sheet, at, self._columns[empty[0]])
        self.empty += len(empty)
        return numbers

    def _input(self, at: int, name: str) -> str:
        if not name.strip() or name in self.inputs:
            raise FormatError.about(
                self._book.where(self._sheet, at),
                got=repr(name),
                expected="a sector, or a primary input with a name of its own",
                remedy="correct the labels of the row",
            )
        return name


def _columns(book: Book, sheet: str, top: list[list[Any]]) -> list[tuple[str, ...]]:
    """Return the labels of all columns, without those of totals at the right end."""
    where = book.where(sheet)
    if len(top) < DATA or len(top[0]) <= LABELS:
        raise FormatError.about(
            where,
            expected=f"{DATA} rows of titles and headers, then numbers from E7 on",
            got=f"{len(top)} row(s) of {len(top[0]) if top else 0} cells",
            remedy="the sheet is empty or cut short: restore the workbook",
        )
    levels = [[cell_text(cell) for cell in row[LABELS:]] for row in top[HEADER:DATA]]
    labels = list(zip(*levels, strict=True))
    width = next((i for i, one in enumerate(labels) if one[REGION] in NOWHERE), len(labels))
    late = next((one for one in labels[width:] if one[REGION] not in NOWHERE), None)
    if late is not None:
        raise FormatError.about(
            book.where(sheet, HEADER + REGION, LABELS + width),
            expected="a region",
            got=f"none, though columns of {late[REGION]} follow",
            remedy="restore the header",
        )
    if len(labels) > width + 1:  # one has totals
        logger.warning("%s: %d column(s) at the right end are left out", where, len(labels) - width)
    return labels[:width]


def is_filled(cell: Any) -> bool:
    """Whether a cell holds more than blanks."""
    return not isinstance(cell, str) or bool(cell.strip())


def _check_sectors(
    where: str, rows: Sequence[tuple[str, str]], columns: Sequence[tuple[str, ...]]
) -> None:
    known = {sector for _, sector in rows}
    pairs = [(label[REGION], label[CODE]) for label in columns]
    n = sum(sector in known for _, sector in pairs)
    if not rows:
        raise FormatError.about(
            where,
            expected="sectors with region and code below the header",
            got="none",
            remedy="the sheet is cut short or no such table: restore it",
        )
    check_same_labels(f"{where}, columns", pairs[: max(n, len(rows))], "the rows", rows)
    check_once(where, "row", rows)


def _check_demand(where: str, demand: Sequence[tuple[str, str]], regions: set[str]) -> None:
    for at, (region, category) in enumerate(demand, start=1):
        if region not in regions or not category.strip():
            raise FormatError.about(
                f"{where}, column {at} of final demand",
                got=f"{region!r}, {category!r}",
                expected=f"a region among {shorten(sorted(regions))}, and a category",
                remedy="correct the header",
            )
    check_once(where, "column", demand)


# --- the table ------------------------------------------------------------------------------


def wiod_table(
    world: World,
    accounts: Sequence[StressorBlock],
    *,
    stressors: Sequence[str] | None,
    year: int | None,
    name: str,
) -> Table:
    """Put the sheet and its accounts together; accounts that are not wanted are not read.

    Raises
    ------
    FormatError
        If labels are wrong, or an account cannot be read.
    LabelError
        If a wanted stressor does not exist.
    """
    count = len(world.inputs)
    inputs = StressorBlock(
        world.inputs,
        [PRIMARY_INPUTS] * count,
        [UNIT] * count,
        lambda chosen: (world.F[chosen], world.F_Y[chosen]),
    )
    emissions = read_stressors([inputs, *accounts], stressors, world.Y.shape)
    return table_from(
        world.where,
        Z=world.Z,
        x=world.x,
        Y=world.Y,
        regions=[region for region, _ in world.rows],
        sectors=[sector for _, sector in world.rows],
        demand=world.demand,
        row_units=UNIT,
        year=year,
        name=name,
        **emissions,
    )
