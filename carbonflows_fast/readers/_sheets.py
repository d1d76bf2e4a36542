"""Spreadsheets (xlsx, xlsb, xls): their sheets as rows of cells, with places for messages."""

from __future__ import annotations

import io
import zipfile
from typing import Any

from carbonflows_fast.errors import FormatError, shorten, wrong
from carbonflows_fast.readers._files import Files

__all__ = ["Workbook", "cell_name"]

UNPACKED_BYTES = 1 << 31  # of all parts of a workbook; that of WIOD 2016 has 0.2 GB


class Workbook:
    """A spreadsheet file, read whole when it is opened; sheets are taken apart when asked for.

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

        self.file = files.where(name)
        content = files.content(name)
        self._refuse_bombs(content)
        try:
            self._book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        except BaseException as error:
            raise self._damaged(error) from error
        self.names: list[str] = list(self._book.sheet_names)

    def rows(self, sheet: str) -> list[list[Any]]:
        """Return the cells of a sheet from A1 on: text, numbers, "" where empty.

        Raises
        ------
        FormatError
            If there is no such sheet, or it is damaged.
        """
        if sheet not in self.names:
            raise FormatError(
                wrong(self.file, expected=f"a sheet {sheet!r}", got=shorten(map(repr, self.names)),
                      remedy="restore the workbook as it was published")
            )  # fmt: skip
        try:
            rows: list[list[Any]] = self._book.get_sheet_by_name(sheet).to_python(
                skip_empty_area=False
            )
        except BaseException as error:
            raise self._damaged(error) from error
        return rows

    def where(self, sheet: str, row: int | None = None, column: int | None = None) -> str:
        """Return how errors call a sheet, a row of it, or a cell; both counted from 0."""
        place = f"{self.file}, sheet {sheet!r}"
        if row is None:
            return place
        return f"{place}, " + (f"row {row + 1}" if column is None else cell_name(row, column))

    def _refuse_bombs(self, content: bytes) -> None:
        stream = io.BytesIO(content)
        if not zipfile.is_zipfile(stream):
            return  # xls is not compressed
        try:
            with zipfile.ZipFile(stream) as archive:
                unpacked = sum(part.file_size for part in archive.infolist())
        except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
            raise self._damaged(error) from error
        if unpacked > UNPACKED_BYTES:
            raise FormatError(
                wrong(self.file, expected=f"a workbook of at most {UNPACKED_BYTES >> 30} GB",
                      got=f"{unpacked / 1e9:.1f} GB when unpacked",
                      remedy="this is no table in a known layout")
            )  # fmt: skip

    def _damaged(self, error: BaseException) -> FormatError:
        # The parser's own panics are no Exception; everything else that is none must pass.
        if not isinstance(error, Exception) and type(error).__name__ != "PanicException":
            raise error
        return FormatError(
            wrong(self.file, expected="a readable spreadsheet",
                  got=f"{type(error).__name__} ({error})",
                  remedy="it is damaged, cut short or encrypted: download or copy it again")
        )  # fmt: skip


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
