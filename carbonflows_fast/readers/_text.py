"""Tab-separated tables: lines become labels and numbers, each error naming file and place.

Shared by the readers of text layouts. Numbers are parsed exactly: a float64 written with its
shortest or with 17 significant digits comes back with the same bits. pandas is not used for it,
because its default parser is exact in some of its versions only.
"""

from __future__ import annotations

import csv
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._parts import FloatArray
from carbonflows_fast.errors import FormatError, wrong
from carbonflows_fast.readers._files import TextFolder

__all__ = [
    "Label",
    "TextTable",
    "check_same_labels",
    "read_matrix",
    "read_units",
    "show",
]

logger = logging.getLogger(__name__)

Label = tuple[str, ...]  # one text for each label column or header line

BLOCK_CELLS = 1 << 20  # cells parsed at a time: 8 MB of numbers


def show(label: Sequence[str]) -> str:
    """Return a label as errors print it.

    >>> show(("DE", "Steel"))
    "'DE | Steel'"
    """
    return repr(" | ".join(label))


@dataclass(frozen=True)
class TextTable:
    """Numbers with the labels around them, and where they stand in the file.

    Attributes
    ----------
    where : str
        The file, for messages.
    rows : list of Label
        Labels of all rows of the file, those left out by `keep` as well.
    lines : list of int
        The line of each row.
    columns : list of Label
    kept : list of int
        Positions in `rows` of the rows of `values`.
    values : ndarray or csr_array, shape (len(kept), len(columns))
    empty : int
        How many cells were empty; they are zero in `values`, or NaN if so asked.
    """

    where: str
    rows: list[Label]
    lines: list[int]
    columns: list[Label]
    kept: list[int]
    values: Any
    empty: int


@dataclass(frozen=True)
class _Row:
    line: int
    label: Label
    cells: str


def _text(where: str, line: int, raw: bytes) -> str:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise FormatError(
            wrong(
                f"{where}, line {line}",
                expected="UTF-8 text",
                got=str(error),
                remedy="save the file as UTF-8",
            )
        ) from error


def _split(where: str, line: int, raw: bytes) -> list[str]:
    """Split a line at the tabs; a quoted cell may hold quotes and tabs, as pandas writes them."""
    text = _text(where, line, raw)
    if '"' not in text:
        return text.split("\t")
    try:
        return next(csv.reader([text], delimiter="\t", strict=True))
    except csv.Error:
        return text.split("\t")  # a quote that quotes nothing is part of the label


def _header(
    where: str, lines: Iterator[tuple[int, bytes]], header_lines: int, label_columns: int | None
) -> tuple[int, list[Label]]:
    """Read the header lines; return the number of label columns and the column labels."""
    levels: list[list[str]] = []
    for _ in range(header_lines):
        number, raw = next(lines, (0, b""))
        cells = _split(where, number, raw)
        if label_columns is None:
            # "region", then one empty cell for each further label column
            first = next((i for i, cell in enumerate(cells[1:], start=1) if cell.strip()), 1)
            label_columns = first
        if len(cells) <= label_columns or (levels and len(cells) != len(levels[0])):
            expected = str(len(levels[0])) if levels else f"more than {label_columns}"
            raise FormatError(
                wrong(
                    f"{where}, line {number or 'after the last'}",
                    expected=f"a header line of {expected} tab-separated cells",
                    got=f"{len(cells)}",
                    remedy="check that the file is a tab-separated table and complete",
                )
            )
        levels.append(cells)
    width = label_columns or 1
    return width, list(zip(*(cells[width:] for cells in levels), strict=True))


