"""Which files are tables of WIOD."""

from __future__ import annotations

import logging

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT_2013", "FORMAT_2016"]

logger = logging.getLogger(__name__)

NAMES_2013 = r"wiot(?P<year>\d\d)_row_(apr|sep)12\.xlsx"
NAMES_2016 = r"WIOT(?P<year>\d{4})_Nov16_ROW\.xls[bx]"
NAMES_RDATA = r"WIOT(?P<year>\d{4})_October16_ROW\.RData"


def find_wiod2013(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    found = files.matching(NAMES_2013)
    return [Candidate(name, _full_year(match["year"])) for name, match in found]


def _full_year(digits: str) -> int:
    return int(digits) + (1900 if int(digits) > 50 else 2000)


def find_wiod2016(files: Files) -> list[Candidate]:
    """Return the tables among files; of a year as workbook and as data of R, the workbook."""
    found = [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES_2016)]
    years = {one.year for one in found}
    for name, match in files.matching(NAMES_RDATA):
        if int(match["year"]) in years:
            logger.info("%s: not read, the workbook of the year is there", files.where(name))
        else:
            found.append(Candidate(name, int(match["year"])))
    return found


FORMAT_2013 = Format(
    find_wiod2013,
    reader("carbonflows_fast.readers.wiod._release_2013", "read_wiod2013"),
    "wiot09_row_sep12.xlsx and the like: WIOD 2013",
    beside=True,
)
FORMAT_2016 = Format(
    find_wiod2016,
    reader("carbonflows_fast.readers.wiod._release_2016", "read_wiod2016"),
    "WIOT2014_Nov16_ROW.xlsb, WIOT2014_October16_ROW.RData and the like: WIOD 2016",
    beside=True,
)
