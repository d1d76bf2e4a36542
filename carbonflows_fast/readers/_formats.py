"""The layouts that are known: the library's own, and those that others register."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import EntryPoints, entry_points
from typing import Any

from carbonflows_fast.errors import CarbonFlowsError, FormatError, InputError
from carbonflows_fast.readers import eora, exiobase, figaro, gloria, oecd, plain, useeio
from carbonflows_fast.readers._sources._candidates import Candidate, Format, year_in
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._unknown import unknown_layout
from carbonflows_fast.readers.wiod import _release_2013 as wiod2013
from carbonflows_fast.readers.wiod import _release_2016 as wiod2016
from carbonflows_fast.table import Table

__all__ = ["FORMATS", "detected", "format_of", "refuse_broken", "register", "unregister"]

logger = logging.getLogger(__name__)

FORMATS = {
    "exiobase3": Format(exiobase.find_exiobase, exiobase.read_exiobase, exiobase.LOOKED_FOR),
    "oecd": Format(oecd.find_oecd, oecd.read_oecd, oecd.LOOKED_FOR, beside=True),
    "figaro": Format(figaro.find_figaro, figaro.read_figaro, figaro.LOOKED_FOR, beside=True),
    "wiod2013": Format(
        wiod2013.find_wiod2013, wiod2013.read_wiod2013, wiod2013.LOOKED_FOR, beside=True
    ),
    "wiod2016": Format(
        wiod2016.find_wiod2016, wiod2016.read_wiod2016, wiod2016.LOOKED_FOR, beside=True
    ),
    "gloria": Format(gloria.find_gloria, gloria.read_gloria, gloria.LOOKED_FOR),
    "eora26": Format(eora.find_eora26, eora.read_eora26, eora.LOOKED_FOR_26),
    "eora": Format(eora.find_eora, eora.read_eora, eora.LOOKED_FOR),
    "useeio": Format(useeio.find_useeio, useeio.read_useeio, useeio.LOOKED_FOR),
    "plain": Format(plain.find_plain, plain.read_plain, plain.LOOKED_FOR),
}
OWN = frozenset(FORMATS)
ENTRY_POINTS = "carbonflows_fast.readers"


def register(
    name: str,
    *,
    find: Callable[[Files], list[Candidate]],
    read: Callable[..., Table],
    looked_for: str,
    beside: bool = False,
) -> None:
    """Add a reader of your own to those that `cf.read` knows.

    From then on `cf.read`, `cf.check`, `cf.report` and the command line know its tables too, in
    this process. So that every process knows them, the command line's and its workers' included,
    give your package an entry point of the group "carbonflows_fast.readers": its name is that of
    the reader, and its value the module that registers it. That module is imported only when
    `format` names the reader, or when no other reader knows a path. See docs/add_a_reader.md.

    Parameters
    ----------
    name : str
        What `format` calls it.
    find : callable
        Takes the files at a path and returns a list with a `Candidate` for each table among them,
        empty if there is none. It looks at names, and reads little.
    read : callable
        Takes these files, one candidate, and by keyword `stressors` (a list of names, or None for
        all) and `progress`; returns the Table.
    looked_for : str
        The names of the files that it looks for, for errors. An example comes first.
    beside : bool
        Whether files that belong to no table, such as emissions, may be part of every one.

    Raises
    ------
    InputError
        If another reader has the name, or an argument is no function or no text. The same reader
        may be registered again.

    Examples
    --------
    >>> import pathlib, tempfile, carbonflows_fast as cf
    >>> def find(files):
    ...     return [cf.readers.Candidate(name, None) for name, _ in files.matching("toy.txt")]
    >>> def read(files, candidate, *, stressors, progress):
    ...     regions, sectors = map(int, files.content(candidate.name).split())
    ...     return cf.synthetic.world(regions, sectors)
    >>> cf.readers.register("toy", find=find, read=read, looked_for="toy.txt")
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "toy.txt").write_text("2 3")
    >>> len(cf.read(folder).rows)
    6
    >>> cf.readers.unregister("toy")
    """
    for argument, value in (("name", name), ("looked_for", looked_for)):
        if not isinstance(value, str) or not value.strip():
            raise InputError.about(
                argument, expected="a text", got=repr(value), remedy="say it in a few words"
            )
    for argument, function in (("find", find), ("read", read)):
        if not callable(function):
            raise InputError.about(
                argument,
                expected="a function",
                got=repr(function),
                remedy="give the function itself, without brackets",
            )
    layout = Format(_Find(name, find), _Read(name, read), looked_for, beside)
    if FORMATS.setdefault(name, layout) != layout:
        raise InputError.about(
            "name",
            expected="a name that no other reader has",
            got=repr(name),
            remedy="choose another one"
            if name in OWN
            else f"choose another one, or call unregister({name!r}) first",
        )


def unregister(name: str) -> None:
    """Take back a reader that was registered.

    Parameters
    ----------
    name : str
        What it was registered as.

    Raises
    ------
    InputError
        If there is none of this name, or it is one of the library's own.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> cf.readers.unregister("toy")
    Traceback (most recent call last):
    carbonflows_fast.errors.InputError: name: expected a reader that was registered, got 'toy'; ...
    """
    if name in OWN or name not in FORMATS:
        registered = [repr(one) for one in FORMATS if one not in OWN]
        raise InputError.about(
            "name",
            expected="a reader that was registered",
            got=repr(name),
            remedy=f"registered are {', '.join(registered)}" if registered else "there is none",
        )
    del FORMATS[name]


def format_of(name: object) -> Format:
    """Return the layout of a name, one that an installed package registers included.

    Raises
    ------
    InputError
        If it is unknown, or the package that has it cannot be imported.
    """
    if isinstance(name, str) and name in FORMATS:
        return FORMATS[name]
    installed = _installed()
    if isinstance(name, str) and name in installed.names and (reason := _load(installed, name)):
        raise InputError.about(
            "format",
            expected=f"a reader {name!r} that can be loaded",
            got=reason,
            remedy="repair or remove the package that has it",
        )
    if not (isinstance(name, str) and name in FORMATS):
        names = dict.fromkeys([*FORMATS, *sorted(installed.names)])
        raise InputError.about(
            "format",
            expected=" or ".join(map(repr, names)),
            got=repr(name),
            remedy="leave it out to have the layout detected",
        )
    return FORMATS[name]


def detected(
    files: Files,
    format: str | None = None,
    wanted: Callable[[list[Candidate]], list[Candidate]] = list,
) -> tuple[str, list[Candidate]]:
    """Return the one format that finds tables among files, and these.

    Where several do, the one that has all that are wanted; any if none has one.

    Raises
    ------
    FormatError
        If none does, or several do.
    InputError
        If `format` is unknown.
    """
    layouts = FORMATS if format is None else {format: format_of(format)}
    found = _found(files, layouts)
    if not found and format is None and (more := _load_all()):
        found = _found(files, more)
    if not found:
        raise unknown_layout(files, FORMATS, format)
    if len(found) > 1:
        some = {name: tables for name, tables in found.items() if wanted(tables)}
        found = some or dict([found.popitem()])
    if len(found) > 1:
        raise FormatError.about(
            str(files.path),
            expected="tables of one format",
            got=" and ".join(found),
            remedy="say which: format=…, or the path of the table",
            typed="say which: --format …, or the path of the table",
        )
    return found.popitem()


def refuse_broken(files: Files, year: int | None) -> None:
    """Raise for zips that cannot be opened, unless they are of another year by their names.

    Raises
    ------
    FormatError
        Of the first of them.
    """
    for name, error in files.broken.items():
        if year is None or year_in(name) in (None, year):
            raise error


def _found(files: Files, layouts: dict[str, Format]) -> dict[str, list[Candidate]]:
    return {name: tables for name, known in layouts.items() if (tables := known.find(files))}


# --- readers of others ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Find:
    """The `find` of a registered reader; what it does wrong is said with its name."""

    name: str
    function: Callable[[Files], list[Candidate]]

    def __call__(self, files: Files) -> list[Candidate]:
        with _blamed(self.name, str(files.path)):
            tables = list(self.function(files))
            if not all(isinstance(table, Candidate) for table in tables):
                raise TypeError(f"`find` returned {tables!r}, not Candidates alone")
            return tables


@dataclass(frozen=True)
class _Read:
    """The `read` of a registered reader; what it does wrong is said with its name."""

    name: str
    function: Callable[..., Table]

    def __call__(self, files: Files, table: Candidate, **options: Any) -> Table:
        with _blamed(self.name, files.where(table.name)):
            result = self.function(files, table, **options)
            if not isinstance(result, Table):
                raise TypeError(f"`read` returned {type(result).__name__}, not Table")
            return result


@contextmanager
def _blamed(name: str, place: str) -> Iterator[None]:
    """Turn whatever a reader raises, but for the library's own errors, into a FormatError."""
    try:
        yield
    except (CarbonFlowsError, MemoryError):
        raise
    except Exception as error:
        raise FormatError.about(
            place,
            expected=f"a table that the reader {name!r} can read",
            got=_in_words(error),
            remedy="correct the file, or the reader",
        ) from error


def _in_words(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())


def _installed() -> EntryPoints:
    """Return the readers that installed packages have and that are not registered yet."""
    every = entry_points(group=ENTRY_POINTS)
    return EntryPoints(one for one in every if one.name not in FORMATS)


def _load(installed: EntryPoints, name: str) -> str:
    """Import the module that registers a reader; return why it does not, or nothing."""
    try:
        installed[name].load()
    except Exception as error:  # anything can be wrong with the package of somebody else
        return f"{_in_words(error)} ({installed[name].value})"
    return "" if name in FORMATS else f"{installed[name].value}, which does not register it"


def _load_all() -> dict[str, Format]:
    """Import all readers that installed packages have; those that cannot be are logged."""
    installed, before = _installed(), set(FORMATS)
    for name in sorted(installed.names):
        if reason := _load(installed, name):
            logger.warning("the reader %r cannot be loaded: %s", name, reason)
    return {name: layout for name, layout in FORMATS.items() if name not in before}
