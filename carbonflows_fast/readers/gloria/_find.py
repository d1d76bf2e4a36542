"""Which files are tables of GLORIA."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["ALL_SHEETS", "FORMAT", "NAMES"]

# The date differs between the files of one release.
ALL_SHEETS = (
    r"\d+_\d+secMother_AllCountries_\d+_(?P<part>T|Y|V|TQ|YQ)-Results_"
    r"(?P<year>\d{4})_(?P<release>\d+)_Markup(?P<sheet>\d{3})\(full\)\.csv"
)
NAMES = ALL_SHEETS.replace(r"(?P<sheet>\d{3})", "001")


def find_gloria(files: Files) -> list[Candidate]:
    """Return the tables among files, each by its transactions."""
    found = files.matching(NAMES)
    return [Candidate(name, int(m["year"])) for name, m in found if m["part"].upper() == "T"]


FORMAT = Format(
    find_gloria,
    reader("carbonflows_fast.readers.gloria._read", "read_gloria"),
    "20240111_120secMother_AllCountries_002_T-Results_2022_059_Markup001(full).csv and the like: "
    "GLORIA",
)
