"""Lines of numbers become a matrix, in blocks and threads, exactly.

A float64 written with its shortest or with 17 significant digits comes back with the same bits.
The compiled parser takes lines of plain numbers; what it leaves is parsed cell by cell, which
counts empty cells and names the first that is wrong. pandas is not used for it, because its
default parser is exact in some of its versions only.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._base.threads import ThreadPool
from carbonflows_fast.errors import FormatError, Phrase
from carbonflows_fast.readers._layouts._growing import Growing, sparse_rows

__all__ = [
    "LINE_END",
    "MOST_LABELS",
    "NO_NUMBER",
    "Label",
    "Numbers",
    "Row",
    "decoded",
    "line_bytes",
    "refuse_long",
    "refuse_many",
    "settle_blanks",
    "show",
]

logger = logging.getLogger(__name__)

Label = tuple[str, ...]  # one text for each label column or header line
Place = tuple[int, int]  # row and column, counted from 0

MOST_SHOWN = 300  # letters of a label in a message
MOST_PLACES = 1 << 16  # of empty cells that are kept, each of which is looked at
MOST_INT32 = np.iinfo(np.int32).max
MOST_LABELS = 1 << 20  # of rows or columns; a file of a few bytes can claim any number
BLOCK_CELLS = 1 << 18  # cells parsed at a time, some 5 MB of text
BLOCK_BYTES = 1 << 23  # of text parsed at a time, for cells of any length
WAITING_BYTES = 1 << 26  # of text that waits for a thread, beyond one block
CELL_BYTES = 1 << 10  # a number of float64 written out in full has up to 1,075 digits
LINE_BYTES = 1 << 16  # of a line with few cells, which may have long labels
LINE_END = b"\r\n"
NO_NUMBER = Phrase(
    'correct the cell; empty ones count as zero with blanks="zero"',
    "correct the cell; empty ones count as zero with --blanks zero",
)


class Block(NamedTuple):
    """Numbers of some rows, the number of empty cells, and the places of the first of these."""

    values: Any
    empty: int = 0
    places: Sequence[Place] = ()  # rows counted in the block


class Room(NamedTuple):
    """Where blocks are parsed, one after the other: fresh memory takes as long as the parsing."""

    row_starts: Any
    places: Any  # columns of the nonzeros
    values: FloatArray


class Row(NamedTuple):
    """A line: its number in the file, its labels, and where in its text the numbers begin.

    The text is not cut, since copies of all lines take as long as a good part of the parsing.
    """

    line: int
    label: Label
    text: bytes
    start: int = 0

    @property
    def size(self) -> int:
        """Bytes of the numbers, and of the line end if it is there."""
        return len(self.text) - self.start

    def cells(self) -> bytes:
        """The numbers alone."""
        return self.text[self.start :].rstrip(LINE_END)


def show(label: Sequence[str]) -> str:
    """Return a label as errors print it, without the end of a very long one.

    >>> show(("DE", "Steel"))
    "'DE | Steel'"
    """
    text = " | ".join(label)
    return repr(text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…")


def decoded(where: str, line: int, raw: bytes) -> str:
    """Return a line as text.

    Raises
    ------
    FormatError
        If it is not UTF-8.
    """
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError.about(
            f"{where}, line {line}",
            expected="UTF-8 text",
            got=str(error),
            remedy="save the file as UTF-8",
        ) from error


class Numbers:
    """Takes rows in the order of the file and gives them as one matrix.

    Parameters
    ----------
    where : str
        The file, for messages.
    columns : sequence of Label
        Of all columns of the file.
    delimiter : str
    wanted : array of bool, shape (len(columns),), optional
        Columns to keep; the cells of others are not looked at.
    sparse : bool
        Whether to give a csr_array without zeros.
    empty_value : float
        What an empty cell counts as.
    blanks : {"error", "zero"}
        Whether it may count as zero.
    """

    def __init__(
        self,
        where: str,
        columns: Sequence[Label],
        delimiter: str,
        *,
        wanted: BoolArray | None = None,
        sparse: bool = False,
        empty_value: float = 0.0,
        blanks: str = "error",
    ) -> None:
        self._where, self._columns, self._delimiter = where, columns, delimiter
        self._wanted = None if wanted is None else np.ascontiguousarray(wanted, dtype=np.uint8)
        self._chosen = range(len(columns)) if wanted is None else np.flatnonzero(wanted).tolist()
        self._sparse, self._empty_value, self._blanks = sparse, empty_value, blanks
        self._pending: list[Row] = []
        self._most_bytes = line_bytes(len(columns))
        self._pending_bytes = self._waiting_bytes = 0
        self._running: deque[tuple[list[Row], int, Room, Future[Block]]] = deque()
        self._spare: list[Room] = []
        self._empty, self._done = 0, 0  # cells, and rows
        self._empty_places: list[Place] = []
        self._first_empty = ""
        self._values = Growing(np.float64)
        self._places = Growing(np.int32)  # columns of the nonzeros
        self._counts = Growing(np.int64)  # nonzeros of each row
        self._threads = thread_count()
        self._pool = ThreadPool(self._threads)
        self._block_rows = max(1, BLOCK_CELLS // max(len(columns), 1))

    def __enter__(self) -> Numbers:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pool.shutdown(cancel_futures=True)

    def add(self, row: Row) -> None:
        """Take the next row. What is wrong with it may be said later, but is never lost."""
        size = row.size
        if size > self._most_bytes:
            refuse_long(self._where, row.line, row.cells(), len(self._columns), self._delimiter)
        self._pending.append(row)
        self._pending_bytes += size
        if len(self._pending) >= self._block_rows or self._pending_bytes >= BLOCK_BYTES:
            self._hand_over()

    def result(self, may_be_empty: Callable[[int, int], bool] | None = None) -> tuple[Any, int]:
        """Return the matrix, and how many cells were empty.

        Parameters
        ----------
        may_be_empty : callable, optional
            Told row and column, returns whether the publisher leaves the cell free for zero.
        """
        self._hand_over()
        while self._running:
            self._keep()
        if self._empty_value == 0.0:
            free = 0
            if may_be_empty and self._empty == len(self._empty_places):
                free = sum(may_be_empty(*place) for place in self._empty_places)
            settle_blanks(self._where, free, self._where, "zero")
            settle_blanks(self._where, self._empty - free, self._first_empty, self._blanks)
        width = len(self._chosen)
        values = self._values.result()
        if not self._sparse:
            return values.reshape(-1 if width else 0, width), self._empty
        counts = self._counts.result()
        starts = np.zeros(len(counts) + 1, np.int64 if len(values) > MOST_INT32 else np.int32)
        np.cumsum(counts, out=starts[1:])
        shape = len(counts), width
        return sp.csr_array((values, self._places.result(), starts), shape=shape), self._empty

    def _hand_over(self) -> None:
        if self._pending:
            room = self._spare.pop() if self._spare else self._new_room()
            task = self._pool.submit(self._parse, self._pending, room)
            self._running.append((self._pending, self._pending_bytes, room, task))
            self._waiting_bytes += self._pending_bytes
            self._pending, self._pending_bytes = [], 0
        while len(self._running) > 1 and (  # no more text than that in memory
            len(self._running) > 2 * self._threads or self._waiting_bytes > WAITING_BYTES
        ):
            self._keep()

    def _keep(self) -> None:
        """Put the block that was handed over first below those before it."""
        rows, size, room, task = self._running.popleft()
        numbers, empty, places = task.result()
        self._waiting_bytes -= size
        if empty and not self._first_empty:
            self._first_empty = self._place(rows[places[0][0]], places[0][1])
        self._empty += empty
        left = MOST_PLACES - len(self._empty_places)
        self._empty_places += [(self._done + row, column) for row, column in places[:left]]
        self._done += len(rows)
        if self._sparse:
            starts, places, values = numbers
            self._counts.add(np.diff(starts))
            self._places.add(places)
            self._values.add(values)
        else:
            self._values.add(numbers.ravel())
        self._spare.append(room)

    def _new_room(self) -> Room:
        rows, cells = self._block_rows, self._block_rows * len(self._chosen)
        places = np.empty(cells if self._sparse else 0, np.int32)
        return Room(np.empty(rows + 1, np.int64), places, np.empty(cells))

    def _parse(self, rows: list[Row], room: Room) -> Block:
        """Parse a block: the compiled parser where all cells are plain numbers."""
        lines, starts = [row.text for row in rows], [row.start for row in rows]
        asked = lines, starts, self._delimiter, len(self._columns), self._wanted
        if self._sparse:
            count = _core.parse_sparse(*asked, *room)
            if count >= 0:
                found = room.row_starts[: len(rows) + 1], room.places[:count], room.values[:count]
                return Block(found)
        elif _core.parse_dense(*asked, room.values):
            return Block(room.values[: len(rows) * len(self._chosen)])
        return self._parse_carefully(rows)

    def _parse_carefully(self, rows: list[Row]) -> Block:
        """Parse cell by cell, counting empty ones and naming the first that is no number."""
        values = np.empty((len(rows), len(self._chosen)))
        empty, places = 0, list[Place]()
        for position, row in enumerate(rows):
            text = decoded(self._where, row.line, row.cells())
            cells = [cell.strip() for cell in text.split(self._delimiter)]
            if len(cells) != len(self._columns):
                raise FormatError.about(
                    f"{self._where}, line {row.line}{_of(row.label)}",
                    expected=f"{len(self._columns)} numbers",
                    got=f"{len(cells)} cells",
                    remedy="the line is cut short or has cells too many: restore it",
                )
            for at, column in enumerate(self._chosen):
                if not cells[column]:
                    empty += 1
                    if len(places) <= MOST_PLACES:
                        places.append((position, column))
                values[position, at] = (
                    self._number(row, column, cells[column]) if cells[column] else self._empty_value
                )
        return Block(sparse_rows(values) if self._sparse else values, empty, places)

    def _place(self, row: Row, column: int) -> str:
        label = self._columns[column]
        place = f"{self._where}, line {row.line}"
        place += f", row {show(row.label)}" if row.label else ""
        return place + (f", column {show(label)}" if label else f", column {column + 1}")

    def _number(self, row: Row, column: int, cell: str) -> float:
        try:
            value = float(cell)
            if np.isfinite(value) and "_" not in cell:
                return value
        except ValueError:
            pass
        remedy: str = NO_NUMBER
        if "," in cell:
            remedy = "write decimals with a point, and thousands without a mark"
        raise FormatError.about(
            self._place(row, column), expected="a finite number", got=repr(cell[:80]), remedy=remedy
        )


def settle_blanks(where: str, count: int, first: str, blanks: str) -> None:
    """Refuse empty cells of a file, or log how many count as zero, if there are any.

    Parameters
    ----------
    where : str
        The file, for the log.
    count : int
        How many there are.
    first : str
        The place of the first.
    blanks : {"error", "zero"}
        What the user asked for, or the publisher says: `Files.blanks`.

    Raises
    ------
    FormatError
        If there are some and `blanks` is "error".
    """
    if count and blanks == "zero":
        cells = "cell counts" if count == 1 else "cells count"
        logger.warning("%s: %d empty %s as zero", where, count, cells)
    elif count:
        more = f", the first of {count} in the file" if count > 1 else ""
        raise FormatError.about(
            first,
            expected="a number in every cell",
            got=f"an empty cell{more}",
            remedy='fill in what is missing; where empty means zero, ask for blanks="zero"',
            typed="fill in what is missing; where empty means zero, ask for --blanks zero",
        )


def line_bytes(cells: int) -> int:
    """Return the most bytes that a line of that many cells may have."""
    return max(CELL_BYTES * cells, LINE_BYTES)


def refuse_long(where: str, line: int, text: bytes, cells: int, delimiter: str) -> None:
    """Refuse a line far longer than that many cells, before it is split or kept.

    Raises
    ------
    FormatError
    """
    most = line_bytes(cells)
    if len(text) > most:
        there = text.count(delimiter.encode()) + 1
        got = f"{there} cells" if there > cells else f"{len(text):,} bytes"
        raise FormatError.about(
            f"{where}, line {line}",
            expected=f"{cells} cells, {most:,} bytes at most",
            got=got,
            remedy="the line is damaged, or of another table: restore it",
        )


def refuse_many(where: str, line: int, count: int) -> None:
    """Refuse a list of labels that is longer than any table's, before it fills memory.

    Raises
    ------
    FormatError
    """
    if count >= MOST_LABELS:
        raise FormatError.about(
            f"{where}, line {line}",
            expected=f"at most {MOST_LABELS:,} labels",
            got="more",
            remedy="this is no table in a known layout",
        )


def _of(label: Label) -> str:
    return f" (row {show(label)})" if label else ""
