"""Blocks of numbers without labels, whose labels are in files of their own.

Shared by the readers of layouts that are made of such blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from carbonflows_fast.errors import FormatError, shorten
from carbonflows_fast.readers._layouts._number_parser import Label, Numbers, Row, show
from carbonflows_fast.readers._sources._files import Files

__all__ = ["Labels", "labelled_rows", "nearest_file", "read_block", "repeated"]


@dataclass(frozen=True)
class Labels:
    """The labels of rows or columns, and their file and lines."""

    where: str
    lines: list[int]
    labels: list[Label]

    def __len__(self) -> int:
        return len(self.labels)


def read_block(
    files: Files,
    name: str,
    rows: Sequence[Label],
    columns: Sequence[Label],
    *,
    by: str,
    delimiter: str,
    keep: Collection[int] | None = None,
    sparse: bool = False,
) -> Any:
    """Read a matrix of numbers alone.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    rows, columns : sequence of Label
        Of all rows and columns of the file.
    by : str
        The file with the labels of rows, for messages.
    delimiter : str
    keep : collection of int, optional
        The rows that are wanted; others are not parsed.
    sparse : bool
        Return a csr_array without zeros.

    Returns
    -------
    ndarray or csr_array, shape (rows kept, len(columns))

    Raises
    ------
    FormatError
        For a missing or damaged file, more or fewer rows or numbers than labels, a cell that is
        empty or no finite number.
    """
    kept = None if keep is None else frozenset(keep)
    with Numbers(
        files.where(name), columns, delimiter, sparse=sparse, blanks=files.blanks
    ) as numbers:
        every = labelled_rows(files, name, rows, len(columns), by=by, delimiter=delimiter)
        for at, row in enumerate(every):
            if kept is None or at in kept:
                numbers.add(row)
        values, _ = numbers.result()
    return values


def labelled_rows(
    files: Files, name: str, rows: Sequence[Label], width: int, *, by: str, delimiter: str
) -> Iterator[Row]:
    """Yield the rows of a file with their labels, neither more nor fewer.

    Raises
    ------
    FormatError
        For a missing or damaged file, more or fewer rows than labels, a row of another width.
    """
    where, count = files.where(name), 0
    one_each = f"{len(rows)} rows, one for each label in {by}"
    remedy = "one of the two is cut short or belongs to another table: restore it"
    for line, cells in files.lines(name):
        if count == len(rows):
            raise FormatError.about(
                f"{where}, line {line}", expected=one_each, got="a row more", remedy=remedy
            )
        here = cells.count(delimiter.encode()) + 1
        if here != width:
            raise FormatError.about(
                f"{where}, line {line} (row {show(rows[count])})",
                got=f"{here} cells",
                expected=f"{width} numbers, one for each label",
                remedy="the line is cut short, or the labels belong to another table",
            )
        yield Row(line, rows[count], cells)
        count += 1
    if count < len(rows):
        raise FormatError.about(where, expected=one_each, got=str(count), remedy=remedy)


def nearest_file(files: Files, names: Iterable[str], home: str) -> str | None:
    """Return the file that shares most folders with another, None if there is none.

    Raises
    ------
    FormatError
        If several are equally near.
    """
    shared = {name: _shared_folders(name, home) for name in names}
    nearest = sorted(name for name in shared if shared[name] == max(shared.values()))
    if len(nearest) > 1:
        raise FormatError.about(
            str(files.path),
            expected=f"one such file for {home}",
            got=shorten(nearest),
            remedy="keep the one that belongs to it, or give the path of its folder",
        )
    return nearest[0] if nearest else None


def _shared_folders(name: str, other: str) -> int:
    first, second = name.split("/")[:-1], other.split("/")[:-1]
    pairs = zip(first, second, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def repeated(names: Iterable[Any]) -> set[Any]:
    """Return the names that occur more than once.

    >>> repeated(["a", "b", "a"])
    {'a'}
    """
    return {name for name, count in Counter(names).items() if count > 1}
