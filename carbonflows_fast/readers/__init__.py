"""Readers: one module for each database, and one function that finds out which it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from carbonflows_fast.errors import FormatError, InputError, wrong
from carbonflows_fast.readers.exiobase import read_exiobase, write_exiobase
from carbonflows_fast.table import Table

__all__ = ["FORMATS", "read", "read_exiobase", "write_exiobase"]

# Name → reader. With one reader, detection is its own search for its files.
FORMATS = {"exiobase3": read_exiobase}

STORE_MARKER = "manifest.json"


def read(
    path: str | Path,
    *,
    format: str | None = None,
    stressors: str | Sequence[str] | None = None,
    progress: bool | None = None,
) -> Table:
    """Read a multi-regional input-output table as its publisher distributes it.

    Parameters
    ----------
    path : str or Path
        A folder or a zip.
    format : str, optional
        "exiobase3" (EXIOBASE 3, and whatever pymrio saves as text); None: found out.
    stressors : str or sequence of str, optional
        Read these alone, without loading the rest; None: all.
    progress : bool, optional
        A bar on standard error; None: if that is a terminal.

    Returns
    -------
    Table
        Labels are those of the files, unchanged.

    Raises
    ------
    FormatError
        If it is no known layout (it says what was looked for), or a file is missing or damaged,
        or a cell or label is wrong; it names file and place.
    LabelError
        If a wanted stressor does not exist; it lists the nearest.
    InputError
        If `format` is unknown.

    Examples
    --------
    >>> import carbonflows_fast as cf  # doctest: +SKIP
    >>> table = cf.read("IOT_2019_pxp.zip")  # doctest: +SKIP
    """
    if format is not None and format not in FORMATS:
        raise InputError(
            wrong(
                "format",
                expected=" or ".join(repr(name) for name in FORMATS),
                got=repr(format),
                remedy="leave it out to have the layout found out",
            )
        )
    if (Path(path) / STORE_MARKER).is_file():
        raise FormatError(
            wrong(
                str(path),
                expected="a table as its publisher distributes it",
                got=f"a store of carbonflows_fast ({STORE_MARKER})",
                remedy="open it with cf.open",
            )
        )
    return FORMATS[format or "exiobase3"](path, stressors=stressors, progress=progress)
