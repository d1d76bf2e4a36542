"""Where arrays are found by their header: in header array files, or in a CSV file for each.

The CSV files are records, "COMM,ACTS,REG,value" in the first line, called by their header, with
anything before it that all have alike ("3x3VDFB.csv"). What has no record is zero. Sets, such as
REG.csv, have a label a line, below a first line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath
from typing import IO, Protocol

import numpy as np

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._long_format import check_once, read_records
from carbonflows_fast.readers._layouts._number_parser import decoded, settle_blanks, show
from carbonflows_fast.readers._sources._candidates import Candidate
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers.gtap._find import ACCOUNTS, CSV_NAMES, HAR_NAMES
from carbonflows_fast.readers.gtap._har import MOST_CELLS, Array, Header, headers_of, read_array

__all__ = ["Headers", "opened"]

MOST_LABELS = 1 << 11
SETS = {"MARG": 0, "MARG_COMM": 0, "COMM": 1, "TRAD_COMM": 1, "ACTS": 2, "PROD_COMM": 2}
SETS |= {"SRC": 3, "DST": 4, "REG": 4}
"""The order of sets among the columns of records; others may stand anywhere before regions."""
REGIONS, OTHER = 3, -1


class Headers(Protocol):
    """Arrays by their header.

    Attributes
    ----------
    where : str
        The folder, for messages.
    whole : bool
        Whether arrays have all labels of their sets; records of zeros may be left out.
    """

    where: str
    whole: bool

    def has(self, name: str) -> bool:
        """Return whether an array is there."""

    def find(self, *names: str) -> Array | None:
        """Return the array of the first of these names that is there."""

    def labels(self, name: str) -> list[str] | None:
        """Return the labels of a set, where sets are files of their own and it is there."""


@contextmanager
def opened(files: Files, table: Candidate) -> Iterator[Headers]:
    """Yield the arrays of a table: of its file, and of those in its folder.

    Raises
    ------
    FormatError
        If a header array file among them is damaged.
    """
    with _around(files) as around, ExitStack() as stack:
        home = table.name if files is around else files.path.name
        if re.fullmatch(CSV_NAMES, PurePosixPath(home).name, re.IGNORECASE):
            yield _CsvHeaders(around, home)
            return
        root = home[: home.rfind("/") + 1]
        below = around.below(root)
        names = [name for name, _ in below.matching(HAR_NAMES) if "/" not in name]
        handles = {name: stack.enter_context(below.seekable(name)) for name in names}
        yield _HarHeaders(below, handles, home.removeprefix(root))


@contextmanager
def _around(files: Files) -> Iterator[Files]:
    """Yield the files, or all of the folder where the path is a file."""
    if files.path.is_dir() or files.archives:
        yield files
        return
    with open_files(files.path.absolute().parent) as around:
        yield replace(around, opened=files.opened, on_bytes=files.on_bytes, blanks=files.blanks)


class _HarHeaders:
    whole = True

    def __init__(self, files: Files, handles: dict[str, IO[bytes]], home: str) -> None:
        self.files, self.handles, self.where = files, handles, files.where("")
        self.known: dict[str, list[tuple[str, Header]]] = {}
        models: dict[str, list[tuple[str, Header]]] = {}
        for name, handle in handles.items():
            found = list(headers_of(handle, files.where(name), files.sizes[name]))
            if name != home and any(header.name in ACCOUNTS for header in found):
                continue  # another table
            for header in found:
                self.known.setdefault(header.name, []).append((name, header))
                models.setdefault(header.coefficient, []).append((name, header))
        self.known = models | self.known  # four letters come first

    def has(self, name: str) -> bool:
        return name in self.known

    def find(self, *names: str) -> Array | None:
        name = next((one for one in names if one in self.known), None)
        if name is None:
            return None
        found = self.known[name]
        if len(found) > 1:
            raise FormatError.about(
                self.where,
                expected=f"one array {name}",
                got=f"{len(found)} in {shorten(sorted({file for file, _ in found}))}",
                remedy="keep the files of one table in the folder",
            )
        file, header = found[0]
        return read_array(
            self.handles[file],
            self.files.where(file),
            self.files.sizes[file],
            header,
            self.files.on_bytes,
        )

    def labels(self, name: str) -> list[str] | None:
        return None


class _CsvHeaders:
    whole = False

    def __init__(self, files: Files, home: str) -> None:
        folder, _, last = home.rpartition("/")
        self.where = files.where(folder)
        match = re.fullmatch(CSV_NAMES, last, re.IGNORECASE)
        before = f"{folder}/" if folder else ""
        before += match["before"] if match else ""
        self.files = files
        self.known = {
            name[len(before) : -4].upper(): name
            for name in sorted(files.sizes)
            if name.startswith(before) and name.lower().endswith(".csv")
        }

    def has(self, name: str) -> bool:
        return name in self.known

    def find(self, *names: str) -> Array | None:
        name = next((self.known[one] for one in names if one in self.known), None)
        if name is None:
            return None
        where = self.files.where(name)
        self._check_order(name)
        records = read_records(self.files, name, None, progress=False)
        self.files.on_bytes(self.files.sizes[name])
        roles = list(records.labels)
        check_once(records, roles)
        labels = tuple(tuple(one.strip() for one in records.labels[role]) for role in roles)
        shape = tuple(len(one) for one in labels)
        if np.prod(shape, dtype=float) > MOST_CELLS or not len(records.values):
            raise FormatError.about(
                where,
                expected=f"1 to {MOST_CELLS} numbers",
                got=f"{len(records.values)} of {' × '.join(map(str, shape))} labels",
                remedy="this is no table in a known layout; if it is one, restore the file",
            )
        codes = tuple(records.codes[role] for role in roles)
        empty = np.isnan(records.values)
        first = int(empty.argmax())
        place = show([one[code[first]] for one, code in zip(labels, codes, strict=True)])
        settle_blanks(where, int(empty.sum()), f"{where}, {place}", self.files.blanks)
        values = np.zeros(shape)
        values[codes] = np.where(empty, 0.0, records.values)
        return Array(where, labels, values)

    def _check_order(self, name: str) -> None:
        """Refuse columns in another order than GTAP's, since they count by their place."""
        where = self.files.where(name)
        for line, raw in islice(self.files.lines(name, ","), 1):
            names = decoded(where, line, raw).split(",")
            sets = [one.strip().strip('"').upper() for one in names[:-1]]
            places = [SETS.get(one, OTHER) for one in sets]
            known = [place for place in places if place != OTHER]
            regions = places[next((i for i, one in enumerate(places) if one >= REGIONS), 9) :]
            if known != sorted(known) or OTHER in regions:
                raise FormatError.about(
                    f"{where}, line 1",
                    expected="columns in GTAP's order: MARG, COMM, ACTS, then SRC, DST or REG",
                    got=", ".join(sets),
                    remedy="bring the columns into this order, names and records alike",
                )

    def labels(self, name: str) -> list[str] | None:
        if name not in self.known:
            return None
        where, found = self.files.where(self.known[name]), list[str]()
        for line, raw in islice(self.files.lines(self.known[name], ","), 1, None):
            label = decoded(where, line, raw).partition(",")[0].strip().strip('"')
            if not label or label in found or len(found) > MOST_LABELS:
                raise FormatError.about(
                    f"{where}, line {line}",
                    expected="a label that is no other line's",
                    got=repr(label[:80]),
                    remedy="restore the file",
                )
            found.append(label)
        return found
