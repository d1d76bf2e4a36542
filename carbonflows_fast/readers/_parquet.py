"""Parquet as pandas writes it: labels of rows in columns, those of columns in their names.

pyarrow is loaded when the first such file is read. Columns are read in batches, so that a large
matrix is never there in full: what counts is its nonzeros.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._machine import thread_count
from carbonflows_fast._parts import FloatArray
from carbonflows_fast.errors import FormatError, wrong
from carbonflows_fast.readers._cells import (
    MOST_INT32,
    Growing,
    Label,
    show,
    sparse_rows,
    warn_of_empty,
)
from carbonflows_fast.readers._files import Files
from carbonflows_fast.readers._text import TextTable, check_label

__all__ = ["read_parquet", "read_parquet_units"]

MOST_LABELS = 1 << 20  # of rows or columns; a file of a few bytes can claim any number
BATCH_CELLS = 1 << 21  # cells read at a time, 16 MB of numbers


def read_parquet(
    files: Files,
    name: str,
    *,
    keep: Callable[[Label], bool] | None = None,
    sparse: bool = False,
    empty_value: float = 0.0,
    gaps: bool = False,
) -> TextTable:
    """Read a table of numbers with labels, as `read_matrix` does for text.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    keep, sparse, empty_value, gaps
        As in `read_matrix`. A null is an empty cell.

    Raises
    ------
    FormatError
        For a missing or damaged file, one without labels, a cell that is no finite number.
    """
    with _opened(files, name) as file:
        rows = file.rows(gaps)
        kept = [at for at, label in enumerate(rows) if keep is None or keep(label)]
        values, empty = _Numbers(file, rows, np.array(kept, np.intp), empty_value).read(sparse)
    if empty_value == 0.0:
        warn_of_empty(file.where, empty)
    lines = list(range(1, len(rows) + 1))
    return TextTable(file.where, rows, lines, file.labels, kept, values, empty, "row")


def read_parquet_units(files: Files, name: str) -> tuple[list[Label], list[str]]:
    """Read a unit file: the labels of rows, and the unit in the last column."""
    with _opened(files, name) as file:
        units = file.read(None, file.columns[-1:]).column(file.columns[-1])
        return file.rows(gaps=True), [_text(unit) for unit in units.to_pylist()]


@dataclass(frozen=True)
class _File:
    """An open file: what its columns are called, which hold labels, and what the others mean."""

    where: str
    reader: Any  # pyarrow.parquet.ParquetFile
    index: list[str]
    columns: list[str]
    labels: list[Label]
    size: int
    on_bytes: Callable[[int], object]

    def read(self, group: int | None, columns: list[str]) -> Any:
        """Return columns of a group of rows, or of all."""
        options: dict[str, Any] = {"columns": columns, "use_threads": thread_count() > 1}
        if group is None:
            return self.reader.read(**options)
        return self.reader.read_row_group(group, **options)

    def rows(self, gaps: bool) -> list[Label]:
        """Return the labels of all rows."""
        read = self.read(None, self.index)
        levels = [[_text(value) for value in read.column(n).to_pylist()] for n in self.index]
        rows = list(zip(*levels, strict=True))
        for at, label in enumerate(rows, start=1):
            check_label(f"{self.where}, row {at}", label, gaps)
        return rows


@contextmanager
def _opened(files: Files, name: str) -> Iterator[_File]:
    """Open a file; what pyarrow raises while it is used becomes a FormatError."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = files.where(name)
    try:
        with files.seekable(name) as handle, pq.ParquetFile(handle) as reader:
            index, columns, labels = _header(where, reader)
            yield _File(where, reader, index, columns, labels, files.sizes[name], files.on_bytes)
    except (pa.ArrowException, OSError, MemoryError, UnicodeDecodeError) as error:
        said = str(error).split("\n", 1)[0]
        raise FormatError(
            wrong(where, expected="a complete Parquet file", got=f"{type(error).__name__} ({said})",
                  remedy="it is damaged, cut short or no such file: save or copy it again")
        ) from error  # fmt: skip


def _header(where: str, reader: Any) -> tuple[list[str], list[str], list[Label]]:
    """Return the columns that hold labels of rows, the others, and what these are labelled."""
    names = reader.schema_arrow.names
    size = max(len(names), reader.metadata.num_rows)
    if size > MOST_LABELS or len(set(names)) != len(names):
        raise FormatError(
            wrong(where, expected=f"at most {MOST_LABELS} rows and columns, each name once",
                  got=f"{size} of one" if size > MOST_LABELS else "a name again",
                  remedy="this is no table in a known layout")
        )  # fmt: skip
    try:
        about = json.loads((reader.schema_arrow.metadata or {}).get(b"pandas", b"{}"))
        index, depth = about["index_columns"], len(about["column_indexes"])
        good = bool(index) and all(isinstance(one, str) and one in names for one in index)
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise FormatError(
            wrong(where, expected="labels of rows in an index, as pandas writes it",
                  got="none", remedy="save the table with pymrio, or DataFrame.to_parquet")
        )  # fmt: skip
    columns = [name for name in names if name not in index]
    if not columns:
        raise FormatError(
            wrong(where, expected="columns beside the labels of rows", got="labels alone",
                  remedy="restore the file")
        )  # fmt: skip
    return index, columns, [_column_label(where, name, depth) for name in columns]


