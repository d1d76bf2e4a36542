"""Which files are ICIO tables of the OECD."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT"]

NAMES = r"ICIO20\d\d_(?P<year>\d{4})\.csv|(?P<only>(?:19|20)\d\d)(_SML|_EXT)?\.csv"


def find_oecd(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    found = files.matching(NAMES)
    return [Candidate(name, int(match["year"] or match["only"])) for name, match in found]


FORMAT = Format(
    find_oecd,
    reader("carbonflows_fast.readers.oecd._read", "read_oecd"),
    "ICIO2021_2018.csv, 2019_SML.csv or 2019.csv and the like: OECD ICIO",
    beside=True,
)
