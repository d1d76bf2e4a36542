"""The labels of GLORIA, which are only in its ReadMe: the files of numbers have none."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import BoolArray
from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._into_table._stressor_names import join_levels
from carbonflows_fast.readers._layouts._number_files import nearest_file
from carbonflows_fast.readers._layouts._number_parser import Label
from carbonflows_fast.readers._layouts._sheets import Workbook
from carbonflows_fast.readers._sources._files import Files

__all__ = ["Labels", "Satellites", "find_read_me", "read_labels", "read_valuations"]

READ_ME = r"GLORIA_ReadMe(_0*(?P<release>\d+)[a-z]?)?\.xlsx"

INDUSTRY, PRODUCT = "industry", "product"
RESTORE = "restore the workbook as it was published"
SEQUENCE = "Sequential region-sector labels"


@dataclass(frozen=True)
class Satellites:
    """The satellite accounts: name, unit and head indicator of each row of TQ and YQ."""

    names: list[str]
    units: list[str]
    heads: list[str]


@dataclass(frozen=True)
class Labels:
    """What the rows and columns of the files are, by position.

    Attributes
    ----------
    where : str
        The ReadMe, for messages.
    regions, sectors, inputs, categories : list of str
        R regions by their acronyms, and S sectors, primary inputs and categories of final demand,
        which each region has.
    satellites : Satellites
    """

    where: str
    regions: list[str]
    sectors: list[str]
    inputs: list[str]
    categories: list[str]
    satellites: Satellites

    @property
    def shapes(self) -> dict[str, tuple[int, int]]:
        """Rows and columns of each file."""
        cells, regions = self.n_cells, len(self.regions)
        demand, satellites = regions * len(self.categories), len(self.satellites.names)
        return {
            "T": (cells, cells),
            "Y": (cells, demand),
            "V": (regions * len(self.inputs), cells),
            "TQ": (satellites, cells),
            "YQ": (satellites, demand),
        }

    @property
    def n_cells(self) -> int:
        """Rows and columns of T: industries and products of all regions."""
        return 2 * len(self.regions) * len(self.sectors)

    @cached_property
    def cells(self) -> list[Label]:
        """Rows and columns of T: for each region its industries, then its products."""
        return list(product(self.regions, (INDUSTRY, PRODUCT), self.sectors))

    @cached_property
    def is_industry(self) -> BoolArray:
        """Which of `cells` are industries."""
        found: BoolArray = np.arange(self.n_cells) // len(self.sectors) % 2 == 0
        return found

    @property
    def industries(self) -> Any:
        """The positions of industries in `cells`."""
        return np.flatnonzero(self.is_industry)

    @property
    def products(self) -> Any:
        """The positions of products in `cells`."""
        return np.flatnonzero(~self.is_industry)

    def at(self, positions: Any) -> list[Label]:
        """Return some of `cells`."""
        return [self.cells[at] for at in positions]

    @cached_property
    def demand(self) -> list[Label]:
        """Columns of Y and YQ."""
        return list(product(self.regions, self.categories))

    @cached_property
    def inputs_by_region(self) -> list[Label]:
        """Rows of V."""
        return list(product(self.regions, self.inputs))

    @cached_property
    def satellite_rows(self) -> list[Label]:
        """Rows of TQ and YQ."""
        return [(name,) for name in self.satellites.names]


def find_read_me(files: Files, release: int, home: str) -> str:
    """Return the ReadMe of the release that is nearest to a file; older ones have no number.

    Raises
    ------
    FormatError
    """
    found = files.matching(READ_ME)
    mine = [name for name, match in found if match["release"] and int(match["release"]) == release]
    mine = mine or [name for name, match in found if not match["release"]]
    nearest = nearest_file(files, mine, home)
    if nearest is None:
        raise FormatError.about(
            str(files.path),
            got=shorten(name for name, _ in found) or "none",
            expected=f"GLORIA_ReadMe_{release:03d}.xlsx, which has the labels",
            remedy="give the folder that holds it and the tables",
        )
    return nearest


def read_valuations(files: Files, name: str) -> dict[str, int]:
    """Return the number of each sheet of valuation, as in Markup001, by its name in the ReadMe.

    Raises
    ------
    FormatError
    """
    book, sheet = Workbook(files, name), "Valuations"
    names = _once(book, sheet, "Valuation_names")
    numbers = _alongside(book, sheet, "Lfd_Nr", names)
    return {
        name.strip().casefold(): int(number) if number.isdecimal() else 0
        for name, number in zip(names, numbers, strict=True)
    }


def read_labels(files: Files, name: str) -> Labels:
    """Read the ReadMe.

    Satellites of one name and head indicator get their running number (Lfd_Nr) as well, since
    names must be unique.

    Raises
    ------
    FormatError
        If a sheet, a column or a label is missing, or regions or sectors occur there twice, or in
        another order than in the list of all rows.
    """
    book = Workbook(files, name)
    demand = "Value added and final demand"
    labels = Labels(
        book.file,
        _once(book, "Regions", "Region_acronyms"),
        _once(book, "Sectors", "Sector_names"),
        _once(book, demand, "Value_added_names"),
        _once(book, demand, "Final_demand_names"),
        _satellites(book),
    )
    if SEQUENCE in book.names:
        _check_sequence(book, labels)
    return labels


def _satellites(book: Workbook) -> Satellites:
    sheet = "Satellites"
    names = _texts(book, sheet, "Sat_indicator")
    heads = _alongside(book, sheet, "Sat_head_indicator", names)
    units = _alongside(book, sheet, "Sat_unit", names)
    pairs = list(zip(heads, names, strict=True))
    count = Counter(pairs)
    if len(count) < len(pairs):
        numbers = _alongside(book, sheet, "Lfd_Nr", names)
        for at, pair in enumerate(pairs):
            if count[pair] > 1:
                names[at] = join_levels((names[at], numbers[at]))
    return Satellites(names, units, heads)


def _check_sequence(book: Workbook, labels: Labels) -> None:
    """Compare regions and kinds of rows with the list of all rows that newer ReadMes have.

    It reads "Rest of Americas (XAM) Growing wheat industry", 2 R S times.
    """
    header = "Sequential_regionSector_labels"
    first, column, found = _cells(book, SEQUENCE, header)
    if len(found) != labels.n_cells:
        raise FormatError.about(
            book.where(SEQUENCE),
            got=f"{len(found)}",
            expected=f"{labels.n_cells} labels in column {header!r}, two for each of "
            f"{len(labels.regions)} regions × {len(labels.sectors)} sectors",
            remedy=RESTORE,
        )
    for at, ((region, kind, _), text) in enumerate(zip(labels.cells, found, strict=True)):
        is_industry = str(text).rstrip().endswith(f" {INDUSTRY}")
        if f"({region}) " not in str(text) or is_industry != (kind == INDUSTRY):
            raise FormatError.about(
                book.where(SEQUENCE, first + at, column),
                got=repr(text),
                expected=f"a label of region ({region}) and of an {INDUSTRY}"
                if kind == INDUSTRY
                else f"a label of region ({region}) and of a {PRODUCT}",
                remedy="the order of rows is not the one this reader knows",
            )


def _once(book: Workbook, sheet: str, header: str) -> list[str]:
    """Return the texts of a column that has each once, and at least one."""
    texts = _texts(book, sheet, header)
    twice = [text for text, count in Counter(texts).items() if count > 1]
    if twice or not texts:
        raise FormatError.about(
            f"{book.where(sheet)}, column {header!r}",
            expected="labels, each once",
            got=f"{texts.count(twice[0])} times {twice[0]!r}" if twice else "none",
            remedy=RESTORE,
        )
    return texts


def _alongside(book: Workbook, sheet: str, header: str, others: list[str]) -> list[str]:
    """Return the texts of a column that has as many as another."""
    texts = _texts(book, sheet, header)
    if len(texts) != len(others):
        raise FormatError.about(
            f"{book.where(sheet)}, column {header!r}",
            expected=f"{len(others)} cells",
            got=f"{len(texts)}",
            remedy=RESTORE,
        )
    return texts


def _texts(book: Workbook, sheet: str, header: str) -> list[str]:
    """Return the cells below a header as they are; whole numbers without point, as shown."""
    first, column, cells = _cells(book, sheet, header)
    texts = []
    for at, cell in enumerate(cells):
        if not str(cell).strip():
            raise FormatError.about(
                book.where(sheet, first + at, column),
                expected=f"a text ({header})",
                got="an empty cell",
                remedy=RESTORE,
            )
        whole = isinstance(cell, float) and cell.is_integer()
        texts.append(str(int(cell) if whole else cell))
    return texts


def _cells(book: Workbook, sheet: str, header: str) -> tuple[int, int, list[Any]]:
    """Return first row and column, counted from 0, and the cells below a header."""
    rows = book.rows(sheet)
    for row, cells in enumerate(rows):
        texts = [str(cell).strip() for cell in cells]
        if header in texts:
            column = texts.index(header)
            below = [cells[column] for cells in rows[row + 1 :]]
            while below and not str(below[-1]).strip():
                below.pop()
            return row + 1, column, below
    raise FormatError.about(
        book.where(sheet),
        expected=f"a column {header!r}",
        got=shorten(map(repr, rows[0])) if rows else "an empty sheet",
        remedy=RESTORE,
    )
