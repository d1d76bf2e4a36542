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

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.errors import CarbonFlowsError, FormatError
from carbonflows_fast.readers._layouts._growing import Growing, sparse_rows
from carbonflows_fast.readers._layouts._number_parser import (
    MOST_INT32,
    MOST_LABELS,
    NO_NUMBER,
    Label,
    settle_blanks,
    show,
)
from carbonflows_fast.readers._layouts._text import TextTable, check_label
from carbonflows_fast.readers._sources._files import Files

__all__ = ["ParquetFrame", "open_parquet"]

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
            yield _frame(where, handle, reader, files, name)
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
        raise FormatError.about(
            where,
            expected="a complete Parquet file",
            got=f"{type(error).__name__} ({said})",
            remedy="it is damaged, cut short or no such file: save or copy it again",
        ) from error


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
    _handle: Any  # the file, open for reading
    _reader: Any  # pyarrow.parquet.ParquetFile
    _index_fields: list[str]
    _fields: list[str]  # what the file calls `columns`
    _size: int
    _on_bytes: Callable[[int], object]
    _blanks: str

    def matrix(
        self,
        *,
        keep: Callable[[Label], bool] | None = None,
        sparse: bool = False,
        empty_value: float = 0.0,
        gaps: bool = False,
        most_rows: int = MOST_LABELS,
    ) -> TextTable:
        """Return its labels and numbers.

        Parameters
        ----------
        keep, sparse, gaps, most_rows
            As in `read_matrix`.
        empty_value : float
            What a null counts as, as in `read_matrix`. With NaN, NaN may be in the file too.

        Raises
        ------
        FormatError
            If a label is missing, a column has no numbers, or one is empty or no finite number.
        """
        there = self._reader.metadata.num_rows
        if there > 2 * most_rows:
            raise FormatError.about(
                self.where,
                expected=f"{most_rows} rows",
                got=f"{there}",
                remedy="the file belongs to another table: restore it",
            )
        rows = self._rows(gaps)
        kept = [at for at, label in enumerate(rows) if keep is None or keep(label)]
        numbers = _Numbers(self, rows, np.array(kept, np.intp), empty_value)
        values, empty = numbers.read(sparse)
        if empty_value == 0.0:
            settle_blanks(self.where, empty, numbers.first_empty, self._blanks)
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
        column = self._label_reader.read(columns=self._fields[-1:]).column(self._fields[-1])
        if column.null_count and not gaps:
            at = column.is_null().to_pylist().index(True)
            raise FormatError.about(
                f"{self.where}, row {at + 1}",
                expected="a text",
                got="None",
                remedy="write texts, empty ones where nothing is known",
            )
        return self._rows(gaps), _texts(column)

    def _rows(self, gaps: bool) -> list[Label]:
        """Return the labels of all rows."""
        read = self._label_reader.read(columns=self._index_fields)
        levels = [_texts(read.column(field)) for field in self._index_fields]
        rows = list(zip(*levels, strict=True))
        for at, label in enumerate(rows, start=1):
            check_label(f"{self.where}, row {at}", label, gaps)
        return rows

    def _read(self, group: int, fields: list[str]) -> Any:
        """Return columns of a group of rows."""
        return self._reader.read_row_group(group, columns=fields, use_threads=thread_count() > 1)

    @property
    def _label_reader(self) -> Any:
        """A reader of texts, which keeps each once: a file of 1 kB may have one a million times."""
        import pyarrow.parquet as pq

        texts = [*self._index_fields, self._fields[-1]]
        return pq.ParquetFile(self._handle, metadata=self._reader.metadata, read_dictionary=texts)


# --- the header -------------------------------------------------------------------------------