def _rows(
    where: str, lines: Iterable[tuple[int, bytes]], label_columns: int, header_lines: int
) -> Iterator[_Row]:
    """Yield the rows below the header, without the line that names the label columns."""
    first = True
    for number, raw in lines:
        if b'"' in raw:
            cells = _split(where, number, raw)
            label, rest = cells[:label_columns], ["\t".join(cells[label_columns:])]
            rest = rest if len(cells) > label_columns else []
        else:
            parts = raw.split(b"\t", label_columns)
            label = [_text(where, number, part) for part in parts[:label_columns]]
            rest = [_text(where, number, part) for part in parts[label_columns:]]
        names_line = first and header_lines > 1 and not "".join(rest).strip()
        first = False
        if names_line:
            continue
        if not rest:
            raise FormatError(
                wrong(
                    f"{where}, line {number}",
                    expected=f"{label_columns} label(s), then numbers",
                    got=f"{len(label)} cell(s): {show(label)}",
                    remedy="the file is cut short or not tab-separated: check its last lines",
                )
            )
        if not all(part.strip() for part in label):
            raise FormatError(
                wrong(
                    f"{where}, line {number}",
                    expected="a text in each label column",
                    got=show(label),
                    remedy="fill in the missing label",
                )
            )
        yield _Row(number, tuple(label), rest[0])


def _parse_carefully(
    where: str, rows: Sequence[_Row], columns: Sequence[Label], empty_value: float
) -> tuple[FloatArray, int]:
    """Parse cell by cell, counting empty ones and naming the first that is no number."""
    values = np.empty((len(rows), len(columns)))
    empty = 0
    for position, row in enumerate(rows):
        cells = [cell.strip() for cell in row.cells.split("\t")]
        if len(cells) != len(columns):
            raise FormatError(
                wrong(
                    f"{where}, line {row.line} (row {show(row.label)})",
                    expected=f"{len(columns)} numbers",
                    got=f"{len(cells)} cells",
                    remedy="the line is cut short or has cells too many: restore it",
                )
            )
        empty += cells.count("")
        for column, cell in enumerate(cells):
            values[position, column] = (
                _number(where, row, columns[column], cell) if cell else empty_value
            )
    return values, empty


def _number(where: str, row: _Row, column: Label, cell: str) -> float:
    try:
        value = float(cell)
        if np.isfinite(value) and "_" not in cell:
            return value
    except ValueError:
        pass
    raise FormatError(
        wrong(
            f"{where}, line {row.line}, row {show(row.label)}, column {show(column)}",
            expected="a finite number",
            got=repr(cell),
            remedy="correct the cell, or leave it empty to count as zero",
        )
    )


def _parse(
    where: str, rows: Sequence[_Row], columns: Sequence[Label], empty_value: float
) -> tuple[FloatArray, int]:
    """Parse a block of rows: NumPy's exact parser where all cells are numbers."""
    if all(not row.cells or row.cells.isspace() for row in rows):
        return _parse_carefully(where, rows, columns, empty_value)  # loadtxt warns of no data
    try:
        values = np.loadtxt((row.cells for row in rows), delimiter="\t", comments=None, ndmin=2)
    except ValueError:
        return _parse_carefully(where, rows, columns, empty_value)
    if values.shape != (len(rows), len(columns)) or not np.isfinite(values).all():
        return _parse_carefully(where, rows, columns, empty_value)
    return values, 0


def _sparse_block(values: FloatArray) -> Any:
    row, column = np.nonzero(values)
    indptr = np.zeros(len(values) + 1, dtype=np.int64)
    np.cumsum(np.bincount(row, minlength=len(values)), out=indptr[1:])
    return values[row, column], column.astype(np.int32), indptr


def _stack(blocks: list[FloatArray], width: int, sparse: bool) -> Any:
    """Put blocks of rows below each other, as one dense array or one csr_array."""
    if not sparse:
        return np.concatenate(blocks) if blocks else np.zeros((0, width))
    data, columns, indptrs = zip(*blocks, strict=True) if blocks else ((), (), ())
    indptr = np.zeros(1, dtype=np.int64)
    for block in indptrs:
        indptr = np.concatenate([indptr, indptr[-1] + block[1:]])
    if indptr[-1] <= np.iinfo(np.int32).max:
        indptr = indptr.astype(np.int32)
    arrays = (
        np.concatenate([np.zeros(0), *data]),
        np.concatenate([np.zeros(0, np.int32), *columns]),
        indptr,
    )
    return sp.csr_array(arrays, shape=(len(indptr) - 1, width))


