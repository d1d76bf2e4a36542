"""Which files are tables of Eora26, or blocks of full Eora."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import NamedTuple

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader, year_in
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files

__all__ = [
    "FORMAT",
    "FORMAT_26",
    "INDICES",
    "Sheet",
    "sheet_of",
    "sheets_of",
    "with_indices",
]

NAMES_26 = r"Eora26_(?P<year>\d{4})_(bp|pp)_T\.txt"
INDICES = "indices.zip"
BLOCKS = {"t": "T", "y": "Y", "fd": "Y", "v": "V", "va": "V", "q": "Q"}
OTHER_PRICES = {
    "trade",
    "transport",
    "margin",
    "margins",
    "tax",
    "taxes",
    "sub",
    "subs",
    "subsidy",
    "subsidies",
    "pp",
    "purchaser",
    "purchasers",
}
DEVIATIONS = {"sd", "std", "stdev", "stddev", "deviation", "deviations", "uncertainty"}
BASIC_MARKUP = 1  # of five price sheets
VERSION = r"(?<![A-Za-z])[vV]\d[\d.]*"  # "v199.82", no block V


class Sheet(NamedTuple):
    """A block, its year where the name has one, and whether it is in basic prices."""

    block: str
    year: int | None
    basic: bool


def sheet_of(name: str) -> Sheet | None:
    """Return what a file is, None if it is no block.

    >>> sheet_of("2015/2015_eora_t.csv"), sheet_of("Taxes/Y_StdDev.csv"), sheet_of("index_t.csv")
    (Sheet(block='T', year=2015, basic=True), Sheet(block='Y', year=None, basic=False), None)
    """
    path = PurePosixPath(name)
    words = _words(path.stem)
    blocks = [BLOCKS[word] for word in words if word in BLOCKS]
    if path.suffix.lower() != ".csv" or len(blocks) != 1 or "index" in words:
        return None
    markups = {int(number) for number in re.findall(r"markup[\W_]*(\d+)", name.lower())}
    other = (OTHER_PRICES | DEVIATIONS) & set(_words(name)) or markups - {BASIC_MARKUP}
    return Sheet(blocks[0], year_of(*reversed(path.parts)), not other)


def year_of(*names: str) -> int | None:
    """Return the year in the first name that has one, as `year_in`, but of words.

    >>> year_of("T", "20160113_T-Results2015_082"), year_of("2010_2015")
    (2015, None)
    """
    return year_in(*(" ".join(_words(name)) for name in names))


def _words(text: str) -> list[str]:
    """Return words and numbers in lower case; a capital after a small letter starts a word."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", re.sub(VERSION, " ", text))
    return re.findall(r"[a-z]+|\d+", apart.lower())


def find_eora26(files: Files) -> list[Candidate]:
    """Return the tables among files; basic and purchasers' prices of a year are two."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES_26)]


def find_eora(files: Files) -> list[Candidate]:
    """Return the tables of full Eora in basic prices, if its labels are there.

    Raises
    ------
    FormatError
        If there are only other price sheets, or standard deviations.
    """
    tables = {name: sheet for name, sheet in sheets_of(files).items() if sheet.block == "T"}
    if not tables or not is_full(files):
        return []
    basic = [(name, sheet) for name, sheet in sorted(tables.items()) if sheet.basic]
    if not basic:
        raise FormatError.about(
            str(files.path),
            expected="a block T of full Eora in basic prices",
            got=f"other sheets alone: {shorten(sorted(tables))}",
            remedy="add the blocks in basic prices; others are not read",
        )
    outer = year_of(files.path.absolute().name)
    return [Candidate(name, sheet.year or outer) for name, sheet in basic]


@contextmanager
def with_indices(files: Files) -> Iterator[list[Files]]:
    """Yield where labels may be: among the files, then in an indices.zip beside their path."""
    beside = files.path.parent / INDICES
    if beside == files.path or not beside.is_file():
        yield [files]
        return
    with open_files(beside) as indices:
        yield [files, indices]


def is_full(files: Files) -> bool:
    """Return whether there are labels of full Eora."""
    with with_indices(files) as places:
        return any(place.matching(r"index_t\.csv") for place in places)


def sheets_of(files: Files) -> dict[str, Sheet]:
    """Return what each of the files is that is a block."""
    return {name: sheet for name in files.sizes if (sheet := sheet_of(name))}


FORMAT_26 = Format(
    find_eora26,
    reader("carbonflows_fast.readers.eora._read", "read_eora26"),
    "Eora26_2016_bp_T.txt and the like: Eora26",
)
FORMAT = Format(
    find_eora,
    reader("carbonflows_fast.readers.eora._read", "read_eora"),
    "T.csv, 2015_eora_t.csv and the like with index_t.csv: full Eora",
)
