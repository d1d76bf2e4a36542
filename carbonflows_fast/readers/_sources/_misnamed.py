"""Files that a table may do without, under a name that is nearly the right one."""

from __future__ import annotations

import re
from collections.abc import Iterable

from carbonflows_fast.errors import FormatError, wrong
from carbonflows_fast.readers._sources._files import Files

__all__ = ["refuse_misnamed"]

OLDER = {"fhh": "fy"}  # F_hh, as EXIOBASE called F_Y before 3.8


def refuse_misnamed(folder: Files, lacking: Iterable[str]) -> None:
    """Refuse a file that differs in case, "_" or "-" alone from one that is lacking.

    Left out in silence, it would be direct emissions or outputs that are not there.

    Parameters
    ----------
    folder : Files
    lacking : iterable of str
        Names that were looked for and not found ("F_Y.csv", "air/F_Y.txt").

    Raises
    ------
    FormatError
        Naming the file and how it should be called.
    """
    right = {_folded(name): name for name in lacking}
    for name in sorted(folder.sizes):
        meant = right.get(_folded(name))
        if meant is not None:
            raise FormatError(
                wrong(folder.where(name), expected=f"{meant.rpartition('/')[2]}, if it is that",
                      got="another spelling, which is not looked for",
                      remedy="rename it, or take it out of the folder")
            )  # fmt: skip


def _folded(name: str) -> str:
    """Return a name without what is easily mistaken in it; folders stay as they are.

    >>> _folded("air/F_hh.TXT") == _folded("air/F_Y.txt")
    True
    """
    head, slash, tail = name.rpartition("/")
    stem, dot, suffix = re.sub("[-_ ]", "", tail.lower()).rpartition(".")
    return f"{head}{slash}{OLDER.get(stem, stem)}{dot}{suffix}"
