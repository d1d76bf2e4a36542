"""Which NetCDF files are tables that mrio-toolbox saved."""

from __future__ import annotations

from pathlib import Path

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader, year_in
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT", "PARTS"]

NAMES = r".*\.nc"
STARTS = (b"\x89HDF", b"CDF")  # NetCDF 4, and 3
PARTS = ("t", "y")  # transactions and final demand, as its extractors call them


def find_mrio_toolbox(files: Files) -> list[Candidate]:
    """Return the file, or those of a folder that hold a table; zips are not unpacked for it."""
    alone = not files.path.is_dir() and not files.archives
    found = [name for name, _ in files.matching(NAMES) if not _zipped(files, name)]
    return [
        Candidate(name, year_in(name.rsplit("/", 1)[-1]))
        for name in found
        if (_starts(files.on_disk(name)) if alone else _holds_table(files.on_disk(name)))
    ]


def _zipped(files: Files, name: str) -> bool:
    return any((files.root + name).startswith(prefix) for prefix in files.archives)


def _starts(path: Path) -> bool:
    try:
        with path.open("rb") as handle:
            return handle.read(4).startswith(STARTS)
    except OSError:
        return False


def _holds_table(path: Path) -> bool:
    """Return whether a file has the parts of a table, without their numbers."""
    if not _starts(path):
        return False
    try:
        import pyfive

        with path.open("rb") as handle:
            return set(PARTS) <= set(pyfive.File(handle))
    except Exception:  # a damaged file raises any; without pyfive none is read
        return False


FORMAT = Format(
    find_mrio_toolbox,
    reader("carbonflows_fast.readers.mrio_toolbox._read", "read_mrio_toolbox"),
    "eora_2015.nc and the like, with the parts t and y: mrio-toolbox",
)
