"""Spreadsheets (xlsx, xlsb, xls): their sheets as rows of cells, with places for messages."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._number_parser import NO_NUMBER
from carbonflows_fast.readers._layouts._sheet_bounds import count_error_cells
from carbonflows_fast.readers._layouts._xls_bounds import count_xls_errors
from carbonflows_fast.readers._sources._files import Files

__all__ = ["Workbook", "cell_name", "cell_text"]

ZIP, COMPOUND = b"PK", b"\xd0\xcf\x11\xe0"  # how xlsx and xlsb begin, and xls
NUMBERS = {float, int}


class Workbook:
    """A spreadsheet file, read whole when it is opened; sheets are taken apart when asked for.

    A sheet takes some 70 bytes a cell while it is read, so 0.5 GB for the 2,478 × 2,690 of WIOD
    2016, and its file and the parts of it are in memory too. What no table needs, such as a cell
    far from all others, is refused before the parser makes room for it.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.

    Raises
    ------
    FormatError
        If the file is missing, damaged, encrypted, or far larger than any table.
    """

    def __init__(self, files: Files, name: str) -> None:
        from python_calamine import CalamineWorkbook

        self.file, self.blanks = files.where(name), files.blanks
        content = files.content(name)
        try:
            self._errors = self._looked_through(content)
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except FormatError:
            raise
        except BaseException as error:
            raise self._damaged(error) from error
        self.names: list[str] = list(self._book.sheet_names)

    @property
    def first(self) -> str:
        """The first sheet."""
        if not self.names:
            raise FormatError.about(
                self.file,
                expected="a workbook with sheets",
                got="none",
                remedy="restore the workbook as it was published",
            )
        return self.names[0]

    def rows(self, sheet: str) -> list[list[Any]]:
        """Return the cells of a sheet from A1 on: text, numbers, "" where empty.

        Raises
        ------
        FormatError
            If there is no such sheet, or it is damaged.
        """
        return list(self.stream(sheet))

    def stream(self, sheet: str) -> Iterator[list[Any]]:
        """Yield the rows of a sheet from the first on, their cells from column A on.

        Raises
        ------
        FormatError
            If there is no such sheet, or it is damaged.
        """
        if sheet not in self.names:
            raise FormatError.about(
                self.file,
                expected=f"a sheet {sheet!r}",
                got=shorten(map(repr, self.names)),
                remedy="restore the workbook as it was published",
            )
        try:
            cells = self._book.get_sheet_by_name(sheet)
            if cells.start is None:
                return
            left = [""] * cells.start[1]
            for row in cells.iter_rows():
                yield left + row
        except BaseException as error:
            raise self._damaged(error) from error

    def numbers(
        self, sheet: str, row: int, columns: Sequence[int], cells: Sequence[Any]
    ) -> tuple[FloatArray, list[int]]:
        """Return cells of a row as numbers, and which of them were empty and are zero here.

        Parameters
        ----------
        sheet : str
        row : int
        columns : sequence of int
            Columns of the cells, counted from 0.
        cells : sequence
            As `rows` or `stream` give them.

        Raises
        ------
        FormatError
            If a cell is no finite number, or was empty in a workbook with errors such as #REF!,
            which look like empty cells.
        """
        empty: list[int] = []
        if not set(map(type, cells)) <= NUMBERS:
            filled = []
            for at, cell in enumerate(cells):
                if type(cell) not in NUMBERS and (type(cell) is not str or cell.strip()):
                    raise self._no_number(sheet, row, columns[at], cell)
                filled.append(cell if type(cell) is not str else 0.0)
                if type(cell) is str:
                    empty.append(at)
            cells = filled
        values = np.array(cells, dtype=np.float64)
        finite = np.isfinite(values)
        if not finite.all():
            at = int(np.argmin(finite))
            raise self._no_number(sheet, row, columns[at], cells[at])
        if empty and self._errors:
            raise FormatError.about(
                f"{self.where(sheet, row)}, {len(empty)} empty cell(s)",
                expected="numbers",
                got=f"a workbook with {self._errors} error(s) like #REF!, which look empty",
                remedy="correct the cells with errors",
            )
        return values, empty

    def where(self, sheet: str, row: int | None = None, column: int | None = None) -> str:
        """Return how errors call a sheet, a row of it, or a cell; both counted from 0."""
        place = f"{self.file}, sheet {sheet!r}"
        if row is None:
            return place
        return f"{place}, " + (f"row {row + 1}" if column is None else cell_name(row, column))

    def _looked_through(self, content: bytes) -> int:
        """Refuse what the parser could not bear; return how many cells hold errors."""
        if content.startswith(ZIP):
            return count_error_cells(self.file, content)
        if content.startswith(COMPOUND):
            return count_xls_errors(self.file, content)
        raise FormatError.about(
            self.file,
            expected="a workbook as xlsx, xlsb or xls",
            got=f"a file that begins with {content[:8]!r}",
            remedy="it is damaged, or no spreadsheet: download or copy it again",
        )

    def _no_number(self, sheet: str, row: int, column: int, cell: Any) -> FormatError:
        return FormatError.about(
            self.where(sheet, row, column),
            expected="a finite number",
            got=f"{cell!r}, a text" if _is_text_of_number(cell) else repr(cell),
            remedy=NO_NUMBER,
        )

    def _damaged(self, error: BaseException) -> FormatError:
        # The parser's own panics are no Exception; everything else that is none must pass.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise error
        return FormatError.about(
            self.file,
            expected="a readable spreadsheet",
            got=f"{type(error).__name__} ({error})",
            remedy="it is damaged, cut short or encrypted: download or copy it again",
        )


def _is_text_of_number(cell: Any) -> bool:
    """Return whether a cell looks like a number, and is kept as text."""
    return isinstance(cell, str) and re.fullmatch(r"\s*[-+]?\d[\d.,' ]*", cell) is not None


def cell_name(row: int, column: int) -> str:
    """Return the name of a cell, row and column counted from 0.

    Examples
    --------
    >>> cell_name(6, 4), cell_name(0, 26)
    ('E7', 'AA1')
    """
    letters = ""
    column += 1
    while column:
        column, letter = divmod(column - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{row + 1}"


def cell_text(cell: Any) -> str:
    """Return a cell as a label: the sector 19 is often stored as a number.

    >>> cell_text(19.0), cell_text("15t16")
    ('19', '15t16')
    """
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
