"""Frames and files that a user gives, CSV or the first sheet of a workbook.

Every complaint names lines: of a file those that an editor shows, the header being line 1; of a
frame its rows, counted from 1.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arrays import BoolArray, FloatArray
from carbonflows_fast._base.files import given_path
from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import FormatError, InputError, passed_on, shorten
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._sources._opening import open_files

__all__ = ["Given", "frame_of"]

FEW = 3  # lines that an error shows
HEADER = 1  # lines before the first record of a file
LETTERS = 60  # of a text in an error
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls")


@dataclass(frozen=True, slots=True, eq=False)
class Given:
    """A frame with known columns.

    Attributes
    ----------
    argument : str
        What it was given as; errors about a file name the file instead.
    frame : DataFrame
        With the columns it was given with.
    lines : ndarray of int64, shape (k,)
        Of each row, in the file or the frame.
    columns : dict of str to Hashable
        The frame's column of each known name that it has.
    called : str
        "line" or "row".
    """

    argument: str
    frame: pd.DataFrame
    lines: npt.NDArray[np.int64]
    columns: dict[str, Any]
    called: str

    def has(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self.columns

    def column(self, name: str) -> pd.Series:
        """Return a known column."""
        return self.frame[self.columns[name]]

    def texts(self, name: str) -> list[str]:
        """Return a column as texts without blanks around them; "" where it is empty or absent."""
        if not self.has(name):
            return [""] * len(self.frame)
        return ["" if pd.isna(cell) else str(cell).strip() for cell in self.column(name)]

    def coded(self, name: str) -> tuple[npt.NDArray[np.int64], list[str]]:
        """Return a column as codes (k,) of distinct texts; -1 where it is empty or absent."""
        if not self.has(name):
            return np.full(len(self.frame), -1), []
        codes, uniques = pd.factorize(self.column(name))
        labels: dict[str, int] = {}
        texts = ["" if pd.isna(one) else str(one).strip() for one in uniques]
        places = [labels.setdefault(text, len(labels)) if text else -1 for text in texts]
        found = np.array([*places, -1], dtype=np.int64)[codes]  # the last one is for code -1
        return found, list(labels)

    def at(self, bad: BoolArray, cells: Any = None) -> str:
        """Say which lines are meant: the first few by number, and how many there are.

        With `cells` (k,), also what stands there.
        """
        places = np.flatnonzero(bad)
        shown, more = places[:FEW], len(places) - FEW
        told = [f"{self.called} {self.lines[place]:,}" for place in shown]
        if cells is not None:
            told = [f"{_quoted(cells[at])} in {one}" for one, at in zip(told, shown)]
        rest = f" and {more:,} more {self.called}{'s' if more > 1 else ''}" if more > 0 else ""
        return ", ".join(told) + rest

    def place(self, column: str) -> str:
        """Return what errors about a column of this call it."""
        return f"{self.argument}, column {column}"

    def numbers(
        self, name: str, expected: str, fits: Callable[[FloatArray], BoolArray] = np.isfinite
    ) -> FloatArray:
        """Return a column of numbers.

        Raises
        ------
        InputError
            If some are none, or do not fit; all such lines are counted, and the first few shown.
        """
        column = self.column(name)
        values = _as_numbers(column)
        bad = ~(np.isfinite(values) & fits(values))
        if bad.any():
            got = self.at(bad, column.to_numpy(dtype=object, na_value=None))
            raise InputError.about(
                self.place(name),
                expected=expected,
                got=got,
                remedy="write plain numbers with a decimal point: no thousands separators, "
                "currency signs or empty cells",
            )
        return values

    def years(self, name: str, expected: str) -> npt.NDArray[np.int64]:
        """Return a column of years, 0 where it is empty or absent.

        Raises
        ------
        InputError
        """
        codes, labels = self.coded(name)
        years = [_year(label) for label in labels]
        wrong = np.array([*(year is None for year in years), False])[codes]
        if wrong.any():
            cells = self.column(name).to_numpy(dtype=object, na_value=None)
            raise InputError.about(
                self.place(name),
                expected=expected,
                got=self.at(wrong, cells),
                remedy="write years such as 2019",
            )
        return np.array([*(year or 0 for year in years), 0], dtype=np.int64)[codes]


def _quoted(cell: Any) -> str:
    if cell is None or (isinstance(cell, str) and not cell.strip()) or cell != cell:
        return "nothing"
    return repr(cell if isinstance(cell, str) else str(cell))[:LETTERS]


def _year(label: str) -> int | None:
    """Read a year; Excel and pandas may write 2019.0.

    >>> _year("2019"), _year("2019.0"), _year("FY19")
    (2019, 2019, None)
    """
    whole, _, zeros = label.partition(".")
    plain = whole.isascii() and whole.isdigit() and len(whole) == 4 and not zeros.strip("0")
    return int(whole) if plain else None


def _as_numbers(column: pd.Series) -> FloatArray:
    """Return a column as float64, NaN for what is no number."""
    kind = getattr(column.dtype, "kind", "O")
    if kind in "iuf":
        given: FloatArray = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return given
    if kind in "bcmM":
        return np.full(len(column), np.nan)
    found = np.full(len(column), np.nan)
    for at, cell in enumerate(column.to_numpy(dtype=object, na_value=None)):
        if isinstance(cell, Decimal | str | Real) and not isinstance(cell, bool | np.bool_):
            with suppress(ValueError, OverflowError):
                found[at] = np.nan if "_" in str(cell) else float(cell)
    return found


def _read(texts: pd.Series) -> FloatArray:
    """Return numbers that are all written as such, to the last digit.

    Raises
    ------
    ValueError
        If one is not; Python reads 1_000, too.
    """
    if texts.str.contains("_", regex=False).any():
        raise ValueError
    numbers: FloatArray = texts.to_numpy(dtype=object).astype(np.float64)
    return numbers


def frame_of(
    argument: str,
    given: Any,
    required: Sequence[str],
    optional: Sequence[str] = (),
    *,
    numeric: str | None = None,
    either: Sequence[str] = (),
) -> Given:
    """Return what a user gave as a frame or as the path of a CSV file or a workbook.

    Parameters
    ----------
    argument : str
    given : DataFrame or path
    required, optional : sequence of str
        Names of columns, in whatever letter case. Others are kept.
    numeric : str, optional
        A column of a large file that is worth reading as numbers at once.
    either : sequence of str
        Names of which one at least is required.

    Raises
    ------
    InputError
        If it is neither, if the file cannot be read, or if columns are missing or there twice.
    """
    called, name = "row", argument
    if isinstance(given, pd.DataFrame):
        frame, lines = given, np.arange(1, len(given) + 1)
    elif isinstance(given, str | os.PathLike):
        path = given_path(argument, given)
        called, name = "line", str(path)
        sheet = path.suffix.lower() in WORKBOOKS
        frame = _sheet(name, path) if sheet else _csv(name, path, numeric)
        lines = np.arange(1, len(frame) + 1) + HEADER
        blank = np.logical_and.reduce([_empty(frame[one]) for one in frame.columns])
        if blank.any():
            frame, lines = frame[~blank].reset_index(drop=True), lines[~blank]
    else:
        raise InputError.about(
            argument,
            expected="a DataFrame or the path of a CSV file or workbook",
            got=type(given).__name__,
            remedy=f"give columns {_listed(required, either)}",
        )
    known = _known_columns(name, frame, [*required, *either, *optional])
    lacking = [one for one in required if one not in known]
    if either and not any(one in known for one in either):
        lacking.append(" or ".join(either))
    if lacking:
        raise _columns_missing(name, frame, lacking, called)
    return Given(name, frame, lines.astype(np.int64), known, called)


def _listed(required: Sequence[str], either: Sequence[str]) -> str:
    return ", ".join([" or ".join(either)] * bool(either) + list(required))


def _empty(column: pd.Series) -> BoolArray:
    """Return which cells of a column of a file hold nothing."""
    if column.dtype.kind == "f":  # that all of them are numbers
        return np.zeros(len(column), dtype=np.bool_)
    if isinstance(column.dtype, pd.CategoricalDtype):
        blank = [not str(one).strip() for one in column.cat.categories]
        found: BoolArray = np.array([*blank, True])[column.cat.codes]
        return found
    empty: BoolArray = (column.isna() | (column.str.strip() == "")).to_numpy(dtype=np.bool_)
    return empty


def _csv(name: str, path: Any, numeric: str | None) -> pd.DataFrame:
    """Read a file; texts as they stand, and one column as numbers where all of it is that."""
    options: dict[str, Any] = {
        "keep_default_na": False,
        "skip_blank_lines": False,  # else lines would be miscounted
        "encoding": "utf-8-sig",
        "index_col": False,
    }
    try:
        heads = list(pd.read_csv(path, nrows=0, **options).columns)
        _refuse_cells_without_a_name(name, path, len(heads), options)
        if not any(numeric and _same(head, numeric) for head in heads):
            return pd.read_csv(path, dtype=str, **options)
        # Texts that come again and again are kept once.
        kinds: dict[Any, Any] = {
            head: str if _same(head, str(numeric)) else "category" for head in heads
        }
        frame = pd.read_csv(path, dtype=kinds, **options)
        for head in heads:
            if kinds[head] is str:
                with suppress(ValueError):  # what is no number is found later, cell by cell
                    frame[head] = _read(frame[head])
        return frame
    except InputError:  # a ValueError too
        raise
    except OSError as error:
        raise InputError.about(
            name,
            expected="a file that can be read",
            got=str(error.strerror or error),
            remedy="check the path",
        ) from error
    except ValueError as error:  # of the parser, and of letters that are not UTF-8
        reason = str(error).strip().removeprefix("Error ")
        raise InputError.about(
            name,
            expected="a CSV file in UTF-8 with a line of names, and commas between columns",
            got=" ".join(reason.split()) or "nothing in it",
            remedy="save it so, or read it with pandas and give the frame",
        ) from error


def _refuse_cells_without_a_name(name: str, path: Any, names: int, options: dict[str, Any]) -> None:
    """Refuse a file whose first record is longer than the line of names.

    Pandas takes its length for that of all, refuses longer ones, and leaves out what has no name.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            pd.read_csv(path, dtype=str, nrows=1, **options)
        except pd.errors.ParserWarning as warning:
            raise InputError.about(
                name,
                expected=f"lines of at most {count(names, 'cell')}, as many as names",
                got="more in the first line below them",
                remedy="put texts that have commas in quotes, and name all columns",
            ) from warning