def _column_label(where: str, name: str, depth: int) -> Label:
    """Return the label that a name means: several levels are written as Python writes a tuple."""
    if depth <= 1:
        return (name,)
    try:
        parts = ast.literal_eval(name)
        if isinstance(parts, tuple) and len(parts) == depth:
            return tuple(_text(part) for part in parts)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        pass
    raise FormatError(
        wrong(f"{where}, column {name!r}", expected=f"a name made of {depth} labels",
              got="another", remedy="save the table with pymrio, or DataFrame.to_parquet")
    )  # fmt: skip


def _text(value: Any) -> str:
    return "" if value is None else str(value)


class _Numbers:
    """Reads the numbers of a file: those of some rows and all columns."""

    def __init__(self, file: _File, rows: list[Label], kept: Any, empty_value: float) -> None:
        self._file, self._rows, self._kept, self._empty_value = file, rows, kept, empty_value
        self._empty = self._done = 0

    def read(self, sparse: bool) -> tuple[Any, int]:
        """Return the matrix, and how many cells were empty."""
        width = len(self._file.columns)
        blocks = [np.zeros((0, width))] if not self._file.reader.num_row_groups else []
        start = 0
        for group in range(self._file.reader.num_row_groups):
            stop = start + self._file.reader.metadata.row_group(group).num_rows
            kept = self._kept[(self._kept >= start) & (self._kept < stop)]
            batches = self._batches(group, start, stop, kept)
            blocks.append((_sparse if sparse else _dense)(batches, (len(kept), width)))
            start = stop
        if len(blocks) == 1:
            return (sp.csr_array(blocks[0]) if sparse else blocks[0]), self._empty
        return (sp.vstack(blocks, "csr") if sparse else np.concatenate(blocks)), self._empty

    def _batches(self, group: int, start: int, stop: int, kept: Any) -> Iterator[FloatArray]:
        """Yield the columns of a group of rows, in blocks of shape (columns, rows)."""
        step = max(1, BATCH_CELLS // max(stop - start, 1))
        names = self._file.columns
        for first in range(0, len(names), step):
            part = self._file.read(group, names[first : first + step])
            block = np.empty((min(step, len(names) - first), len(kept)))
            for at in range(len(block)):
                column = part.column(names[first + at])
                block[at] = self._column(first + at, column, start, kept)
            self._told((stop - start) * len(block))
            yield block

    def _told(self, cells: int) -> None:
        """Tell which part of the file has been read, as if all cells were equally large."""
        size, all_cells = self._file.size, max(len(self._rows) * len(self._file.columns), 1)
        before, self._done = self._done, self._done + cells
        self._file.on_bytes(size * self._done // all_cells - size * before // all_cells)

    def _column(self, column: int, cells: Any, start: int, kept: Any) -> FloatArray:
        """Return the numbers of some rows of one column."""
        import pyarrow.types as types

        kind = cells.type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)):
            raise FormatError(
                wrong(f"{self._file.where}, column {show(self._file.labels[column])}",
                      expected="numbers", got=f"cells of type {kind}",
                      remedy="save the column as numbers")
            )  # fmt: skip
        values: FloatArray = cells.to_numpy()[kept - start].astype(np.float64)
        if cells.null_count:
            null = cells.is_null().to_numpy()[kept - start]
            self._empty += int(null.sum())
            values[null] = self._empty_value
        else:
            null = np.zeros(len(values), bool)
        wrong_ones = np.flatnonzero(~(np.isfinite(values) | null))
        if len(wrong_ones):
            at = kept[wrong_ones[0]]
            raise FormatError(
                wrong(f"{self._file.where}, row {at + 1} ({show(self._rows[at])}), "
                      f"column {show(self._file.labels[column])}",
                      expected="a finite number", got=repr(float(values[wrong_ones[0]])),
                      remedy="correct the cell, or leave it empty to count as zero")
            )  # fmt: skip
        return values


def _dense(batches: Iterator[FloatArray], shape: tuple[int, int]) -> FloatArray:
    """Put blocks of columns side by side."""
    values: FloatArray = np.empty(shape)
    first = 0
    for block in batches:
        values[:, first : first + len(block)] = block.T
        first += len(block)
    return values


def _sparse(batches: Iterator[FloatArray], shape: tuple[int, int]) -> Any:
    """Put blocks of columns side by side, as csr_array without zeros."""
    values, places, counts = Growing(np.float64), Growing(np.int32), Growing(np.int64)
    for block in batches:
        starts, rows, numbers = sparse_rows(block)  # rows of the block are columns of the matrix
        counts.add(np.diff(starts))
        places.add(rows)
        values.add(numbers)
    numbers = values.result()
    starts = np.zeros(shape[1] + 1, np.int64 if len(numbers) > MOST_INT32 else np.int32)
    np.cumsum(counts.result(), out=starts[1:])
    return sp.csc_array((numbers, places.result(), starts), shape=shape).tocsr()
