"""The message for a path without a table: most contain one, but not as it should be."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import islice
from pathlib import PurePosixPath

from carbonflows_fast.errors import FormatError, Phrase, nearest, shorten
from carbonflows_fast.readers._layouts._sheet_frame import sheet_names
from carbonflows_fast.readers._sources._candidates import Candidate, Format
from carbonflows_fast.readers._sources._files import DEPTH, Files
from carbonflows_fast.readers._sources._opening import disk_files
from carbonflows_fast.readers._sources._other_databases import (
    archives_inside,
    other_databases,
    with_slashes,
)

__all__ = ["OLDER", "refuse_misnamed", "unknown_layout"]

STORE_FILES = ("carbonflows.json", "manifest.blake2b")  # of this layout and the earlier one
ZIPPED_SHEETS = (".xlsx", ".xlsm", ".xlsb", ".ods")
# What browsers and file managers put around the name of a file that is there already.
COPIED = re.compile(
    r"^(?:Copy of |Kopie von |Copie de )|(?:\s*\(\d+\)|(?: -)? (?:copy|kopie|copie)(?: \d+)?)"
    r"(?=(?:\s*\(\d+\))*\.\w+$)",
    re.IGNORECASE,
)
DEEPER = 2  # folders more than are looked into, to say that there is something
MOST_FILES = 20_000  # that are looked at for it
LEAVE_FORMAT = Phrase("leave format=… out", "leave --format … out")

Layouts = Mapping[str, Format]


def unknown_layout(files: Files, layouts: Layouts, format: str | None) -> FormatError:
    """Return the error for a path without a table that is known.

    Parameters
    ----------
    files : Files
    layouts : mapping of str to Format
        All that are known.
    format : str, optional
        The one that was asked for.
    """
    wanted = layouts if format is None else {format: layouts[format]}
    for expected, got, remedy in _reasons(files, layouts, wanted):
        return FormatError.about(str(files.path), expected=expected, got=got, remedy=remedy)
    top = sorted({name.split("/", 1)[0] for name in files.sizes})
    got, remedy = shorten(top) or "nothing", "give the folder or the zip of a table"
    if not files.path.is_dir() and not files.archives:
        got, remedy = "a single file", "give the folder or the zip with all files of the table"
    if format is None:
        *first, last = layouts
        expected = f"a table in a known layout ({', '.join(first)} or {last})"
        remedy = Phrase(
            f"{remedy}; format=… tells which files one has",
            f"{remedy}; --format … tells which files one has",
        )
    else:
        looked_for = layouts[format].looked_for
        expected = f"a table in the layout {format} (looked for {looked_for})"
        got += _nearest(files, looked_for)
        remedy += ", with files named as they were published"
    return FormatError.about(str(files.path), expected=expected, got=got, remedy=remedy)


def _reasons(files: Files, layouts: Layouts, wanted: Layouts) -> Iterator[tuple[str, str, str]]:
    """Yield what is known to go wrong: what was expected, what is there, and what to do."""
    if not files.path.is_dir() and not files.archives:
        other = files.path.suffix.lower() not in ZIPPED_SHEETS
        if other and zipfile.is_zipfile(files.path):
            yield (
                "a zip whose name ends in .zip",
                "one that is called otherwise",
                f"rename it to {files.path.name}.zip",
            )
    saved = [
        name.removesuffix(marker)
        for marker in STORE_FILES
        for name, _ in files.matching(re.escape(marker))
    ]
    if saved:
        names = shorten(root.rstrip("/") or files.title for root in saved)
        unpack = "" if files.path.is_dir() else "unpack the zip; then "
        yield (
            "one table",
            f"saved tables ({names})",
            Phrase(
                f"{unpack}open one with cf.open, or the folder of all with cf.Panel",
                f"{unpack}name one of them, or ask all with carbonflows-fast panel",
            ),
        )
    if odd := sorted(name for name in files.sizes if "\\" in name):
        yield _backslashes(with_slashes(files), odd, layouts)
    database, inner = archives_inside(files)
    if inner:
        yield (
            "tables in folders or zips",
            f"zips{database} inside a zip ({shorten(inner)})",
            "unpack the outer zip, and give the folder",
        )
    yield from _renamed(files, wanted)
    yield from other_databases(files)
    yield from _elsewhere(files, layouts, wanted)
    if not files.path.is_dir() and "plain" in wanted:
        yield from _other_sheets(files)


def _other_sheets(files: Files) -> Iterator[tuple[str, str, str]]:
    """Yield the sheets of a workbook that is no table by its name, nor by these."""
    if sheets := [sheet for name in files.sizes for sheet in sheet_names(files, name)]:
        yield (
            "a workbook with sheets Z (or A), Y and F (or S), or one that is named as published",
            f"the sheets {shorten(map(repr, sheets))}",
            "name sheets as the arguments of cf.Table are, or the file as it was published",
        )


def _backslashes(files: Files, odd: list[str], layouts: Layouts) -> tuple[str, str, str]:
    """Return the reason for names that have them, which say what they would be without."""
    database, inner = archives_inside(files)
    known = f"zips{database} inside a zip, " if inner else ""
    if found := _found(files, layouts):
        known = f"a table of {' and '.join(found)}, "
    elif other := next(other_databases(files), None):
        known = f"{other[1].partition(' (')[0]}, "
    return (
        "names with / between folders",
        f"{known}names with backslashes ({odd[0]!r})",
        "unpack the zip, and give the folder",
    )


def _renamed(files: Files, wanted: Layouts) -> Iterator[tuple[str, str, str]]:
    """Yield files that would be a table but for what a second download adds to names."""
    right = {name: str(PurePosixPath(name).with_name(_clean(name))) for name in files.sizes}
    copies = {new: old for old, new in right.items() if new != old and new not in files}
    if not copies:
        return
    renamed = replace(files, sizes={right[name]: size for name, size in files.sizes.items()})
    for format, tables in _found(renamed, wanted).items():
        first = next((new for new in copies if new.startswith(tables[0].name)), min(copies))
        old, new = (PurePosixPath(name).name for name in (copies[first], first))
        yield f"names as {format} has them", repr(old), f"rename it to {new!r}"


def _clean(name: str) -> str:
    """Return the last part of a name without what copies have in theirs.

    >>> [_clean(name) for name in ("a/T (1).csv", "Copy of Y.csv", "Y - Copy (2).txt")]
    ['T.csv', 'Y.csv', 'Y.txt']
    """
    last = name.rpartition("/")[2]
    return COPIED.sub("", last) or last


def _elsewhere(files: Files, layouts: Layouts, wanted: Layouts) -> Iterator[tuple[str, str, str]]:
    """Yield tables of another format, and such as lie too deep."""
    if others := _found(files, layouts):
        names = " and ".join(others)
        yield f"tables of format {' or '.join(wanted)}", f"{names} alone", LEAVE_FORMAT
    if not files.path.is_dir():
        return
    sizes: dict[str, int] = {}
    with suppress(OSError):  # of a folder that may not be looked into
        sizes.update(islice(disk_files(files.path, DEPTH + DEEPER), MOST_FILES))
    groups: dict[str, dict[str, int]] = {}
    for name, size in sizes.items():
        *head, rest = name.split("/", DEEPER)
        if len(head) == DEEPER:
            groups.setdefault("/".join(head), {})[rest] = size
    for folder, below in groups.items():
        for tables in _found(Files(files.path / folder, "", below), wanted).values():
            yield (
                f"all files of a table at most {DEPTH} folders down",
                f"some in {folder}/{tables[0].name} that are deeper",
                "give the path of this folder",
            )


def _found(files: Files, layouts: Layouts) -> dict[str, list[Candidate]]:
    found = {}
    for name, layout in layouts.items():
        with suppress(FormatError):
            if tables := layout.find(files):
                found[name] = tables
    return found


def _nearest(files: Files, looked_for: str) -> str:
    """Return the file whose name is most like the first that is looked for, as an addition."""
    sample = re.split(r"[,\s]", looked_for, maxsplit=1)[0]
    names = nearest(sample, [name.rpartition("/")[2] for name in files.sizes], limit=1)
    return f", nearest is {names[0]!r}" if names else ""


OLDER = {"fhh": "fy"}  # F_hh, as EXIOBASE called F_Y before 3.8


def refuse_misnamed(folder: Files, lacking: Iterable[str]) -> None:
    """Refuse a file that differs in case, "_" or "-" alone from one that is lacking.

    Without an error, the table would silently lack direct emissions or outputs.

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
            raise FormatError.about(
                folder.where(name),
                expected=f"{meant.rpartition('/')[2]}, if it is that",
                got="another spelling, which is not looked for",
                remedy="rename it, or take it out of the folder",
            )


def _folded(name: str) -> str:
    """Return a name without what is easily mistaken in it; folders stay as they are.

    >>> _folded("air/F_hh.TXT") == _folded("air/F_Y.txt")
    True
    """
    head, slash, tail = name.rpartition("/")
    stem, dot, suffix = re.sub("[-_ ]", "", tail.lower()).rpartition(".")
    return f"{head}{slash}{OLDER.get(stem, stem)}{dot}{suffix}"