def _frame(where: str, handle: Any, reader: Any, files: Files, name: str) -> ParquetFrame:
    """Tell columns with labels of rows from others, and what both are called."""
    names, rows = reader.schema_arrow.names, reader.metadata.num_rows
    if max(len(names), rows) > MOST_LABELS or len(names) * rows > MOST_CELLS:
        raise FormatError.about(
            where,
            got=f"{rows} × {len(names)}",
            remedy="this is no table in a known layout",
            expected=f"at most {MOST_LABELS} rows and columns, and {MOST_CELLS} cells",
        )
    if len(set(names)) != len(names):
        raise FormatError.about(
            where,
            expected="each column once",
            got="a name again",
            remedy="correct the label, or add up what has the same one",
        )
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
        raise FormatError.about(
            where,
            expected="a DataFrame with labels in its index, as pandas writes it",
            got="no index",
            remedy="set the index, then write it with to_parquet",
        )
    fields = [name for name in names if name not in index_fields]
    if not fields:
        raise FormatError.about(
            where,
            expected="columns beside the labels of rows",
            got="labels alone",
            remedy="restore the file",
        )
    columns = [_column_label(where, field, len(levels)) for field in fields]
    return ParquetFrame(
        where,
        index,
        levels,
        columns,
        handle,
        reader,
        index_fields,
        fields,
        files.sizes[name],
        files.on_bytes,
        files.blanks,
    )


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
    raise FormatError.about(
        f"{where}, column {name!r}",
        expected=f"a name made of {depth} labels",
        got="another",
        remedy="save the table with pymrio, or DataFrame.to_parquet",
    )


def _texts(column: Any) -> list[str]:
    """Return the texts of a column, equal ones as one object."""
    texts: list[str] = []
    for chunk in column.chunks:
        if hasattr(chunk, "dictionary"):
            known = [_text(value) for value in chunk.dictionary.to_pylist()]
            texts += ["" if at is None else known[at] for at in chunk.indices.to_pylist()]
        else:
            texts += map(_text, chunk.to_pylist())
    return texts


def _text(value: Any) -> str:
    return "" if value is None else str(value)


# --- the numbers ------------------------------------------------------------------------------


class _Numbers:
    """Reads the numbers of a file: those of some rows and all columns."""

    def __init__(
        self, frame: ParquetFrame, rows: list[Label], kept: Any, empty_value: float
    ) -> None:
        self._frame, self._rows, self._kept = frame, rows, kept
        self._empty_value = empty_value
        self._empty = self._done = 0
        self.first_empty = ""

    def read(self, sparse: bool) -> tuple[Any, int]:
        """Return the matrix, and how many cells were empty."""
        self._refuse_texts()
        reader, width = self._frame._reader, len(self._frame.columns)
        dense = None if sparse else np.empty((len(self._kept), width))
        blocks = [sp.csr_array((0, width))]
        start = done = 0
        for group in range(reader.num_row_groups):
            stop = start + reader.metadata.row_group(group).num_rows
            kept = self._kept[(self._kept >= start) & (self._kept < stop)]
            batches = self._batches(group, start, stop, kept)
            if dense is None:
                blocks.append(_sparse(batches, (len(kept), width)))
            else:
                _fill(dense[done : done + len(kept)], batches)
            start, done = stop, done + len(kept)
        if dense is not None:
            return dense, self._empty
        return (blocks[1] if len(blocks) == 2 else sp.vstack(blocks, "csr")), self._empty

    def _refuse_texts(self) -> None:
        """Refuse columns that hold no numbers, before they are read."""
        import pyarrow.types as types

        schema = self._frame._reader.schema_arrow
        for field, label in zip(self._frame._fields, self._frame.columns, strict=True):
            kind = schema.field(field).type
            if not (types.is_integer(kind) or types.is_floating(kind) or types.is_null(kind)):
                raise FormatError.about(
                    f"{self._frame.where}, column {show(label)}",
                    expected="numbers",
                    got=f"cells of type {kind}",
                    remedy="save the column as numbers, e.g. with pd.to_numeric",
                )

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
        values: FloatArray = cells.to_numpy()[kept - start].astype(np.float64)
        null = np.zeros(len(values), bool)
        if cells.null_count:
            null = cells.is_null().to_numpy()[kept - start]
            if null.any():
                self._empty += int(null.sum())
                place = self._place(int(kept[null.argmax()]), column)
                self.first_empty = self.first_empty or place
            values[null] = self._empty_value
        bad = np.isinf(values) if np.isnan(self._empty_value) else ~np.isfinite(values)
        if bad.any():
            at = int(bad.argmax())
            raise FormatError.about(
                self._place(int(kept[at]), column),
                expected="a finite number",
                got=repr(float(values[at])),
                remedy=NO_NUMBER,
            )
        return values

    def _place(self, row: int, column: int) -> str:
        return (
            f"{self._frame.where}, row {row + 1} ({show(self._rows[row])}), "
            f"column {show(self._frame.columns[column])}"
        )


def _fill(values: FloatArray, batches: Iterator[FloatArray]) -> None:
    """Put blocks of columns side by side."""
    first = 0
    for block in batches:
        values[:, first : first + len(block)] = block.T
        first += len(block)


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
