"""Which table among the files of a path: the formats that know one, and the year."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from importlib import import_module
from typing import Any, NamedTuple

from carbonflows_fast._base.wording import count
from carbonflows_fast.errors import FormatError, Phrase, shorten
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.table import Table

__all__ = ["Candidate", "Format", "choose_table", "folder_year", "outermost", "reader", "year_in"]


class Candidate(NamedTuple):
    """A table among the files of a path, as a reader's `find` lists it.

    Attributes
    ----------
    name : str
        Its file or folder.
    year : int or None
        Its year, where the name says it.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.readers.Candidate("atlas_2019.csv", 2019).year
    2019
    """

    name: str
    year: int | None


class Format(NamedTuple):
    """A layout: how its tables are found and read, what that looks for, and whether files that
    belong to no table, such as emissions, may be part of every one."""

    find: Callable[[Files], list[Candidate]]
    read: Callable[..., Table]
    looked_for: str
    beside: bool = False


def reader(module: str, function: str) -> Callable[..., Table]:
    """Return a function of a module that is imported when it is called.

    Every path is shown to all formats, and one of them reads it: the others need not be loaded.
    """

    def read(*arguments: Any, **options: Any) -> Table:
        table: Table = getattr(import_module(module), function)(*arguments, **options)
        return table

    return read


def choose_table(files: Files, candidates: Sequence[Candidate], year: int | None) -> Candidate:
    """Return the one table, or that of the year.

    Raises
    ------
    FormatError
        If there is none, or several are left.
    """
    found = [one for one in candidates if year is None or one.year == year]
    if len(found) == 1:
        return found[0]
    years = sorted({one.year for one in candidates if one.year is not None})
    alike = len(years) < len(candidates)  # years alone do not distinguish them
    listed = shorten([one.name or files.title for one in candidates] if alike else years)
    there = f"{count(len(candidates), 'table')} ({listed})"
    expected, got = "one table", there
    rest = " …, or the path of its file"
    remedy: str = Phrase(f"say which: year={rest[1:]}", ("say which: ", "year", rest))
    if year is not None:
        expected, remedy = f"one table of {year}", "ask for a year that is there"
        if found:
            got = f"{len(found)} of that year ({shorten([one.name for one in found])})"
            remedy = "give the path of its file"
        elif len(candidates) == 1:
            remedy = Phrase("leave year=… out", ("leave ", "year", " … out"))
    raise FormatError.about(str(files.path), expected=expected, got=got, remedy=remedy)


def outermost(roots: Iterable[str]) -> list[str]:
    """Return the folders that lie in no other one of them, in alphabetical order.

    >>> outermost(["2018.zip/own/", "2017/", "2017/draft/"])
    ['2017/', '2018.zip/own/']
    """
    kept: list[str] = []
    for root in sorted(roots):  # what lies in a folder follows it
        if not (kept and root.startswith(kept[-1])):
            kept.append(root)
    return kept


def year_in(*names: str) -> int | None:
    """Return the year in the first name that has one.

    >>> year_in("own table", "study 2019/")
    2019
    """
    for name in names:
        released = re.search(r"IOT_(\d{4})(?!\d)", name, re.IGNORECASE)
        # Elsewhere a number is a year only if it is a word by itself and the only one.
        alone = set(re.findall(r"(?<![^\W_])((?:19|20)\d{2})(?![^\W_])", name))
        if released or len(alone) == 1:
            return int(released[1] if released else alone.pop())
    return None


def folder_year(files: Files) -> int | None:
    """Return the year in the innermost name that has one: a folder's, or that of the path."""
    return year_in(*reversed(files.root.split("/")), files.path.absolute().name)
