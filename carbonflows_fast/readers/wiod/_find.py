"""Which files are tables of WIOD."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT_2013", "FORMAT_2016"]

NAMES_2013 = r"wiot(?P<year>\d\d)_row_(apr|sep)12\.xlsx"
NAMES_2016 = r"WIOT(?P<year>\d{4})_Nov16_ROW\.xls[bx]"


def find_wiod2013(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    found = files.matching(NAMES_2013)
    return [Candidate(name, _full_year(match["year"])) for name, match in found]


def _full_year(digits: str) -> int:
    return int(digits) + (1900 if int(digits) > 50 else 2000)


def find_wiod2016(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES_2016)]


FORMAT_2013 = Format(
    find_wiod2013,
    reader("carbonflows_fast.readers.wiod._release_2013", "read_wiod2013"),
    "wiot09_row_sep12.xlsx and the like: WIOD 2013",
    beside=True,
)
FORMAT_2016 = Format(
    find_wiod2016,
    reader("carbonflows_fast.readers.wiod._release_2016", "read_wiod2016"),
    "WIOT2014_Nov16_ROW.xlsb and the like: WIOD 2016",
    beside=True,
)
