"""Frames as sheets of an Excel workbook (.xlsx), by openpyxl, the extra `excel`."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carbonflows_fast.errors import InputError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import pandas as pd

__all__ = ["check_workbook", "write_workbook"]

MOST_ROWS = 1_048_576 - 1
MOST_LETTERS = 32_767
"""What a sheet, and a cell, can hold; the first row is the names."""


def check_workbook(path: Path, argument: str, rows: int = 0) -> None:
    """Refuse what could not be written as a workbook, before anything is computed for it.

    Raises
    ------
    InputError
        If the name ends otherwise, openpyxl is missing, or there are more rows than a sheet has.
    """
    if path.suffix.lower() != ".xlsx":
        raise InputError.about(
            argument,
            expected="a file name that ends in .xlsx",
            got=repr(str(path)),
            remedy="write it so",
        )
    try:
        import openpyxl  # noqa: F401
    except ImportError as error:
        raise InputError.about(
            "openpyxl",
            expected="an installed package, to write .xlsx",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[excel]'`",
        ) from error
    _require_room(rows, path)


def _require_room(rows: int, path: Path) -> None:
    if rows > MOST_ROWS:
        raise InputError.about(
            str(path),
            expected=f"at most {MOST_ROWS:,} rows, which a sheet of Excel has",
            got=f"{rows:,}",
            remedy="write a .csv or .parquet file",
        )


def write_workbook(sheets: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write the columns of frames (their indices left out), each as a sheet.

    Numbers keep 16 digits, as many as openpyxl writes. NaN is an empty cell, and a text stays a
    text whatever it begins with: a spreadsheet must not run what stands in a ledger.

    Raises
    ------
    InputError
        If a frame has more rows than a sheet, or a text more letters than a cell.
    """
    from openpyxl import Workbook
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE

    # First everything that may be wrong: openpyxl does not end well what it has begun.
    cells = {}
    for name, frame in sheets.items():
        _require_room(len(frame), path)
        cells[name] = [_cells(frame.iloc[:, at], path) for at in range(frame.shape[1])]

    def text(value: str) -> Any:
        plain = ILLEGAL_CHARACTERS_RE.sub("\ufffd", value)
        if plain[:1] not in ("=", "#"):
            return plain
        cell = WriteOnlyCell(sheet, plain)
        cell.data_type = "s"  # not a formula, nor an error of Excel's own
        return cell

    book = Workbook(write_only=True)
    for name, frame in sheets.items():
        sheet = book.create_sheet(name)
        sheet.freeze_panes = "A2"
        sheet.append([text(str(head)) for head in frame.columns])
        for row in zip(*cells.pop(name), strict=True):
            sheet.append([text(cell) if isinstance(cell, str) else cell for cell in row])
    book.save(path)


def _cells(column: pd.Series, path: Path) -> list[Any]:
    """Return the cells of a column as Python's own texts and numbers, None for nothing."""
    found = [_cell(value) for value in column.tolist()]
    longest = max((one for one in found if isinstance(one, str)), key=len, default="")
    if len(longest) > MOST_LETTERS:
        raise InputError.about(
            str(path),
            expected=f"texts of at most {MOST_LETTERS:,} letters, which a cell has",
            got=f"{len(longest):,} in {longest[:30]!r}…",
            remedy="write a .csv or .parquet file",
        )
    return found


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or value != value or str(value) == "<NA>":
        return None
    if isinstance(value, str | bool | int):
        return value
    return value.item() if isinstance(value, np.generic) else str(value)
