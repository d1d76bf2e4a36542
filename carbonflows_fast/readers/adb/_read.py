"""Reader of the ADB's MRIO: 35 sectors of 62, 72 or 74 economies and the rest, million USD.

One workbook a year and set of economies. Its sheet "ADB MRIO 2024" resembles WIOD's of 2013: names,
regions and codes above the numbers and left of them, final demand and totals to the right, totals
and primary inputs below. How many economies there are, and where numbers begin, is read from the
header, as names of files do not fix it. Tried on fixtures alone, whose layout is that of published
programs that read the workbooks.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import PurePosixPath
from typing import Any

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._sheets import Workbook, cell_text
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._progress import reading
from carbonflows_fast.readers.adb._emissions import (
    CODE,
    TITLES,
    emission_workbook,
    in_brackets,
    read_air,
)
from carbonflows_fast.readers.wiod._matrix import DATA, LABELS, Release, read_world, wiod_table
from carbonflows_fast.table import Table
from carbonflows_fast.table._table import with_notes

__all__ = ["read_adb"]

logger = logging.getLogger(__name__)

NUMBER, NAME = 3, 1  # of the labels that WIOD's sheets have too
ADB = Release(NUMBER, frozenset({"r60"}), "r69", NAME, NAME, "")
LEGEND = "legend"
OTHER_UNIT = re.compile(r"\b(thousand|billion|trillion)s?\b", re.IGNORECASE)


def read_adb(
    files: Files, table: Candidate, *, stressors: Sequence[str] | None, progress: bool | None
) -> Table:
    """Read one year.

    Sectors and final demand are called by their names, as the codes F1 to F5 are said to differ
    between releases. x is the row r69. The rows below the transactions are stressors of the
    extension "primary inputs", but for totals. A number in brackets, kept as text, is negative.
    Air emissions of the same year are read if their workbook (EE-MRIOT) is beside the table.

    Raises
    ------
    FormatError
        If the workbook is damaged, years disagree, or a cell is empty or no number.
    LabelError
        If a wanted stressor does not exist.
    """
    title = f"ADB MRIO {table.year}"
    air, other = emission_workbook(files, table.year)
    with reading(files, [table.name, air], progress, title) as files:
        sheet = _Sheet(Workbook(files, table.name), table.year)
        world = read_world(sheet, sheet.name, ADB)
        notes = [f"Money is in the prices that the sheet names: {text}." for text in sheet.constant]
        blocks = []
        if air is not None:
            block, more = read_air(files, air, table.year, world.rows, world.demand)
            blocks.append(block)
            notes += more
        made = wiod_table(
            world,
            blocks,
            stressors=stressors,
            year=table.year,
            name=PurePosixPath(table.name).stem,
        )
    if other and air is None:
        logger.warning(
            "%s: air emissions of other years are not read (%s)",
            files.where(table.name),
            shorten(other, 2),
        )
    return with_notes(made, *notes) if notes else made


class _Sheet:
    """The workbook, whose rows come as those of a sheet of WIOD: four labels, then numbers.

    Raises
    ------
    FormatError
        If there is no such header, or the sheet is of another year.
    """

    def __init__(self, book: Workbook, year: int | None) -> None:
        self._book, self.blanks = book, book.blanks
        self.name = next((one for one in book.names if one.strip().lower() != LEGEND), book.first)
        said = re.search(r"(?<!\d)((?:19|20)\d\d)(?!\d)", self.name)
        if said and int(said[1]) != year:
            raise FormatError.about(
                book.file,
                expected=f"a sheet of {year}, as in its name",
                got=repr(self.name),
                remedy="give the file its proper name",
            )
        self._rows = book.stream(self.name)
        top = list(islice(self._rows, TITLES))
        self._codes, self._start = self._header(top)
        self._head, self._rest = top[: self._codes + 1], top[self._codes + 1 :]
        titles = [cell_text(cell).strip() for row in self._head[:-3] for cell in row]
        self.constant = [text for text in titles if "constant" in text.lower()]
        if other := [text for text in titles if OTHER_UNIT.search(text)]:
            raise FormatError.about(
                book.where(self.name),
                expected="money in millions of US$, as the ADB publishes it",
                got=f"the title {other[0]!r}",
                remedy="convert all numbers to millions, and correct the title",
            )

    def stream(self, sheet: str) -> Iterator[list[Any]]:
        """Yield two titles, four header lines and the rows; may be asked for once."""
        names, regions, codes = ([_text(c) for c in row] for row in self._head[-3:])
        regions = [_region(region) for region in regions]
        yield from ([""] * (LABELS + 1), [""] * (LABELS + 1))
        for level in (names, names, regions, codes):
            yield ["", "", "", "", *level[self._start :]]
        for rows in (self._rest, self._rows):
            for row in rows:
                name, region, code = map(_text, row[self._start - 3 : self._start])
                yield [name, name, _region(region), code, *row[self._start :]]

    def numbers(
        self, sheet: str, row: int, columns: Sequence[int], cells: Sequence[Any]
    ) -> tuple[FloatArray, list[int]]:
        """Return cells of a row as numbers, and which of them were empty and are zero here.

        Raises
        ------
        FormatError
            If a cell is no finite number.
        """
        return self._book.numbers(
            sheet,
            self._row(row),
            [self._column(at) for at in columns],
            list(map(in_brackets, cells)),
        )

    def where(self, sheet: str, row: int | None = None, column: int | None = None) -> str:
        """Return how errors call the sheet, a row of it, or a cell; both as `stream` has them."""
        return self._book.where(
            sheet,
            None if row is None else self._row(row),
            None if column is None else self._column(column),
        )

    def _row(self, row: int) -> int:
        return row - DATA + self._codes + 1

    def _column(self, column: int) -> int:
        return column - LABELS + self._start

    def _header(self, top: list[list[Any]]) -> tuple[int, int]:
        """Return the row of codes, and the column of the first of them; both counted from 0."""
        for at, row in enumerate(top):
            coded = [column for column, cell in enumerate(row) if CODE.fullmatch(_text(cell))]
            if len(coded) > 1 and at >= 2 and coded[0] >= 3:
                return at, coded[0]
        raise FormatError.about(
            self._book.where(self.name),
            expected=f"names, regions and codes of sectors (c1, c2 …) in the first {TITLES} rows",
            got="none",
            remedy="restore the workbook as it was published",
        )


def _text(cell: Any) -> str:
    return cell_text(cell).strip()


def _region(text: str) -> str:
    return "TOT" if text.upper() == "TOT" else text
