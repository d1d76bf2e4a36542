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
from carbonflows_fast.errors import CarbonFlowsError, FormatError, wrong
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

__all__ = ["ParquetFrame", "open_parquet"]

MOST_LABELS = 1 << 20  # of rows or columns; a file of a few bytes can claim any number
MOST_CELLS = 1 << 32  # GLORIA has 1.6e9
BATCH_CELLS = 1 << 21  # cells read at a time, 16 MB of numbers


@contextmanager
def open_parquet(files: Files, name: str) -> Iterator[ParquetFrame]:
    """Open a DataFrame in a Parquet file; its numbers are read when asked for.

    What pyarrow raises while it is open becomes a FormatError.

    Raises
    ------
    FormatError
        If the file is missing or damaged, not pandas' own, has no labelled index, or is far
        larger than any table.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    where = files.where(name)
    try:
        with files.seekable(name) as handle, pq.ParquetFile(handle) as reader:
            yield _frame(where, reader, files.sizes[name], files.on_bytes)
    except CarbonFlowsError:
        raise
    except (
        pa.ArrowException,
        ArithmeticError,
        LookupError,
        MemoryError,
        OSError,
        ValueError,
    ) as error:  # a damaged file raises any of them
        said = str(error).split("\n", 1)[0]
        raise FormatError(
            wrong(where, expected="a complete Parquet file", got=f"{type(error).__name__} ({said})",
                  remedy="it is damaged, cut short or no such file: save or copy it again")
        ) from error  # fmt: skip


@dataclass(frozen=True)
class ParquetFrame:
    """A DataFrame in an open file.

    Attributes
    ----------
    where : str
        The file, for messages.
    index, levels : list of str
        What the levels of its index and of its columns are called, "" where nothing is said.
    columns : list of Label
    """

    where: str
    index: list[str]
    levels: list[str]
    columns: list[Label]
    _reader: Any  # pyarrow.parquet.ParquetFile
    _index_fields: list[str]
    _fields: list[str]  # what the file calls `columns`
    _size: int
    _on_bytes: Callable[[int], object]

    def matrix(
        self, *, keep: Callable[[Label], bool] | None = None, sparse: bool = False,
        empty_value: float | None = None, gaps: bool = False,
    ) -> TextTable:  # fmt: skip
        """Return its labels and numbers.

        Parameters
        ----------
        keep, sparse, gaps
            As in `read_matrix`.
        empty_value : float, optional
            What a null counts as; None: it is refused. They are counted, and a warning is logged
            if they count as zero. With NaN, NaN may stand in the file too.

        Raises
        ------
        FormatError
            If a label is missing, a column has no numbers, or one is no finite number.
        """
        rows = self._rows(gaps)
        kept = [at for at, label in enumerate(rows) if keep is None or keep(label)]
        values, empty = _Numbers(self, rows, np.array(kept, np.intp), empty_value).read(sparse)
        if empty_value == 0.0:
            warn_of_empty(self.where, empty)
        lines = list(range(1, len(rows) + 1))
        return TextTable(self.where, rows, lines, self.columns, kept, values, empty, "row")

    def texts(self, *, gaps: bool = False) -> tuple[list[Label], list[str]]:
        """Return the labels of rows, and the texts in the last column.

        Parameters
        ----------
        gaps : bool
            Whether labels may lack some of their parts, not all, and texts be missing.

        Raises
        ------
        FormatError
            If a label or a text is missing.
        """
        texts = self._read(None, self._fields[-1:]).column(self._fields[-1]).to_pylist()
        if None in texts and not gaps:
            raise FormatError(
                wrong(f"{self.where}, row {texts.index(None) + 1}", expected="a text", got="None",
                      remedy="write texts, empty ones where nothing is known")
            )  # fmt: skip
        return self._rows(gaps), [_text(text) for text in texts]

    def _rows(self, gaps: bool) -> list[Label]:
        """Return the labels of all rows."""
        read = self._read(None, self._index_fields)
        levels = [map(_text, read.column(field).to_pylist()) for field in self._index_fields]
        rows = list(zip(*levels, strict=True))
        for at, label in enumerate(rows, start=1):
            check_label(f"{self.where}, row {at}", label, gaps)
        return rows

    def _read(self, group: int | None, fields: list[str]) -> Any:
        """Return columns of a group of rows, or of all."""
        options: dict[str, Any] = {"columns": fields, "use_threads": thread_count() > 1}
        if group is None:
            return self._reader.read(**options)
        return self._reader.read_row_group(group, **options)


# --- the header -------------------------------------------------------------------------------


def _frame(where: str, reader: Any, size: int, on_bytes: Callable[[int], object]) -> ParquetFrame:
    """Tell columns with labels of rows from others, and what both are called."""
    names, rows = reader.schema_arrow.names, reader.metadata.num_rows
    if max(len(names), rows) > MOST_LABELS or len(names) * rows > MOST_CELLS:
        raise FormatError(
            wrong(where, got=f"{rows} × {len(names)}", remedy="this is no table in a known layout",
                  expected=f"at most {MOST_LABELS} rows and columns, and {MOST_CELLS} cells")
        )  # fmt: skip
    if len(set(names)) != len(names):
        raise FormatError(
            wrong(where, expected="each column once", got="a name again",
                  remedy="correct the label, or add up what has the same one")
        )  # fmt: skip
    try:
        about = json.loads((reader.schema_arrow.metadata or {}).get(b"pandas", b"{}"))
        index_fields, levels = about["index_columns"], about["column_indexes"]
        called = {column["field_name"]: column["name"] for column in about["columns"]}
        index = [_text(called[field]) for field in index_fields if field in names]
        levels = [_text(level["name"]) for level in levels]
        good = 0 < len(index) == len(index_fields)
    except (ValueError, KeyError, TypeError, RecursionError):
        good = False
    if not good:
        raise FormatError(
            wrong(where, expected="a DataFrame with labels in its index, as pandas writes it",
                  got="no index", remedy="set the index, then write it with to_parquet")
        )  # fmt: skip
    fields = [name for name in names if name not in index_fields]
    if not fields:
        raise FormatError(
            wrong(where, expected="columns beside the labels of rows", got="labels alone",
                  remedy="restore the file")
        )  # fmt: skip
    columns = [_column_label(where, field, len(levels)) for field in fields]
    return ParquetFrame(where, index, levels, columns, reader, index_fields, fields, size, on_bytes)


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


# --- the numbers ------------------------------------------------------------------------------


class _Numbers:
    """Reads the numbers of a file: those of some rows and all columns."""

    def __init__(
        self, frame: ParquetFrame, rows: list[Label], kept: Any, empty_value: float | None
    ) -> None:
        self._frame, self._rows, self._kept = frame, rows, kept
        self._refuses_empty = empty_value is None
        self._empty_value = np.nan if empty_value is None else empty_value
        self._empty = self._done = 0

    def read(self, sparse: bool) -> tuple[Any, int]:
        """Return the matrix, and how many cells were empty."""
        reader, width = self._frame._reader, len(self._frame.columns)
        blocks = [np.zeros((0, width))] if not reader.num_row_groups else []
        start = 0
        for group in range(reader.num_row_groups):
            stop = start + reader.metadata.row_group(group).num_rows
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
        fields = self._frame._fields
        for first in range(0, len(fields), step):
            part = self._frame._read(group, fields[first : first + step])
            block = np.empty((min(step, len(fields) - first), len(kept)))
            for at in range(len(block)):
                column = part.column(fields[first + at])
                block[at] = self._column(first + at, column, start, kept)
            self._told((stop - start) * len(block))
            yield block

    def _told(self, cells: int) -> None:
        """Tell which part of the file has been read, as if all cells were equally large."""
        size, all_cells = self._frame._size, max(len(self._rows) * len(self._frame.columns), 1)
        before, self._done = self._done, self._done + cells
        self._frame._on_bytes(size * self._done // all_cells - size * before // all_cells)

    def _column(self, column: int, cells: Any, start: int, kept: Any) -> FloatArray:
        """Return the numbers of some rows of one column."""
        import pyarrow.types as types

        kind = cells.type
        if not (types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)):
            raise FormatError(
                wrong(f"{self._frame.where}, column {show(self._frame.columns[column])}",
                      expected="numbers", got=f"cells of type {kind}",
                      remedy="save the column as numbers, e.g. with pd.to_numeric")
            )  # fmt: skip
        values: FloatArray = cells.to_numpy()[kept - start].astype(np.float64)
        null = np.zeros(len(values), bool)
        if cells.null_count:
            null = cells.is_null().to_numpy()[kept - start]
            self._empty += int(null.sum())
            values[null] = self._empty_value
        bad = ~np.isfinite(values)
        if np.isnan(self._empty_value) and not self._refuses_empty:
            bad = np.isinf(values)
        if bad.any():
            at = int(bad.argmax())
            self._refuse(int(kept[at]), column, None if null[at] else float(values[at]))
        return values

    def _refuse(self, row: int, column: int, value: float | None) -> None:
        remedy = "correct the cell"
        if not self._refuses_empty:
            remedy += ", or leave it empty to count as zero"
        elif value is None or np.isnan(value):
            remedy = "find out why it is missing, then fill it, e.g. with fillna(0)"
        raise FormatError(
            wrong(f"{self._frame.where}, row {row + 1} ({show(self._rows[row])}), "
                  f"column {show(self._frame.columns[column])}", expected="a finite number",
                  got="an empty cell" if value is None else repr(value), remedy=remedy)
        )  # fmt: skip


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
