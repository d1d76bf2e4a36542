"""Blocks of numbers without labels, whose labels stand in files of their own.

Shared by the readers of layouts that are made of such blocks.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from carbonflows_fast.errors import FormatError, shorten, wrong
from carbonflows_fast.readers._cells import Label, Numbers, Row
from carbonflows_fast.readers._files import Files

__all__ = ["Labels", "nearest_file", "read_block", "repeated"]


@dataclass(frozen=True)
class Labels:
    """The labels of rows or columns, and the file and the lines where they stand."""

    where: str
    lines: list[int]
    labels: list[Label]

    def __len__(self) -> int:
        return len(self.labels)


def read_block(
    files: Files, name: str, rows: Labels, columns: Sequence[Label], *, delimiter: str,
    keep: Sequence[bool] | None = None, sparse: bool = False,
) -> Any:  # fmt: skip
    """Read a matrix of numbers alone.

    Parameters
    ----------
    files : Files
    name : str
        The file in it.
    rows : Labels
        Of all rows of the file.
    columns : sequence of Label
    delimiter : str
    keep : sequence of bool, optional
        For each row, whether it is wanted; others are not parsed.
    sparse : bool
        Return a csr_array without zeros.

    Returns
    -------
    ndarray or csr_array, shape (rows kept, len(columns))

    Raises
    ------
    FormatError
        For a missing or damaged file, more or fewer rows or numbers than labels, a cell that is no
        finite number.
    """
    where = files.where(name)
    count, more = 0, 0
    with Numbers(where, columns, delimiter, sparse=sparse) as numbers:
        for line, cells in files.lines(name):
            if count == len(rows):
                more = line
                break
            if keep is None or keep[count]:
                numbers.add(Row(line, rows.labels[count], cells))
            count += 1
        values, _ = numbers.result()  # what is wrong with a row before comes first
    if more:
        raise _other_length(f"{where}, line {more}", rows, "a row more")
    if count < len(rows):
        raise _other_length(where, rows, str(count))
    return values


def _other_length(where: str, rows: Labels, got: str) -> FormatError:
    return FormatError(
        wrong(where, expected=f"{len(rows)} rows, one for each label in {rows.where}", got=got,
              remedy="one of the two is cut short or belongs to another table: restore it")
    )  # fmt: skip


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
        raise FormatError(
            wrong(str(files.path), expected=f"one such file for {home}", got=shorten(nearest),
                  remedy="keep the one that belongs to it, or give the path of its folder")
        )  # fmt: skip
    return nearest[0] if nearest else None


def _shared_folders(name: str, other: str) -> int:
    first, second = name.split("/")[:-1], other.split("/")[:-1]
    pairs = zip(first, second, strict=False)
    return next((at for at, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))


def repeated(names: Iterable[Any]) -> set[Any]:
    """Return what stands there more than once.

    >>> repeated(["a", "b", "a"])
    {'a'}
    """
    return {name for name, count in Counter(names).items() if count > 1}
