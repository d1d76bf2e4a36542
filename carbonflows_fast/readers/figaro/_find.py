"""Which files are tables of FIGARO."""

from __future__ import annotations

import logging
import re
from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["ENERGY", "FORMAT", "is_flat"]

logger = logging.getLogger(__name__)

NAMES = (
    r"(?P<layout>matrix|flatfile)_(eu-ic-io_|(?P<energy>FIGARO-e)-ic-io-[A-D]_)"
    r"(?P<title>(ind-by-ind|prod-by-prod)_(\d\ded_|millionEUR_)?(?P<year>\d{4})(_v\d+)?)\.csv"
)
ENERGY = "figaro-e-"  # in names of FIGARO-E3, the JRC's table of 175 industries of 2015
SUPPLY_USE = r"(matrix|flatfile)_(eu|FIGARO-e)-ic-(sup|use|sut).*\.csv"


def find_figaro(files: Files) -> list[Candidate]:
    """Return the tables among files; of a table as matrix and as flat file, the matrix.

    Raises
    ------
    FormatError
        If there are supply and use tables alone.
    """
    found = files.matching(NAMES)
    matrices = {_title(match) for _, match in found if match["layout"].lower() == "matrix"}
    tables = []
    for name, match in found:
        if is_flat(name) and _title(match) in matrices:
            logger.info("%s: not read, the matrix beside it is the same", files.where(name))
        else:
            tables.append(Candidate(name, int(match["year"])))
    supply_use = files.matching(SUPPLY_USE)
    if supply_use and not tables:
        raise FormatError.about(
            files.where(supply_use[0][0]),
            expected="an input-output table of FIGARO",
            got="a table of supply or use",
            remedy="give …_eu-ic-io_ind-by-ind_… or …_eu-ic-io_prod-by-prod_… of the year",
        )
    return tables


def _title(match: re.Match[str]) -> tuple[str, bool]:
    return match["title"].lower(), match["energy"] is not None


def is_flat(name: str) -> bool:
    """Return whether a table is a flat file."""
    return PurePosixPath(name).name.lower().startswith("flatfile")


FORMAT = Format(
    find_figaro,
    reader("carbonflows_fast.readers.figaro._read", "read_figaro"),
    "matrix_eu-ic-io_ind-by-ind_24ed_2019.csv, flatfile_… and the like: FIGARO, FIGARO-E3",
    beside=True,
)
