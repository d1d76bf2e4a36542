"""DataFrames in sheets of a workbook, as pandas or a person writes them."""

from __future__ import annotations

import html
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._layouts._number_parser import MOST_LABELS, Label, settle_blanks
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._layouts._text import TextTable, check_label
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._zips import DAMAGE

__all__ = ["SheetFrame", "sheet_names"]

SHEET = re.compile(rb'<(?:\w+:)?sheet\b[^>]*?\bname="([^"]*)"')
LIST_BYTES = 1 << 20  # of the list of sheets; a workbook has some dozens


def sheet_names(files: Files, name: str) -> list[str]:
    """Return the sheets of an xlsx on disk, without opening it; none if it cannot be read.

    A workbook in a zip would have to be unpacked for that.
    """
    if any((files.root + name).startswith(prefix) for prefix in files.archives):
        return []
    try:
        with zipfile.ZipFile(files.on_disk(name)) as book, book.open("xl/workbook.xml") as part:
            names = SHEET.findall(part.read(LIST_BYTES))
        return [html.unescape(found.decode()) for found in names]
    except (*DAMAGE, KeyError, ValueError, RuntimeError, NotImplementedError):
        return []


class SheetFrame:
    """A DataFrame in a sheet; attributes and methods as of `ParquetFrame`.

    A label that is empty is that of the cell before it, as in merged cells, but for the last level.

    Parameters
    ----------
    book : Workbook
    sheet : str
    header_lines : int
        How many levels its columns have; with one there is a single column.
    width : int, optional
        How many levels its index has; None: as many columns as have no number, but for the last of
        all.
    """

    def __init__(
        self, book: Workbook, sheet: str, header_lines: int, width: int | None = None
    ) -> None:
        self.where = book.where(sheet)
        self._book, self._sheet = book, sheet
        cells = _trimmed(book.rows(sheet))
        if len(cells) <= header_lines:
            raise FormatError.about(
                self.where,
                expected=f"{header_lines} header row(s), then rows",
                got=f"{len(cells)} row(s)",
                remedy="write the labels of columns above the numbers, and those of rows at left",
            )
        if width is None:
            width = len(cells[0]) - 1 if header_lines == 1 else _label_columns(cells[header_lines:])
        if len(cells[0]) <= width:
            raise FormatError.about(
                self.where,
                expected=f"{width} column(s) of labels, then others",
                got=f"{len(cells[0])} column(s)",
                remedy="write the labels of rows at left of the numbers",
            )
        head, below = cells[:header_lines], cells[header_lines]
        named = header_lines > 1 and not any(map(_filled, below[width:]))
        self._first = header_lines + named  # row of the first numbers, from 0
        self.index = [cell_text(cell) for cell in (below if named else [""] * width)[:width]]
        if header_lines == 1:
            self.index = [cell_text(cell) for cell in head[0][:width]]
        self.levels = [cell_text(row[width - 1] or row[0]) for row in head]
        self.columns = _labels(
            [list(level) for level in zip(*(r[width:] for r in head), strict=True)]
        )
        self._rows = _labels([row[:width] for row in cells[self._first :]])
        self._cells = [row[width:] for row in cells[self._first :]]

    def matrix(
        self,
        *,
        keep: Callable[[Label], bool] | None = None,
        sparse: bool = False,
        empty_value: float = 0.0,
        gaps: bool = False,
        most_rows: int = MOST_LABELS,
    ) -> TextTable:
        """Return its labels and numbers, as `ParquetFrame.matrix` does.

        Raises
        ------
        FormatError
            If a label is missing, or a cell is empty or no finite number.
        """
        self._check_labels(gaps)
        width = len(self.index)
        places = range(width, width + len(self.columns))
        kept = [at for at, label in enumerate(self._rows) if keep is None or keep(label)]
        values = np.empty((len(kept), len(self.columns)))
        count, first = 0, ""
        for row, at in enumerate(kept):
            line = self._first + at
            values[row], empty = self._book.numbers(self._sheet, line, places, self._cells[at])
            values[row, empty] = empty_value
            if empty and not count:
                first = self._book.where(self._sheet, line, places[empty[0]])
            count += len(empty)
        if empty_value == 0.0:
            settle_blanks(self.where, count, first, self._book.blanks)
        lines = [self._first + at + 1 for at in range(len(self._rows))]
        result = sp.csr_array(values) if sparse else values
        return TextTable(self.where, self._rows, lines, self.columns, kept, result, count, "row")

    def texts(self, *, gaps: bool = False) -> tuple[list[Label], list[str]]:
        """Return the labels of rows, and the texts in the last column, empty ones included."""
        self._check_labels(gaps)
        return self._rows, [cell_text(cells[-1]) for cells in self._cells]

    def _check_labels(self, gaps: bool) -> None:
        for at, label in enumerate(self._rows):
            check_label(self._book.where(self._sheet, self._first + at), label, gaps)


def _trimmed(cells: list[list[Any]]) -> list[list[Any]]:
    """Return the cells without empty rows and columns at the end."""
    while cells and not any(map(_filled, cells[-1])):
        cells.pop()
    width = max((at for row in cells for at, cell in enumerate(row, 1) if _filled(cell)), default=0)
    return [row[:width] for row in cells]


def _label_columns(cells: Sequence[list[Any]]) -> int:
    """Return how many columns at left have no number, at least one."""
    columns = zip(*cells, strict=True)
    return max(1, next((at for at, column in enumerate(columns) if any(map(_number, column))), 1))


def _labels(rows: Sequence[list[Any]]) -> list[Label]:
    """Return labels of several levels, where all but the last may be merged cells."""
    labels: list[Label] = []
    for row in rows:
        texts = [cell_text(cell) for cell in row]
        for level in range(len(texts) - 1):
            if not texts[level].strip() and labels:
                texts[level] = labels[-1][level]
        labels.append(tuple(texts))
    return labels


def _filled(cell: Any) -> bool:
    return not isinstance(cell, str) or bool(cell.strip())


def _number(cell: Any) -> bool:
    return isinstance(cell, int | float) and not isinstance(cell, bool)
