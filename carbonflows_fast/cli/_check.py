"""What ``carbonflows-fast check`` and ``carbonflows-fast repair`` take and show."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from carbonflows_fast.cli._files import check_out, path_of, write_out, writing
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import add_layout, save, table_or_path
from carbonflows_fast.cli._text import say_columns
from carbonflows_fast.errors import InputError

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["add_check_arguments", "add_repair_arguments", "check", "repair"]

SWITCHES = {
    "duplicates": "add up rows, and columns of final demand, of one label",
    "balance": "set output to the sum of the row",
    "negative_output": "take negative deliveries out of rows with negative output",
}
TEXTS = {
    "purchases_without_output": "give purchases of sectors without output to SECTOR of their "
    "region, or 'spread' them over all",
    "emissions_without_output": "the same with their emissions",
    "implausible_intensities": "leave implausible intensities what is usual, and give the rest of "
    "their emissions to SECTOR of their region, or 'spread' it",
}
NUMBERS = {
    "column_sums": "scale inputs worth the output or more down to this part of it, e.g. 0.99",
    "negatives": "set negative numbers to 0 that are at most this part of the largest of their "
    "row, e.g. 1e-9",
}


REPAIRS = (*SWITCHES, *TEXTS, *NUMBERS)


def _option(name: str) -> str:
    return f"--{name.replace('_', '-')}"


def add_check_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `check`, except for the output."""
    parser.add_argument("table", metavar="PATH", type=path_of, help="text table or saved table")
    add_layout(parser)
    parser.add_argument("--other", metavar="PATH", type=path_of, help="a table to compare it with")
    parser.add_argument(
        "--stressor",
        metavar="NAME",
        help="the stressor of the effects; default carbon dioxide",
    )


def add_repair_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of `repair`, except for the table."""
    parser.add_argument("destination", metavar="DESTINATION", type=path_of, help="folder to make")
    parser.add_argument(
        "--ledger",
        metavar="FILE",
        type=path_of,
        help="write all changes as .csv, .parquet, .json or .xlsx",
    )
    for name, text in SWITCHES.items():
        parser.add_argument(_option(name), action="store_true", help=text)
    for name, text in TEXTS.items():
        parser.add_argument(_option(name), metavar="SECTOR", help=text)
    for name, text in NUMBERS.items():
        parser.add_argument(_option(name), metavar="PART", type=float, help=text)


def check(arguments: argparse.Namespace) -> int:
    """Report unusual numbers in a table; 1 if there is an error."""
    import carbonflows_fast as cf
    from carbonflows_fast.checks._report import report_text

    check_out(arguments.out)
    report = cf.check(
        table_or_path(arguments),
        arguments.other,
        stressor=arguments.stressor,
        blanks=arguments.blanks,
    )
    worded = partial(in_cli_words, arguments=arguments)
    say(report_text(report, worded, "(--out writes them)"))
    write_out(report.findings, arguments.out)
    return 0 if report.ok else 1


def repair(arguments: argparse.Namespace, load: Callable[[argparse.Namespace], Table]) -> int:
    """Make the named repairs of a table, and save it with a ledger of the changes."""
    import carbonflows_fast as cf

    asked = {name: getattr(arguments, name) for name in REPAIRS}
    _refuse_early(arguments, asked)
    table = load(arguments)
    repaired, ledger = cf.repair(table, **asked)
    counts = ledger.groupby(["repair", "what"], sort=False).size()
    if len(ledger):
        changes = (f"{count:,}" for count in counts)
        say_columns(["repair", "what", "changes"], *zip(*counts.index), changes, left=2)
    else:
        say("nothing to repair")
    with writing(ledger, arguments.ledger, "--ledger"):  # neither without the other
        save(repaired, arguments.destination)
    return 0


def _refuse_early(arguments: argparse.Namespace, asked: dict[str, object]) -> None:
    """Refuse impossible repairs and files before the table is read."""
    from carbonflows_fast.store._saved import require_replaceable

    if all(value is None or value is False for value in asked.values()):
        raise InputError.about(
            "repair",
            expected="at least one repair",
            got="none",
            remedy=f"choose from {', '.join(map(_option, REPAIRS))}",
        )
    check_out(arguments.ledger, "--ledger")
    require_replaceable(arguments.destination, "DESTINATION")
    made = arguments.destination.resolve()
    if arguments.ledger is not None and arguments.ledger.resolve().is_relative_to(made):
        raise InputError.about(
            "--ledger",
            expected="a file outside DESTINATION, which is replaced as a whole",
            got=repr(str(arguments.ledger)),
            remedy="put it beside the folder",
        )
