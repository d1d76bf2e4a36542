"""Readers: one module for each database, and one function that detects the database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from carbonflows_fast._base.arguments import one_of, whole
from carbonflows_fast.errors import FormatError, InputError, LabelError
from carbonflows_fast.readers._formats import (
    FORMATS,
    detect_format,
    refuse_broken,
    register,
    unregister,
)
from carbonflows_fast.readers._sources._candidates import Candidate, choose_table
from carbonflows_fast.readers._sources._opening import open_files
from carbonflows_fast.readers._sources._unknown import STORE_FILES
from carbonflows_fast.readers._sources._zips import unreadable
from carbonflows_fast.readers.exiobase import write_exiobase
from carbonflows_fast.readers.mario import from_mario
from carbonflows_fast.table import Table

__all__ = ["Candidate", "from_mario", "read", "register", "unregister", "write_exiobase"]

BLANKS = ("error", "zero")


def read(
    path: str | Path,
    *,
    format: str | None = None,
    stressors: str | Sequence[str] | None = None,
    year: int | None = None,
    blanks: str = "error",
    progress: bool | None = None,
) -> Table:
    """Read a multi-regional input-output table as its publisher distributes it.

    Parameters
    ----------
    path : str or Path
        A folder, a zip, a folder with zips in it, a file, or the way to a folder or a file inside
        a zip ("tables.zip/2011").
    format : str, optional
        "exiobase3" (EXIOBASE 3, MRSUT too, and what pymrio saves), "exiobase_hybrid" (tonnes and
        terajoules), "oecd" (the OECD's ICIO), "figaro", "wiod2013", "wiod2016" (its releases),
        "adb", "rex3", "emerging", "gloria", "eora26", "eora" (full Eora, in basic prices), "useeio"
        (its JSON or workbook), "gtap" (header array files or records), "mario" (what the package
        mariopy saves), "mrio_toolbox" (NetCDF that the package mrio-toolbox saves) or "plain"
        (DataFrames of your own in one folder or workbook,
        docs/bring_your_own_table.md), or a name given to `cf.readers.register`; None: detected.
    stressors : str or sequence of str, optional
        Read only these: names as in `Table.stressors`, or without the extension in front if that
        is unique. None: all.
    year : int, optional
        Which table, if there are several.
    blanks : {"error", "zero"}
        How to treat an empty cell among numbers. "error": it is refused, with its place and the
        number of empty cells. "zero": it counts as zero, and a warning in the log gives the number.
        EXIOBASE 3.10.2 has some in its emissions and needs that. Cells that publishers leave empty
        for zero are always zero: WIOD and the OECD for primary inputs of final demand, WIOD in its
        accounts. What DF_MAIN has no number for is lacking, which the log says, and a region
        without a number in population.txt has unknown heads. Text such as "NA", "NaN", "-" or ":"
        is always refused.
    progress : bool, optional
        Whether to show a bar on standard error; None: if it is a terminal.

    Returns
    -------
    Table
        Labels are those of the files, unchanged. Taxes and value added are stressors too, in the
        extension "primary inputs". Emissions published in separate files are read if these are
        beside the table: WIOD's accounts, TECO2 or DF_MAIN of the OECD, co2Footprint_… and
        ghgFootprint_… of FIGARO, EE-MRIOT of the ADB, gsdemiss.har and gsdvole.har of GTAP. A table
        of GTAP is made of its accounts, see docs/explanation/gtap.md.

    Raises
    ------
    FormatError
        If the layout is unknown (the message lists the known ones), if there are several tables, if
        a file is missing or damaged, or if a cell or label is wrong or empty. The message names
        file and place.
    LabelError
        If a wanted stressor does not exist; it lists the nearest.
    InputError
        If `path` is no path, `format` or `blanks` is unknown, or `year` no whole number.

    Examples
    --------
    >>> import pathlib, tempfile, carbonflows_fast as cf
    >>> file = pathlib.Path(tempfile.mkdtemp()) / "IOT_2019_pxp.zip"
    >>> cf.write_exiobase(cf.synthetic.world(2, 3, stressors=2), file)
    >>> cf.read(file, stressors="CO2").year
    2019
    >>> table = cf.read("IOT_2019_pxp.zip", stressors="CO2 - combustion - air")  # doctest: +SKIP
    >>> table = cf.read("2016-2022_SML.zip", year=2019)  # doctest: +SKIP
    """
    place = _place(path)
    year = None if year is None else whole("year", year, None, remedy="give year=2019")
    if any(os.path.isfile(place / marker) for marker in STORE_FILES):
        raise FormatError.about(
            str(path),
            expected="a table as its publisher distributes it",
            got="a store of carbonflows_fast",
            remedy="open it with cf.open",
            typed=("give it without --format and ", "year"),
        )
    wanted = _wanted(stressors)
    remedy = 'leave it out to refuse empty cells, or say "zero" where they mean that'
    one_of("blanks", blanks, BLANKS, remedy=remedy)
    try:
        with open_files(place) as files:
            files = files.with_blanks(blanks)
            refuse_broken(files, year)
            name, candidates = detect_format(files, format)
            table = choose_table(files, candidates, year)
            return FORMATS[name].read(files, table, stressors=wanted, progress=progress)
    except OSError as error:  # about the path itself: it is too long, or not allowed
        raise unreadable(str(path), error) from error


def _place(path: object) -> Path:
    if isinstance(path, str | os.PathLike) and isinstance(text := os.fspath(path), str) and text:
        return Path(text)
    raise InputError.about(
        "path",
        expected="a folder, a zip or a file, as text or Path",
        got=repr(path),
        remedy="give the path of one table" + ", '.' for the folder one is in" * (path == ""),
    )


def _wanted(stressors: str | Sequence[str] | None) -> list[str] | None:
    if stressors is None:
        return None
    given = [stressors] if isinstance(stressors, str) else stressors
    names = list(given) if isinstance(given, Iterable) else []
    if not names or not all(isinstance(name, str) for name in names):
        raise LabelError.about(
            "stressors",
            expected="a name or a sequence of names",
            got=repr(stressors),
            remedy="give at least one name, or None for all stressors",
        )
    return names