def read_matrix(
    folder: TextFolder,
    name: str,
    *,
    label_columns: int | None = None,
    header_lines: int = 2,
    keep: Callable[[Label], bool] | None = None,
    sparse: bool = False,
    empty_value: float = 0.0,
) -> TextTable:
    """Read a tab-separated table of numbers with labels at the left and on top.

    Parameters
    ----------
    folder : TextFolder
    name : str
        The file in it.
    label_columns : int, optional
        How many columns hold labels; None: as many as the header's first line leaves free.
    header_lines : int
    keep : callable, optional
        Told the label of a row, returns whether its numbers are wanted; others are not parsed.
    sparse : bool
        Return `values` as csr_array without zeros.
    empty_value : float
        What an empty cell counts as. Empty cells are counted, and a warning is logged if they
        count as zero.

    Raises
    ------
    FormatError
        For a missing or damaged file, a line of another length, a cell that is no finite number.
    """
    where = folder.where(name)
    lines = folder.lines(name)
    width, columns = _header(where, lines, header_lines, label_columns)
    table = TextTable(where, [], [], columns, [], None, 0)
    blocks: list[Any] = []
    pending: list[_Row] = []
    empty = 0

    def flush() -> int:
        values, count = _parse(where, pending, columns, empty_value)
        blocks.append(_sparse_block(values) if sparse else values)
        pending.clear()
        return count

    for row in _rows(where, lines, width, header_lines):
        if keep is None or keep(row.label):
            table.kept.append(len(table.rows))
            pending.append(row)
        table.rows.append(row.label)
        table.lines.append(row.line)
        if len(pending) * len(columns) >= BLOCK_CELLS:
            empty += flush()
    if pending:
        empty += flush()
    if empty and empty_value == 0.0:
        logger.warning(
            "%s: %d empty %s as zero", where, empty, "cell counts" if empty == 1 else "cells count"
        )
    values = _stack(blocks, len(columns), sparse)
    return TextTable(where, table.rows, table.lines, columns, table.kept, values, empty)


def read_units(folder: TextFolder, name: str, label_columns: int) -> tuple[list[Label], list[str]]:
    """Read a unit file: one header line, then labels, and the unit in the last column.

    Columns go by position, because their names differ between releases.
    """
    where = folder.where(name)
    lines = folder.lines(name)
    next(lines, None)
    labels: list[Label] = []
    units: list[str] = []
    for number, raw in lines:
        cells = _split(where, number, raw)
        if len(cells) <= label_columns:
            raise FormatError(
                wrong(
                    f"{where}, line {number}",
                    expected=f"{label_columns} label(s) and a unit",
                    got=f"{len(cells)} cell(s): {show(cells)}",
                    remedy="restore the line",
                )
            )
        labels.append(tuple(cells[:label_columns]))
        units.append(cells[-1])
    return labels, units


def check_same_labels(
    what: str, labels: Sequence[Label], reference: str, expected: Sequence[Label]
) -> None:
    """Raise unless two sequences of labels are equal in order.

    Raises
    ------
    FormatError
        Naming the first place where they differ.
    """
    if list(labels) == list(expected):
        return
    pairs = enumerate(zip(labels, expected, strict=False))
    at = next((i for i, (a, b) in pairs if a != b), min(len(labels), len(expected)))
    if len(labels) != len(expected):
        here = show(labels[at]) if at < len(labels) else "nothing"
        raise FormatError(
            wrong(
                what,
                expected=f"{len(expected)} labels, as in {reference}",
                got=f"{len(labels)}, with {here} at position {at + 1}",
                remedy="the file is cut short or belongs to another table: restore it",
            )
        )
    swapped = sorted(labels) == sorted(expected)
    remedy = (
        "the same labels stand in another order: sort numbers and labels of one file together"
        if swapped
        else "correct the label, or take both files from one table"
    )
    raise FormatError(
        wrong(
            f"{what}, position {at + 1}",
            expected=f"{show(expected[at])}, as in {reference}",
            got=show(labels[at]),
            remedy=f"{remedy}; nothing is realigned in silence",
        )
    )
