"""The table of a command: its arguments, and how it is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._streams import say
from carbonflows_fast.errors import (
    CarbonFlowsError,
    InputError,
    Phrase,
    StoreError,
    passed_on,
    shorten,
)

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "add_layout",
    "add_rtol",
    "add_stressor",
    "add_table",
    "given",
    "has_saved",
    "load",
    "naming",
    "pairs",
    "refuse_layout",
    "refuse_own_source",
    "rtol_of",
    "save",
    "table_or_path",
    "wrong_for_saved",
    "years_of",
]

WRITTEN = {"destination": "DESTINATION", "out": "--out", "ledger": "--ledger", "figure": "--figure"}
READ = (
    *("table", "after", "other", "since", "classes", "errors"),
    *("bought", "categories", "price_index", "margins", "changes"),
)


def add_table(
    parser: argparse.ArgumentParser, *, optional: bool = False, year: bool = True
) -> None:
    """Add TABLE and the options for reading it."""
    parser.add_argument(
        "table",
        metavar="TABLE",
        type=path_of,
        nargs="?" if optional else None,
        help="text table (folder, zip or file), or a saved table (folder)"
        + ("; with --year, also a folder of saved tables" if year else ""),
    )
    add_layout(parser, year=year)


def add_stressor(parser: argparse.ArgumentParser) -> None:
    """Add which stressor a command is about."""
    parser.add_argument(
        "--stressor",
        metavar="NAME",
        help="not needed if there is only one; GWP100_AR6, _AR5 or _AR4 for all greenhouse gases",
    )


def add_layout(parser: argparse.ArgumentParser, *, year: bool = True) -> None:
    """Add what says how to read a text table, and which of several."""
    parser.add_argument("--format", help="layout of a text table, e.g. oecd; detected by default")
    if year:
        parser.add_argument("--year", type=int, help="which table, if a path has several")
    parser.add_argument(
        "--blanks",
        choices=("error", "zero"),
        default="error",
        help="what empty cells of a text table are; default an error",
    )


def add_rtol(parser: argparse.ArgumentParser, default: str = "1e-10") -> None:
    """Add how accurate a result has to be."""
    parser.add_argument(
        "--rtol",
        metavar="ERROR",
        type=float,
        help="relative error that solves are certified to, e.g. 1e-6, which takes fewer passes "
        f"over the table; default {default}",
    )


def rtol_of(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the argument of functions, where there is one; it is checked before all else."""
    rtol = getattr(arguments, "rtol", None)
    return {} if rtol is None else {"rtol": tolerance(rtol)}


def load(arguments: argparse.Namespace, stressors: Sequence[str] | None = None) -> Table:
    """Open a saved table, or the one of a year in a folder of them, or read a text table."""
    import carbonflows_fast as cf
    from carbonflows_fast.store import is_store
    from carbonflows_fast.table._selection import select_stressor

    year = getattr(arguments, "year", None)
    if has_saved(arguments.table):
        refuse_layout(arguments)
        one = {"table": _of_year(arguments.table, year), "year": None}
        return load(argparse.Namespace(**vars(arguments) | one), stressors)
    if not is_store(arguments.table):
        layout = given(arguments, "format", "blanks")
        return cf.read(arguments.table, year=year, stressors=stressors, **layout)
    if arguments.format is not None:
        raise wrong_for_saved("--format", arguments.table)
    table = cf.open(arguments.table)
    if year is not None and year != table.year:
        of = "a table without a year" if table.year is None else f"the table of {table.year}"
        raise InputError.about(
            "year",
            expected="the year of the table, or a folder of several",
            got=f"{year} for {str(arguments.table)!r}, which is {of}",
            remedy=Phrase.of("leave ", "year", " out, or name the folder that holds all"),
        )
    for name in stressors or ():
        select_stressor(table, name)  # complains if there is none
    return table


def table_or_path(arguments: argparse.Namespace) -> Table | Path:
    """Return the argument of `carbonflows_fast.check`: the path, if that is enough."""
    path: Path = arguments.table
    plain = arguments.format is None and arguments.year is None and not has_saved(path)
    return path if plain else load(arguments)


