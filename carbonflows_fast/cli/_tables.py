"""Which table a command is about: what names it on the command line, and how it is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carbonflows_fast.cli._text import path_of
from carbonflows_fast.errors import CarbonFlowsError, InputError, shorten, wrong

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["add_layout", "add_table", "advising", "has_saved", "load", "refuse_layout",
           "refuse_own_source", "table_or_path", "wrong_for_saved"]  # fmt: skip

WRITTEN = {"destination": "DESTINATION", "out": "--out", "ledger": "--ledger"}
READ = ("table", "after", "other", "since", "classes")


def add_table(
    parser: argparse.ArgumentParser, *, optional: bool = False, year: bool = True
) -> None:
    """Add TABLE and what says how to read it."""
    parser.add_argument(
        "table",
        metavar="TABLE",
        type=path_of,
        nargs="?" if optional else None,
        help="text table (folder, zip or file), or a saved table (folder)"
        + ("; with --year, also a folder of saved tables" if year else ""),
    )
    add_layout(parser, year=year)


def add_layout(parser: argparse.ArgumentParser, *, year: bool = True) -> None:
    """Add what says how to read a text table, and which of several."""
    parser.add_argument("--format", help="layout of a text table, e.g. oecd; found out if not")
    if year:
        parser.add_argument("--year", type=int, help="which table, where a path has several")
    parser.add_argument(
        "--blanks", choices=("error", "zero"), default="error",
        help="what empty cells of a text table are; an error if not said",
    )  # fmt: skip


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
        return cf.read(
            arguments.table, format=arguments.format, year=year, stressors=stressors,
            blanks=arguments.blanks,
        )  # fmt: skip
    if arguments.format is not None:
        raise wrong_for_saved("--format", arguments.table)
    table = cf.open(arguments.table)
    if year is not None and year != table.year:
        of = "a table without a year" if table.year is None else f"the table of {table.year}"
        raise InputError(
            wrong("--year", expected="the year of the table, or a folder of several",
                  got=f"{year} for {str(arguments.table)!r}, which is {of}",
                  remedy="leave --year out, or name the folder that holds all")
        )  # fmt: skip
    for name in stressors or ():
        select_stressor(table, name)  # complains if there is none
    return table


def table_or_path(arguments: argparse.Namespace) -> Table | Path:
    """Return what `carbonflows_fast.check` is told: the path, if it says all."""
    path: Path = arguments.table
    plain = arguments.format is None and arguments.year is None and not has_saved(path)
    return path if plain else load(arguments)


def has_saved(folder: Path) -> bool:
    """Whether a path is a folder of saved tables."""
    from carbonflows_fast.store import is_store

    try:
        return folder.is_dir() and not is_store(folder) and any(map(is_store, folder.iterdir()))
    except OSError:
        return False  # whoever reads it says why


def refuse_layout(arguments: argparse.Namespace) -> None:
    """Refuse --format for a folder of saved tables, which have none."""
    if arguments.format is not None:
        raise InputError(
            wrong("--format", expected="a table in text files",
                  got=f"a folder of saved tables, {str(arguments.table)!r}",
                  remedy="leave it out")
        )  # fmt: skip


def _of_year(folder: Path, year: int | None) -> Path:
    """Return the saved table of a year among those in a folder."""
    from carbonflows_fast.panel import Panel

    paths = Panel(folder)._paths
    if year is None:
        raise InputError(
            wrong(str(folder), expected="one table",
                  got=f"saved tables ({shorten(paths, 40)})",
                  remedy="say which: --year …, or the path of one; or ask all with "
                  "carbonflows-fast panel")
        )  # fmt: skip
    if year not in paths:
        raise InputError(
            wrong("--year", expected=f"a year of {str(folder)!r}, {shorten(paths, 40)}",
                  got=str(year), remedy="ask for a year that is there")
        )  # fmt: skip
    return paths[year]


def refuse_own_source(arguments: argparse.Namespace) -> None:
    """Refuse to write over what is read, by whatever path it is named.

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
                raise InputError(
                    wrong(name, expected="another place than that of a table that is read",
                          got=repr(str(place)),
                          remedy="choose one where nothing is lost")
                )  # fmt: skip


def _chosen(given: dict[str, Any], read: str) -> Path | None:
    """Return where a table is that is read: the one of its year in a folder of saved tables."""
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
        return False  # one of them is not there: nothing can be lost


def wrong_for_saved(argument: str, path: Path) -> InputError:
    """Return the error for an option that a saved table has no use for."""
    return InputError(
        wrong(
            argument,
            expected="a table in text files",
            got=f"a saved table, {str(path)!r}",
            remedy=f"leave {argument} out, or name the source that it was saved from",
        )
    )


@contextmanager
def advising(option: str) -> Iterator[None]:
    """Let errors about a second table advise the option that names its year."""
    try:
        yield
    except CarbonFlowsError as error:
        sentence = str(error).replace("year=…", "--year …").replace("--year", option)
        error.args = (sentence, *error.args[1:])
        raise
