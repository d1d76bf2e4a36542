"""Which table a command is about: what names it on the command line, and how it is loaded."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from carbonflows_fast._cli_output import path_of
from carbonflows_fast.errors import CarbonFlowsError, InputError, wrong

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["add_layout", "add_table", "advising", "load", "refuse_own_source", "table_or_path",
           "wrong_for_saved"]  # fmt: skip

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
        help="text table (folder, zip or file), or a saved table (folder)",
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
    """Open a saved table, or read one as its publisher distributes it."""
    import carbonflows_fast as cf
    from carbonflows_fast.selection import select_stressor
    from carbonflows_fast.store import is_store

    year = getattr(arguments, "year", None)
    if not is_store(arguments.table):
        return cf.read(
            arguments.table, format=arguments.format, year=year, stressors=stressors,
            blanks=arguments.blanks,
        )  # fmt: skip
    for option, value in (("--format", arguments.format), ("--year", year)):
        if value is not None:
            raise wrong_for_saved(option, arguments.table)
    table = cf.open(arguments.table)
    for name in stressors or ():
        select_stressor(table, name)  # complains if there is none
    return table


def table_or_path(arguments: argparse.Namespace) -> Table | Path:
    """Return what `carbonflows_fast.check` is told: the path, if it says all."""
    path: Path = arguments.table
    return path if arguments.format is None and arguments.year is None else load(arguments)


def refuse_own_source(arguments: argparse.Namespace) -> None:
    """Refuse to write over what is read, by whatever path it is named.

    Raises
    ------
    InputError
        Naming the argument that would be written.
    """
    given = vars(arguments)
    for written, name in WRITTEN.items():
        for read in READ:
            places = given.get(written), given.get(read)
            if None not in places and _same(*places):  # type: ignore[arg-type]
                raise InputError(
                    wrong(name, expected="another place than that of a table that is read",
                          got=repr(str(places[0])),
                          remedy="choose one where nothing is lost")
                )  # fmt: skip


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
