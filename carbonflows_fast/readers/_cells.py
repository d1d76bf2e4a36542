"""Lines of numbers become a matrix, in blocks and threads, exactly.

A float64 written with its shortest or with 17 significant digits comes back with the same bits.
The compiled parser takes lines of plain numbers; what it leaves is parsed cell by cell, which
counts empty cells and names the first that is wrong. pandas is not used for it, because its
default parser is exact in some of its versions only.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from types import TracebackType
from typing import Any, NamedTuple

import numpy as np
import scipy.sparse as sp

from carbonflows_fast import _core
from carbonflows_fast._machine import thread_count
from carbonflows_fast._parts import BoolArray, FloatArray
from carbonflows_fast._threads import ThreadPool
from carbonflows_fast.errors import FormatError, wrong

__all__ = ["Growing", "Label", "Numbers", "Row", "decoded", "show", "sparse_rows", "warn_of_empty"]

logger = logging.getLogger(__name__)

Label = tuple[str, ...]  # one text for each label column or header line
Block = tuple[Any, int]  # numbers, and how many cells were empty

MOST_INT32 = np.iinfo(np.int32).max
BLOCK_CELLS = 1 << 18  # cells parsed at a time, some 5 MB of text


class Row(NamedTuple):
    """A line: its number in the file, its labels, and the text of its numbers."""

    line: int
    label: Label
    cells: bytes


def show(label: Sequence[str]) -> str:
    """Return a label as errors print it.

    >>> show(("DE", "Steel"))
    "'DE | Steel'"
    """
    return repr(" | ".join(label))


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
        raise FormatError(
            wrong(f"{where}, line {line}", expected="UTF-8 text", got=str(error),
                  remedy="save the file as UTF-8")
        ) from error  # fmt: skip


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
    """

    def __init__(
        self, where: str, columns: Sequence[Label], delimiter: str, *,
        wanted: BoolArray | None = None, sparse: bool = False, empty_value: float = 0.0,
    ) -> None:  # fmt: skip
        self._where, self._columns, self._delimiter = where, columns, delimiter
        self._wanted = None if wanted is None else np.ascontiguousarray(wanted, dtype=np.uint8)
        self._chosen = range(len(columns)) if wanted is None else np.flatnonzero(wanted).tolist()
        self._sparse, self._empty_value = sparse, empty_value
        self._pending: list[Row] = []
        self._running: deque[Future[Block]] = deque()
        self._empty = 0
        self._values = Growing(np.float64)
        self._places = Growing(np.int32)  # columns of the nonzeros
        self._counts = Growing(np.int64)  # nonzeros of each row
        self._threads = thread_count()
        self._pool = ThreadPool(self._threads)
        self._block_rows = max(1, BLOCK_CELLS // max(len(columns), 1))

    def __enter__(self) -> Numbers:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self._pool.shutdown(cancel_futures=True)

    def add(self, row: Row) -> None:
        """Take the next row. What is wrong with it may be said later, but is never lost."""
        self._pending.append(row)
        if len(self._pending) >= self._block_rows:
            self._hand_over()

    def result(self) -> tuple[Any, int]:
        """Return the matrix, and how many cells were empty."""
        self._hand_over()
        while self._running:
            self._keep(self._running.popleft().result())
        if self._empty_value == 0.0:
            warn_of_empty(self._where, self._empty)
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
            self._running.append(self._pool.submit(self._parse, self._pending))
            self._pending = []
        while len(self._running) > 2 * self._threads:  # no more text than that in memory
            self._keep(self._running.popleft().result())

    def _keep(self, block: Block) -> None:
        """Put a block of rows below those before it."""
        numbers, empty = block
        self._empty += empty
        if self._sparse:
            starts, places, values = numbers
            self._counts.add(np.diff(starts))
            self._places.add(places)
            self._values.add(values)
        else:
            self._values.add(numbers.ravel())

    def _parse(self, rows: list[Row]) -> Block:
        """Parse a block: the compiled parser where all cells are plain numbers."""
        lines = [row.cells for row in rows]
        asked = lines, self._delimiter, len(self._columns), self._wanted
        plain = (
            _core.parse_sparse(*asked) if self._sparse
            else _core.parse_dense(*asked, len(self._chosen))
        )  # fmt: skip
        return self._parse_carefully(rows) if plain is None else (plain, 0)

    def _parse_carefully(self, rows: list[Row]) -> Block:
        """Parse cell by cell, counting empty ones and naming the first that is no number."""
        values = np.empty((len(rows), len(self._chosen)))
        empty = 0
        for position, row in enumerate(rows):
            text = decoded(self._where, row.line, row.cells)
            cells = [cell.strip() for cell in text.split(self._delimiter)]
            if len(cells) != len(self._columns):
                raise FormatError(
                    wrong(f"{self._where}, line {row.line}{_of(row.label)}",
                          expected=f"{len(self._columns)} numbers", got=f"{len(cells)} cells",
                          remedy="the line is cut short or has cells too many: restore it")
                )  # fmt: skip
            for at, column in enumerate(self._chosen):
                empty += not cells[column]
                values[position, at] = (
                    self._number(row, column, cells[column]) if cells[column]
                    else self._empty_value
                )  # fmt: skip
        return (sparse_rows(values) if self._sparse else values), empty

    def _number(self, row: Row, column: int, cell: str) -> float:
        try:
            value = float(cell)
            if np.isfinite(value) and "_" not in cell:
                return value
        except ValueError:
            pass
        label = self._columns[column]
        place = f"{self._where}, line {row.line}"
        place += f", row {show(row.label)}" if row.label else ""
        place += f", column {show(label)}" if label else f", column {column + 1}"
        remedy = "correct the cell, or leave it empty to count as zero"
        if "," in cell:
            remedy = "write decimals with a point, and thousands without a mark"
        raise FormatError(wrong(place, expected="a finite number", got=repr(cell), remedy=remedy))


class Growing:
    """An array that grows in place: blocks that wait to be put together would be there twice."""

    def __init__(self, dtype: Any) -> None:
        self._array = np.empty(0, dtype)
        self._used = 0

    def add(self, block: Any) -> None:
        end = self._used + len(block)
        if end > len(self._array):
            self._array.resize(end + end // 8, refcheck=False)
        self._array[self._used : end] = block
        self._used = end

    def result(self) -> Any:
        self._array.resize(self._used, refcheck=False)
        return self._array


def warn_of_empty(where: str, count: int) -> None:
    """Log how many empty cells of a file count as zero, if there are any."""
    if count:
        cells = "cell counts" if count == 1 else "cells count"
        logger.warning("%s: %d empty %s as zero", where, count, cells)


def _of(label: Label) -> str:
    return f" (row {show(label)})" if label else ""


def sparse_rows(values: FloatArray) -> Any:
    """Return row starts, columns and values of the nonzeros, as the compiled parser does."""
    row, column = np.nonzero(values)
    starts = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(values)), out=starts[1:])
    return starts, column.astype(np.int32), values[row, column]
