"""Reads a model from the workbook that the EPA publishes (USEEIOv2.0.1-411.xlsx).

Written by useeior's writeModeltoXLSX: a sheet for each matrix and each vector of demand, with
labels above and to the left, and the lists demands, indicators, flows and commodities_meta (or
industries_meta), with a header. Tried on workbooks of this layout with the numbers of published
models, never on an original one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, NamedTuple

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_blocks import StressorBlock
from carbonflows_fast.readers._layouts._number_parser import settle_blanks
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.useeio._model import Model, model_table, sector_labels
from carbonflows_fast.table import Table

__all__ = ["PriceRatios", "read_price_ratios", "read_workbook"]

OUTPUTS = {"commodities_meta": "q", "industries_meta": "x"}  # of what A has in rows and columns
RESTORE = "restore the workbook as it was published"
YEAR = range(1900, 2101)


class _Extension(NamedTuple):
    """Intensities by sector: their sheet, the list of its rows, and what may call a row."""

    name: str
    matrix: str
    label: str  # of a stressor
    keys: tuple[str, ...]  # of the matrix's own rows


EXTENSIONS = (
    _Extension("indicators", "D", "code", ("name", "code", "id")),
    _Extension("flows", "B", "id", ("id",)),
)


def read_workbook(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read a model as `read_json` does; its rows and columns are found by their labels.

    Raises
    ------
    FormatError
        If a sheet is missing or damaged, or a number, a label or a vector of demand is wrong.
    LabelError
        If a wanted stressor does not exist.
    """
    title = PurePosixPath(table.name).stem or files.title
    with reading(files, [table.name], progress, title) as counted:
        book = Workbook(counted, table.name)
        meta, sectors = _sectors(book)
        ids = [sector["id"] for sector in sectors]
        demands = _records(book, "demands", ["id", "type", "system", "location", "year"])
        for at, entry in enumerate(demands, start=1):
            entry["year"] = _year(book.where("demands", at), entry["year"])
        output = OUTPUTS[meta]
        model = Model(
            where=book.file,
            demands=book.where("demands"),
            sectors=sectors,
            A=_matrix(book, "A", ids, ids),
            x=_matrix(book, output, ids, [output])[:, 0],
            listed=demands,
            vector=lambda name: _matrix(book, name, ids, [name])[:, 0],
            blocks=_stressor_blocks(book, ids),
        )
        year = demands[0]["year"] if demands else None
        return model_table(model, stressors=stressors, year=year, name=title)


class PriceRatios(NamedTuple):
    """The price of the producer over that of the purchaser, ratios (n,) of rows, in a year."""

    name: str
    year: int
    rows: list[tuple[str, str]]
    ratios: FloatArray


def read_price_ratios(
    files: Files, table: Candidate, year: int | None, progress: bool | None
) -> PriceRatios:
    """Read the sheet Phi, whose columns are years; by default that of the model.

    Raises
    ------
    FormatError
        If a sheet is missing or damaged, if its sectors are not the model's, or the year is not
        there.
    """
    title = PurePosixPath(table.name).stem or files.title
    with reading(files, [table.name], progress, title) as counted:
        book = Workbook(counted, table.name)
        sectors = _sectors(book)[1]
        if year is None:
            demands = _records(book, "demands", ["year"])
            year = _year(book.where("demands", 1), demands[0]["year"] if demands else "")
        given = _Labels(book, "Phi")
        years = [label.strip().removesuffix(".0") for label in given.columns]
        if str(year) not in years:
            raise FormatError.about(
                f"{book.where('Phi')}, row 1",
                expected=f"a column {year}",
                got=shorten(years) or "none",
                remedy="ask for one of these with year=",
            )
        values = given.numbers([sector["id"] for sector in sectors], given.columns)
    locations = [sector["location"] for sector in sectors]
    rows = list(zip(locations, sector_labels(sectors), strict=True))
    return PriceRatios(title, year, rows, values[:, years.index(str(year))])


def _sectors(book: Workbook) -> tuple[str, list[dict[str, Any]]]:
    """Return the sheet that lists what A has in rows, and its records."""
    meta = next((sheet for sheet in OUTPUTS if sheet in book.names), "commodities_meta")
    return meta, _records(book, meta, ["id", "name", "code", "location"])


def _stressor_blocks(book: Workbook, sectors: Sequence[str]) -> list[StressorBlock]:
    there = [extension for extension in EXTENSIONS if extension.matrix in book.names]
    if not there:
        raise FormatError.about(
            book.file,
            expected="a sheet D, a sheet B or both",
            got="neither",
            remedy="restore them: they hold what an output of one USD causes",
        )
    return [_stressor_block(book, extension, sectors) for extension in there]


