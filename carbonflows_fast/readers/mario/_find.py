"""Which folders and workbooks MARIO wrote, by `to_txt`, `to_parquet` and `to_excel`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from carbonflows_fast.readers._layouts._sheet_frame import sheet_names
from carbonflows_fast.readers._sources._candidates import (
    Candidate,
    Format,
    folder_year,
    reader,
    year_in,
)
from carbonflows_fast.readers._sources._files import Files

__all__ = ["FORMAT", "METADATA", "SHEETS", "SUFFIXES", "Saved", "home_of", "is_mario", "saved"]

SUFFIXES = (".txt", ".csv", ".parquet")
METADATA = "metadata.json"  # of `include_meta`, beside the folders below
WORKBOOK = r"(?!~\$).*\.xls[xm]"  # what begins so is a mark that Excel has one open
SHEETS = ("flows", "coefficients")  # of a workbook, beside units
FLOWS, COEFFICIENTS = "flows/", "coefficients/"  # that MARIO writes into


class Saved(NamedTuple):
    """What a folder of MARIO holds.

    Attributes
    ----------
    kind : "flows", "coefficients", "supply and use", "supply and use coefficients", "flat", "part"
        The last: files that MARIO alone writes, without others that a table needs.
    suffix : str
        Of all its files.
    """

    kind: str
    suffix: str


# The files by which each kind is known. All have the matrices Y, EY and VY alike, or `Ya`, `Yc`.
MARKS = (
    ("flat", ("data",)),
    ("flows", ("Z", "Y", "V", "E")),
    ("coefficients", ("z", "Y", "v", "e")),
    ("supply and use", ("U", "S", "Ya", "Yc")),
    ("supply and use coefficients", ("u", "s", "Ya", "Yc")),
)
OWN = ("VY", "EY")  # files that no other layout has


def saved(files: Files, root: str) -> Saved | None:
    """Return what MARIO has saved in a folder, None if it was not MARIO."""
    for suffix in SUFFIXES:
        if f"{root}units{suffix}" in files:
            for kind, stems in MARKS:
                if all(f"{root}{stem}{suffix}" in files for stem in stems):
                    return Saved(kind, suffix)
    for suffix in SUFFIXES:
        there = [stem for stem in (*OWN, "Y") if f"{root}{stem}{suffix}" in files]
        if len(there) > 1 and "Y" in there:
            return Saved("part", suffix)
    return None


def is_mario(files: Files, root: str) -> bool:
    """Return whether MARIO has written a folder, whose Y and Z other readers have too."""
    return saved(files, root) is not None


def find_mario(files: Files) -> list[Candidate]:
    """Return the folders that MARIO wrote; of a table as flows and as coefficients, the flows.

    And workbooks, by their sheets.
    """
    marks = {f"{stem}{suffix}" for stem in ("units", *OWN) for suffix in SUFFIXES}
    roots = {
        name.removesuffix(name.rpartition("/")[2]) for name in files.sizes if _last(name) in marks
    }
    found = sorted(root for root in roots if is_mario(files, root))
    twice = {root for root in found if f"{_home(root, COEFFICIENTS)}{FLOWS}" in found}
    tables = [Candidate(root, _year(files, root)) for root in found if root not in twice]
    return tables + [
        Candidate(name, year_in(*reversed(name.split("/"))))
        for name, _ in files.matching(WORKBOOK)
        if _is_workbook(sheet_names(files, name))
    ]


def _is_workbook(sheets: Sequence[str]) -> bool:
    return "units" in sheets and any(sheet in sheets for sheet in SHEETS)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def _home(root: str, own: str) -> str | None:
    """Return the folder that holds one of MARIO's own name, None if it is called otherwise."""
    return root.removesuffix(own) if f"/{root}".endswith(f"/{own}") else None


def home_of(files: Files, root: str) -> tuple[str | None, str]:
    """Return the folder that was given to MARIO, and what it is called.

    MARIO writes into "flows" or "coefficients" inside it. If the path is one of these, the folder
    is not among the files (None), and only its name is known.
    """
    for own in (FLOWS, COEFFICIENTS):
        home = _home(root, own)
        if home is not None:
            return home, files.below(home).title
    if not root and files.below(root).title in (FLOWS[:-1], COEFFICIENTS[:-1]):
        return None, files.path.absolute().parent.name
    return root, files.below(root).title


def _year(files: Files, root: str) -> int | None:
    home, title = home_of(files, root)
    year = None if home is None else files.json(f"{home}{METADATA}").get("year")
    if isinstance(year, int) and not isinstance(year, bool):
        return year
    return year_in(title) if home is None else folder_year(files.below(home))


FORMAT = Format(
    find_mario,
    reader("carbonflows_fast.readers.mario._read", "read_mario"),
    "units.txt (or .csv, .parquet) with Z, Y, V and E beside it, or z, Y, v and e, or U, S, Ya and "
    "Yc, or a workbook with sheets flows and units: MARIO",
)
