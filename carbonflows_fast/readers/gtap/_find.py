"""Which folders hold accounts of GTAP, as header array files (HAR) or a CSV file a header."""

from __future__ import annotations

from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError
from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader, year_in
from carbonflows_fast.readers._sources._files import Files

__all__ = ["ACCOUNTS", "CSV_NAMES", "FORMAT", "HAR_NAMES", "LAHEY"]

HAR_NAMES = r".*\.har"
ACCOUNTS = ("VDFB", "VDFM")  # what firms buy at home, in version 7 and in version 6
CSV_NAMES = rf"(?P<before>.*?)({'|'.join(ACCOUNTS)})\.csv"
FIRST_RECORD = b"\4\0\0\0"  # of a header array file: four letters
LAHEY = b"\xfd"  # what compilers of the nineties put first; refused when it is read


def find_gtap(files: Files) -> list[Candidate]:
    """Return the header array files that hold accounts, and the CSV files of what firms buy."""
    folders: dict[str, dict[str, bool | None]] = {}
    for name, _ in files.matching(HAR_NAMES):
        root = name[: name.rfind("/") + 1]
        folders.setdefault(root, {})[name] = _holds_accounts(files, name)
    names = [name for name, _ in files.matching(CSV_NAMES)]
    for own in folders.values():
        known = [name for name, holds in own.items() if holds]
        names += known or [name for name, holds in own.items() if holds is None]
    return [Candidate(name, _year(files, name)) for name in names]


def _holds_accounts(files: Files, name: str) -> bool | None:
    """Return whether a header array file has what firms buy; None: it is damaged before that."""
    from carbonflows_fast.readers.gtap._har import headers_of

    try:
        with files.seekable(name) as handle:
            start = handle.read(4)
            if start != FIRST_RECORD and start[:1] != LAHEY:
                return False  # it only has the name of one
            found = headers_of(handle, files.where(name), files.sizes[name])
            return any(header.name in ACCOUNTS for header in found)
    except (FormatError, OSError):
        return None


def _year(files: Files, name: str) -> int | None:
    """Return the year that a file says, or else its folder."""
    root, _, last = name.rpartition("/")
    folders = [*reversed(root.split("/")), *reversed(files.root.split("/"))]
    return year_in(PurePosixPath(last).stem, *folders, files.path.absolute().name)


FORMAT = Format(
    find_gtap,
    reader("carbonflows_fast.readers.gtap._read", "read_gtap"),
    "basedata.har with its emissions beside it, or VDFB.csv and the like: GTAP",
    beside=True,
)
