"""Which files are tables of REX3."""

from __future__ import annotations

from carbonflows_fast.readers._sources._candidates import Candidate, Format, folder_year, reader
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT", "STORE"]

STORE, FIRST = ".zmetadata", "T/0.0.0.0"  # as rex3handler writes them


def find_rex3(files: Files) -> list[Candidate]:
    """Return the folders with a matrix of transactions, and Zarr stores with its first piece."""
    found = files.matching(r"T_REX3\.mat|\.zmetadata")
    roots = [
        name[: name.rfind("/") + 1]
        for name, _ in found
        if not name.endswith(STORE) or f"{name.removesuffix(STORE)}{FIRST}" in files
    ]
    return [Candidate(root, folder_year(files.below(root))) for root in roots]


FORMAT = Format(
    find_rex3,
    reader("carbonflows_fast.readers.rex3._read", "read_rex3"),
    "T_REX3.mat with Y_REX3.mat, Q_REX3.mat and Q_Y_REX3.mat, and REX3_Labels.zip beside, or "
    "2022.zarr: REX3",
    beside=True,
)
