"""Which files are tables of the ADB."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT"]

# ADB-MRIO62-2018_September 2024.xlsx, ADB-MRIO-LAC-2017_Mar2022-2.xlsx, ADB MRIO 2015, at …
NAMES = r"adb[-_ ]?mrio\d{0,2}[-_ ](lac[-_ ])?(?P<year>(19|20)\d\d)(\D.*)?\.xlsx"


def find_adb(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES)]


FORMAT = Format(
    find_adb,
    reader("carbonflows_fast.readers.adb._read", "read_adb"),
    "ADB-MRIO-2024-August 2025.xlsx and the like: ADB",
    beside=True,
)
