"""Which block of full Eora a file is, by the words of its name.

The original names are not known for sure. A file is a block if exactly one word of its name stands
for one: T, Y (or FD), V (or VA), Q; as in T.csv, 2015_eora_t.csv, T-Results_2015.csv. Words of the
name and of its folders tell the year, and whether it is another price sheet than that of basic
prices, or standard deviations.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import NamedTuple

from carbonflows_fast.readers._sources._candidates import year_in

__all__ = ["Sheet", "sheet_of", "year_of"]

BLOCKS = {"t": "T", "y": "Y", "fd": "Y", "v": "V", "va": "V", "q": "Q"}
OTHER_PRICES = {
    "trade", "transport", "margin", "margins", "tax", "taxes", "sub", "subs", "subsidy",
    "subsidies", "pp", "purchaser", "purchasers",
}  # fmt: skip
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
