"""The layouts that are known: the library's own, and those that others register."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import EntryPoints, entry_points
from reprlib import repr as short
from typing import Any

from carbonflows_fast._base.arguments import one_of
from carbonflows_fast.errors import CarbonFlowsError, FormatError, InputError, nearest_are
from carbonflows_fast.readers import (
    adb,
    emerging,
    eora,
    exiobase,
    exiobase_hybrid,
    figaro,
    gloria,
    gtap,
    mario,
    mrio_toolbox,
    oecd,
    plain,
    rex3,
    useeio,
    wiod,
)
from carbonflows_fast.readers._sources._candidates import Candidate, Format, year_in
from carbonflows_fast.readers._sources._files import Files
from carbonflows_fast.readers._sources._unknown import unknown_layout
from carbonflows_fast.table import Table

__all__ = ["FORMATS", "detect_format", "format_of", "refuse_broken", "register", "unregister"]

logger = logging.getLogger(__name__)

FORMATS = {
    "exiobase3": exiobase.FORMAT,
    "exiobase_hybrid": exiobase_hybrid.FORMAT,
    "oecd": oecd.FORMAT,
    "figaro": figaro.FORMAT,
    "wiod2013": wiod.FORMAT_2013,
    "wiod2016": wiod.FORMAT_2016,
    "adb": adb.FORMAT,
    "emerging": emerging.FORMAT,
    "rex3": rex3.FORMAT,
    "gloria": gloria.FORMAT,
    "eora26": eora.FORMAT_26,
    "eora": eora.FORMAT,
    "useeio": useeio.FORMAT,
    "gtap": gtap.FORMAT,
    "mario": mario.FORMAT,
    "mrio_toolbox": mrio_toolbox.FORMAT,
    "plain": plain.FORMAT,
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
        If another reader has the name, or an argument is of the wrong kind. The same reader may be
        registered again.

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
    given = {"name": name, "looked_for": looked_for, "find": find, "read": read}
    for argument, value in given.items():
        text = argument in ("name", "looked_for")
        if not (isinstance(value, str) and value.strip() if text else callable(value)):
            kind = "a text" if text else "a function"
            remedy = "see docs/add_a_reader.md"
            raise InputError.about(argument, expected=kind, got=repr(value), remedy=remedy)
    one_of("beside", beside, (True, False), remedy="leave it out if every file is of one table")
    layout = Format(_Blamed(name, find), _Blamed(name, read), looked_for, beside)
    if FORMATS.setdefault(name, layout) != layout:
        other = "" if name in OWN else f", or call unregister({name!r}) first"
        raise InputError.about(
            "name",
            expected="a name that no other reader has",
            got=repr(name),
            remedy=f"choose another one{other}",
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
    if not isinstance(name, str) or name in OWN or name not in FORMATS:
        registered = [one for one in FORMATS if one not in OWN]
        raise InputError.about(
            "name",
            expected="a reader that was registered",
            got=repr(name),
            remedy=nearest_are(name, registered),
        )
    del FORMATS[name]


def format_of(name: object) -> Format:
    """Return the layout of a name, one that an installed package registers included.

    Raises
    ------
    InputError
        If it is unknown, or the package that has it cannot be imported.
    """
    if isinstance(name, str) and name not in FORMATS and name in _installed().names:
        _load(name)
    if isinstance(name, str) and name in FORMATS:
        return FORMATS[name]
    known = tuple(dict.fromkeys([*FORMATS, *_installed().names]))
    one_of("format", name, known, remedy="leave it out to have the layout detected")
    return FORMATS[str(name)]


def detect_format(
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
    """Return the tables that each reader finds; one of others that fails stops none of them."""
    found: dict[str, list[Candidate]] = {}
    failed: dict[str, CarbonFlowsError] = {}
    for name, known in layouts.items():
        try:
            if tables := known.find(files):
                found[name] = tables
        except CarbonFlowsError as error:
            if name in OWN:
                raise
            failed[name] = error
    if failed and not found:
        raise next(iter(failed.values()))
    for name, reason in failed.items():
        logger.warning("the reader %r is passed over: %s", name, reason)
    return found


# --- readers of others ----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Blamed:
    """A function of a registered reader, whose own errors name the reader and the file."""

    reader: str
    function: Callable[..., Any]

    def __call__(self, files: Files, *table: Candidate, **options: Any) -> Any:
        try:
            result = self.function(files, *table, **options)
            result = result if table else list(result)
            if table and not isinstance(result, Table):
                raise TypeError(f"`read` returned {short(result)}, not a Table")
            if not table and not all(map(_is_candidate, result)):
                raise TypeError(f"`find` returned {short(result)}, not a list of Candidates")
            return result
        except (CarbonFlowsError, MemoryError):
            raise
        except Exception as error:
            raise FormatError.about(
                files.where(table[0].name) if table else str(files.path),
                expected=f"a table that the reader {self.reader!r} can read",
                got=_in_words(error),
                remedy="correct the file, or the reader",
            ) from error


def _is_candidate(one: object) -> bool:
    return (
        isinstance(one, Candidate)
        and isinstance(one.name, str)
        and (one.year is None or isinstance(one.year, int))
    )


def _in_words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")


def _installed() -> EntryPoints:
    return entry_points(group=ENTRY_POINTS)


def _load(name: str) -> None:
    """Import the module that registers a reader.

    Raises
    ------
    InputError
        If it cannot be imported, or does not register it.
    """
    module = _installed()[name]
    try:
        module.load()
        reason = f"{module.value}, which does not register it"
    except (Exception, SystemExit) as error:  # anything can be wrong with a package of others
        reason = f"{_in_words(error)} ({module.value})"
    if name not in FORMATS:
        raise InputError.about(
            "format",
            expected=f"a reader {name!r} that can be loaded",
            got=reason,
            remedy="repair or remove the package that has it",
        )


def _load_all() -> dict[str, Format]:
    """Return the readers that installed packages add; those that cannot be loaded are logged."""
    before = set(FORMATS)
    for name in sorted(_installed().names - before):
        try:
            _load(name)
        except InputError as error:
            logger.warning("the reader %r cannot be loaded: %s", name, error.got)
    return {name: layout for name, layout in FORMATS.items() if name not in before}
