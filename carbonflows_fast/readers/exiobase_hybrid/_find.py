"""Which files are tables of hybrid EXIOBASE."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT", "NAMES"]

NAMES = (
    r"(?P<stem>mr_hiot_(?P<year>(19|20)\d\d)_v(?P<version>\d[\d_.]*))_by_product_technology\.csv"
)


def find_hybrid(files: Files) -> list[Candidate]:
    """Return the tables of flows among files."""
    return [Candidate(name, int(match["year"])) for name, match in files.matching(NAMES)]


FORMAT = Format(
    find_hybrid,
    reader("carbonflows_fast.readers.exiobase_hybrid._read", "read_hybrid"),
    "MR_HIOT_2011_v3_3_18_by_product_technology.csv with MR_HIOT_2011_v3_3_18_FD.csv beside: "
    "hybrid EXIOBASE",
)
