"""The table of release 2016 as data of R: WIOT2014_October16_ROW.RData.

One data frame `wiot`, with the columns IndustryCode, IndustryDescription, Country, RNr and Year,
then one for each sector and category (AUS1 … ROW56, AUS57 … ROW61) and the total, TOT. It becomes
rows of cells in the order of the workbook, which `read_world` reads. Tried on fixtures alone.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, InputError, shorten
from carbonflows_fast.readers._sources._files import Files

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Frame"]

NAME = "wiot"
LABELS = ["IndustryCode", "IndustryDescription", "Country", "RNr"]
YEAR, TOTAL = "Year", "TOT"
# The file calls categories by their number alone; the workbook of the release has both.
CATEGORIES = {"57": "CONS_h", "58": "CONS_np", "59": "CONS_g", "60": "GFCF", "61": "INVEN"}
MOST_BYTES = 1 << 30  # unpacked; a year has 53 MB
LONGEST = 1 << 20  # sequences that R keeps as first number, step and length
PACKED: dict[bytes, Callable[..., Any]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}
RESTORE = "it is damaged or another one: download it again, or take the workbook of the year"


class Frame:
    """The file as a workbook of one sheet, read whole when it is opened.

    Raises
    ------
    InputError
        If the package rdata is not installed.
    FormatError
        If the file is damaged, or holds something else.
    """

    def __init__(self, files: Files, name: str, year: int | None) -> None:
        self.file, self.blanks = files.where(name), files.blanks
        self._frame = _frame(self.file, files.content(name))
        columns = list(map(str, self._frame.columns))
        wanted = [*LABELS, YEAR]
        if columns[: len(wanted)] != wanted:
            raise self._wrong(f"the columns {', '.join(wanted)} first", shorten(columns))
        self._columns = columns[len(wanted) :]
        self._labels = [list(map(_text, self._frame[label])) for label in LABELS]
        codes, _, regions, numbers = self._labels
        self._codes = dict(zip(zip(regions, numbers, strict=True), codes, strict=True))
        years = set(map(_text, self._frame[YEAR]))
        if years != {str(year)}:
            raise self._wrong(f"the year {year}, as in its name", shorten(sorted(years)) or "none")

    def stream(self, sheet: str) -> Iterator[list[Any]]:
        """Yield titles, four header lines and the rows, as a sheet of the workbook has them."""
        width = len(LABELS) + len(self._columns)
        yield from ([sheet] + [""] * (width - 1), [""] * width)
        heads = [self._head(column) for column in self._columns]
        for level in zip(*heads, strict=True):
            yield ["", "", "", "", *level]
        values = np.empty((len(self._frame), len(self._columns)))
        for at, column in enumerate(self._columns):
            values[:, at] = self._numbers(column)
        for label, row in zip(zip(*self._labels, strict=True), values, strict=True):
            yield [*label, *row.tolist()]

    def numbers(
        self, sheet: str, row: int, columns: Sequence[int], cells: Sequence[Any]
    ) -> tuple[FloatArray, list[int]]:
        """Return cells of a row as numbers, and which of them are NA and are zero here.

        Raises
        ------
        FormatError
            If a cell is infinite.
        """
        values = np.array(cells, dtype=np.float64)
        if np.isinf(values).any():
            at = columns[int(np.argmax(np.isinf(values)))]
            raise FormatError.about(
                self.where(sheet, row, at),
                expected="a finite number",
                got="an infinite one",
                remedy=RESTORE,
            )
        empty = np.flatnonzero(np.isnan(values)).tolist()
        values[empty] = 0.0
        return values, empty

    def where(self, sheet: str, row: int | None = None, column: int | None = None) -> str:
        """Return how errors call the frame, a row of it (of its numbers, from 1 on), or a cell."""
        place = f"{self.file}, {NAME}"
        if row is not None:
            place += f", row {row - 5}"  # below six lines of titles and headers
        if column is not None:
            place += f", column {self._columns[column - len(LABELS)]}"
        return place

    def _head(self, column: str) -> tuple[str, str, str, str]:
        """Return code, name, region and number of a column."""
        if column == TOTAL:
            return "GO", "", TOTAL, ""
        found = re.fullmatch(r"([A-Za-z]{3})(\d{1,3})", column)
        if found is None:
            raise self._wrong("columns such as AUS1, and TOT", repr(column)[:80])
        region, number = found.groups()
        if number in CATEGORIES:
            return CATEGORIES[number], "", region, f"c{number}"
        return self._code(region, number, column), "", region, f"c{number}"

    def _code(self, region: str, number: str, column: str) -> str:
        if (region, number) not in self._codes:
            raise self._wrong(f"a row of {region} with RNr {number}", f"none, for column {column}")
        return self._codes[region, number]

    def _numbers(self, column: str) -> FloatArray:
        values = self._frame[column]
        if values.dtype.kind not in "fi":  # pandas' own whole numbers included
            raise self._wrong(f"numbers in column {column}", str(values.dtype))
        numbers: FloatArray = values.to_numpy(dtype=np.float64, na_value=np.nan)
        return numbers

    def _wrong(self, expected: str, got: str) -> FormatError:
        return FormatError.about(self.where(NAME), expected=expected, got=got, remedy=RESTORE)


def _frame(where: str, content: bytes) -> pd.DataFrame:
    """Return the frame of a file."""
    try:
        from rdata.conversion import convert
        from rdata.parser import DEFAULT_ALTREP_MAP, parse_data
    except ImportError as error:
        raise InputError.about(
            "rdata",
            expected="an installed package, which reads data of R",
            got=str(error),
            remedy="install it with `pip install 'carbonflows_fast[rdata]'`, or take the workbook",
        ) from error
    import pandas as pd

    made = {
        name: _bounded(make) if b"compact" in name else make
        for name, make in DEFAULT_ALTREP_MAP.items()
    }
    try:
        with warnings.catch_warnings():  # of classes and encodings that matter to no number
            warnings.simplefilter("ignore")
            parsed = parse_data(
                _unpacked(content), extension=".RData", altrep_constructor_dict=made
            )
            found = convert(parsed, default_encoding="utf-8")
    except Exception as error:
        raise FormatError.about(
            where,
            expected="data of R",
            got=f"{type(error).__name__} ({error})"[:200],
            remedy=RESTORE,
        ) from error
    if not isinstance(found, dict) or not isinstance(found.get(NAME), pd.DataFrame):
        there = shorten(map(str, found)) if isinstance(found, dict) else type(found).__name__
        raise FormatError.about(
            where, expected=f"a data frame {NAME}", got=there or "nothing", remedy=RESTORE
        )
    frame: pd.DataFrame = found[NAME]
    return frame


def _unpacked(content: bytes) -> bytes:
    for start, opened in PACKED.items():
        if content.startswith(start):
            with opened(io.BytesIO(content)) as stream:
                content = stream.read(MOST_BYTES + 1)
    if len(content) > MOST_BYTES:
        raise ValueError(f"more than {MOST_BYTES} bytes")
    return content


def _bounded(make: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return what makes a sequence, unless it is longer than any in a table."""

    def checked(state: Any) -> Any:
        if not 0 <= state.value[0] <= LONGEST:
            raise ValueError(f"a sequence of {state.value[0]}")
        return make(state)

    return checked


def _text(cell: Any) -> str:
    if isinstance(cell, float) and cell.is_integer():
        return str(int(cell))
    return str(cell)