def _stressor_block(book: Workbook, extension: _Extension, sectors: Sequence[str]) -> StressorBlock:
    listed = _records(book, extension.name, [*dict.fromkeys((extension.label, "unit"))])

    def read(chosen: list[int]) -> tuple[FloatArray, None]:
        given = _Labels(book, extension.matrix)
        names = [[row.get(key, "") for row in listed] for key in extension.keys]
        fitting = next((one for one in names if set(one) == set(given.rows)), names[0])
        return given.numbers(fitting, sectors)[chosen], None

    return StressorBlock(
        [row[extension.label] for row in listed],
        [extension.name] * len(listed),
        [row["unit"] for row in listed],
        read,
    )


# --- sheets ---------------------------------------------------------------------------------


def _matrix(book: Workbook, sheet: str, rows: Sequence[str], columns: Sequence[str]) -> FloatArray:
    return _Labels(book, sheet).numbers(rows, columns)


class _Labels:
    """A sheet with labels of columns in row 1, and of rows in column A."""

    def __init__(self, book: Workbook, sheet: str) -> None:
        self._book, self._sheet = book, sheet
        self._cells = book.rows(sheet)
        while self._cells and not _filled(self._cells[-1]):
            self._cells.pop()
        self.columns = [cell_text(cell) for cell in self._cells[0][1:]] if self._cells else []
        self.rows = [cell_text(row[0]) for row in self._cells[1:]]

    def numbers(self, rows: Sequence[str], columns: Sequence[str]) -> FloatArray:
        """Return the numbers in the order of these labels."""
        where = self._book.where(self._sheet)
        down = _places(f"{where}, column A", self.rows, rows)
        across = _places(f"{where}, row 1", self.columns, columns)
        values = np.empty((len(self.rows), len(self.columns)))
        count, first = 0, ""
        places = range(1, len(self.columns) + 1)
        for at, cells in enumerate(self._cells[1:], start=1):
            values[at - 1], empty = self._book.numbers(self._sheet, at, places, cells[1:])
            if empty and not count:
                first = self._book.where(self._sheet, at, places[empty[0]])
            count += len(empty)
        settle_blanks(where, count, first, self._book.blanks)
        return values[np.ix_(down, across)]


def _places(where: str, given: Sequence[str], wanted: Sequence[str]) -> list[int]:
    """Return where each label is; each is there once, and no other."""
    place = {label: at for at, label in enumerate(given)}
    if len(place) < len(given) or sorted(given) != sorted(wanted):
        odd = (set(given) ^ set(wanted)) or {one for one in given if given.count(one) > 1}
        raise FormatError.about(
            where,
            expected=f"each of {len(wanted)} labels once, as the model's lists have them",
            got=f"{len(given)}, of which do not fit {shorten(sorted(odd)) or 'some'}",
            remedy=RESTORE,
        )
    return [place[label] for label in wanted]


def _records(book: Workbook, sheet: str, wanted: Sequence[str]) -> list[dict[str, Any]]:
    """Return the rows of a list by its header in small letters; those wanted are filled."""
    stream = book.stream(sheet)
    header = [cell_text(cell).strip().lower() for cell in next(stream, [])]
    if missing := [key for key in wanted if header.count(key) != 1]:
        raise FormatError.about(
            f"{book.where(sheet)}, row 1",
            expected=f"one column for each of {', '.join(wanted)}",
            got=f"none or several for {', '.join(missing)}",
            remedy=RESTORE,
        )
    records = []
    for at, cells in enumerate(stream, start=1):
        record = {key: cell_text(cell) for key, cell in zip(header, cells, strict=True)}
        if blank := [key for key in wanted if not record[key].strip()]:
            if not _filled(cells):
                continue
            raise FormatError.about(
                book.where(sheet, at, header.index(blank[0])),
                expected=f"a text for {blank[0]}",
                got="an empty cell",
                remedy=RESTORE,
            )
        records.append(record)
    return records


def _year(where: str, text: str) -> int:
    if not (text.isdecimal() and int(text) in YEAR):
        raise FormatError.about(
            where, expected="a year such as 2012", got=repr(text)[:80], remedy=RESTORE
        )
    return int(text)


def _filled(cells: Sequence[Any]) -> bool:
    return any(not isinstance(cell, str) or cell.strip() for cell in cells)
