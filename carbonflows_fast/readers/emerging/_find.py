"""Which files are tables of EMERGING."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT"]

NAMES = r"(global_mrio|emerging_v\d+)_(?P<year>\d{4})(_m)?\.mat"


def find_emerging(files: Files) -> list[Candidate]:
    """Return the tables among files."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES)]


FORMAT = Format(
    find_emerging,
    reader("carbonflows_fast.readers.emerging._read", "read_emerging"),
    "global_mrio_2017.mat, EMERGING_V2_2023_m.mat and the like: EMERGING",
    beside=True,
)