def given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return arguments that a function calls alike."""
    return {name: getattr(arguments, name) for name in names}


def has_saved(folder: Path) -> bool:
    """Whether a path is a folder of saved tables."""
    from carbonflows_fast.store import is_store

    try:
        return folder.is_dir() and not is_store(folder) and any(map(is_store, folder.iterdir()))
    except OSError:
        return False  # reading it gives the reason


def refuse_layout(arguments: argparse.Namespace) -> None:
    """Refuse --format for a folder of saved tables, which have none."""
    if arguments.format is not None:
        raise InputError.about(
            "--format",
            expected="a table in text files",
            got=f"a folder of saved tables, {str(arguments.table)!r}",
            remedy="leave it out",
        )


def _of_year(folder: Path, year: int | None) -> Path:
    """Return the saved table of a year among those in a folder."""
    from carbonflows_fast.panel import Panel

    panel = Panel(folder)
    if year is None:
        raise InputError.about(
            str(folder),
            expected="one table",
            got=f"saved tables ({shorten(panel, 40)})",
            remedy=Phrase.of(
                "say which: ",
                "year",
                " …, or the path of one; or ask all with carbonflows-fast panel",
            ),
        )
    if year not in panel:
        raise InputError.about(
            "year",
            expected=f"a year of {str(folder)!r}, {shorten(panel, 40)}",
            got=str(year),
            remedy="ask for a year that is there",
        )
    return panel.path(year)


def refuse_own_source(arguments: argparse.Namespace) -> None:
    """Refuse to write over the source, under any of its paths.

    Raises
    ------
    InputError
        Naming the argument that would be written.
    """
    given = vars(arguments)
    for written, name in WRITTEN.items():
        place: Path | None = given.get(written)
        for source in (_chosen(given, read) for read in READ if place is not None):
            if place is not None and source is not None and _same(place, source):
                raise InputError.about(
                    name,
                    expected="another place than that of a table that is read",
                    got=repr(str(place)),
                    remedy="choose one where nothing is lost",
                )


def _chosen(given: dict[str, Any], read: str) -> Path | None:
    """Return the place of the source: in a folder of saved tables, the one of its year."""
    path: Path | None = given.get(read)
    year = given.get({"table": "year"}.get(read, f"{read}_year"))
    if path is not None and year is not None and has_saved(path):
        with suppress(CarbonFlowsError):  # the command says what is wrong, and of which option
            return _of_year(path, year)
    return path


def _same(one: Path, other: Path) -> bool:
    try:
        return one.samefile(other)
    except OSError:
        return False  # one of them does not exist: nothing can be lost


def wrong_for_saved(argument: str, path: Path) -> InputError:
    """Return the error for an option that a saved table has no use for."""
    return InputError.about(
        argument,
        expected="a table in text files",
        got=f"a saved table, {str(path)!r}",
        remedy=f"leave {argument} out, or name the source that it was saved from",
    )


@contextmanager
def naming(arguments: argparse.Namespace, **names: str) -> Iterator[None]:
    """Let errors about a second table call its arguments otherwise: it is left when one comes."""
    arguments.names = names
    yield
    arguments.names = {}


def pairs(texts: list[str] | None, bare: Sequence[str]) -> Any:
    """Turn 'NAME', 'REGION:LABEL', 'REGION:' and ':LABEL' into what the library selects by.

    A text that is one of the `bare` names is that name, whatever colons it has; a blank after the
    colon is ours, as paths are printed so.

    >>> pairs(["DE", "DE: steel", ":coal", "a:b"], ["a:b"])
    ['DE', ('DE', 'steel'), (None, 'coal'), 'a:b']
    """
    if texts is None:
        return None
    selected: list[Any] = []
    for text in texts:
        region, colon, label = text.partition(":")
        if text in bare or not colon:
            selected.append(text)
        else:
            selected.append((region.strip() or None, label.removeprefix(" ") or None))
    return selected


def years_of(text: str | None) -> Any:
    """Read "1995:2022", both included, or "1995,2000"."""
    if text is None:
        return None
    try:
        if ":" in text:
            first, last = (int(part) if part else None for part in text.split(":"))
            if first is not None and last is not None and first > last:
                raise ValueError
            return slice(first, last)
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise InputError.about(
            "--years",
            expected="FIRST:LAST, the earlier year first, or a list with commas",
            got=repr(text),
            remedy="e.g. --years 1995:2022",
        ) from None


def save(table: Table, destination: Path) -> None:
    """Save a table, and say where and how large it is."""
    from carbonflows_fast import store

    try:
        path = store.save(table, destination)
    except StoreError as error:
        raise passed_on(error, StoreError, "DESTINATION") from error
    size = sum(file.stat().st_size for file in Path(path).rglob("*") if file.is_file())
    say(repr(table))
    say(f"saved: {path} ({size / 1e6:,.1f} MB)")