def _sheet(name: str, path: Any) -> pd.DataFrame:
    """Read the first sheet of a workbook; its first row has the names, all cells are texts."""
    try:
        with open_files(path) as files:
            book = Workbook(files, next(iter(files.sizes)))
            rows = [[cell_text(cell) for cell in row] for row in book.stream(book.first)]
    except FormatError as error:
        raise passed_on(error, InputError, error.argument) from error
    width = max(map(len, rows), default=0)
    rows = [row + [""] * (width - len(row)) for row in rows]
    if not rows:
        raise InputError.about(
            name,
            expected="a workbook whose first sheet has a row of names",
            got="nothing in it",
            remedy="put the table on the first sheet",
        )
    # Columns without a name hold notes, or nothing.
    named = [at for at, head in enumerate(rows[0]) if head.strip()]
    cells = {rows[0][at]: [row[at] for row in rows[1:]] for at in named}
    if len(cells) < len(named):
        heads = [rows[0][at] for at in named]
        raise InputError.about(
            name,
            expected="a different name for each column",
            got=shorten(sorted({head for head in heads if heads.count(head) > 1})),
            remedy="rename or leave out the other",
        )
    return pd.DataFrame(cells, dtype=str)


def _same(head: Any, name: str) -> bool:
    return str(head).strip().casefold() == name


def _known_columns(name: str, frame: pd.DataFrame, names: Sequence[str]) -> dict[str, Any]:
    found = {}
    for one in names:
        heads = [head for head in frame.columns if _same(head, one)]
        if len(heads) > 1:
            raise InputError.about(
                name,
                expected=f"one column {one}",
                got=shorten(map(repr, heads)),
                remedy="rename or leave out the other",
            )
        if heads:
            found[one] = heads[0]
    return found


def _columns_missing(
    name: str, frame: pd.DataFrame, lacking: Sequence[str], called: str
) -> InputError:
    heads = [str(head) for head in frame.columns]
    remedy = "rename the columns that have them"
    if called == "line" and len(heads) == 1 and any(mark in heads[0] for mark in ";\t"):
        remedy = (
            "the file has semicolons or tabs: save it with commas and decimal points, or read it "
            "with pandas and give the frame"
        )
    many = "s" if len(lacking) > 1 else ""
    return InputError.about(
        name,
        expected=f"the column{many} {shorten(lacking)}",
        got=f"columns {shorten([head[:LETTERS] for head in heads], 8)}",
        remedy=remedy,
    )
