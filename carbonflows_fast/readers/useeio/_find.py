"""Which files are models of USEEIO and their relatives (GAEEIO)."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT", "WORKBOOK", "matrix_file"]

MATRICES = "matrix/"  # the folder that has them where models are published
WORKBOOK = r"[a-z]{2,4}eeio.*\.xls[xbm]?"


def find_useeio(files: Files) -> list[Candidate]:
    """Return the folders that hold a model, and the workbooks that are called as one.

    The year of a workbook is in its sheet of demands alone, so it is known when that is read.
    """
    lists = [name for name, _ in files.matching(r"sectors\.json")]
    roots = [name.removesuffix("sectors.json") for name in lists]
    found = [root for root in roots if matrix_file(files, "A.json", root) in files]
    folders = [Candidate(root, _year(files.below(root))) for root in found]
    return folders + [Candidate(name, None) for name, _ in files.matching(WORKBOOK)]


def matrix_file(folder: Files, matrix: str, root: str = "") -> str:
    """Return the file of a matrix: beside the lists of its model, or in a folder of matrices."""
    nested = f"{root}{MATRICES}{matrix}"
    return nested if nested in folder else root + matrix


def _year(folder: Files) -> int | None:
    entries = folder.json("demands.json", list)
    years = {entry.get("year") for entry in entries if isinstance(entry, dict)}
    year = years.pop() if len(years) == 1 else None
    return year if isinstance(year, int) else None


FORMAT = Format(
    find_useeio,
    reader("carbonflows_fast.readers.useeio._read", "read_useeio"),
    "sectors.json with A.json or matrix/A.json, or USEEIOv2.0.1-411.xlsx and the like: USEEIO",
)
