"""What ``carbonflows-fast report`` takes and does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any, TypeAlias

from carbonflows_fast.cli._errors import add_errors, errors_of
from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._spending import LEDGER, add_ledger_arguments, purchases_of
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._tables import add_stressor, given, has_saved, naming, refuse_layout
from carbonflows_fast.cli._what_if import add_price, find_prices
from carbonflows_fast.errors import InputError, LabelError

__all__ = ["add_arguments", "run"]

OF_PRICE = ("border", "rebate", "sectors", "goods", "phase_in")
OF_LEDGER = (
    *("categories", "buyer", "currency", "price_year", "price_index", "exchange"),
    *("margins", "trade", "transport"),
)

# Reads a table and its stressor, and the demand that a report has not.
Question: TypeAlias = Callable[[argparse.Namespace], tuple[Any, Any, Any]]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes beside the table."""
    add_stressor(parser)
    parser.add_argument(
        "--out", metavar="FILE", type=path_of, required=True, help="the page to write, .html"
    )
    parser.add_argument(
        "--since", metavar="OTHER_TABLE", type=path_of, help="show the change since this table"
    )
    parser.add_argument(
        "--since-year",
        metavar="YEAR",
        type=int,
        help="which table, where OTHER_TABLE has several, as a folder of saved tables has; alone, "
        "which of TABLE",
    )
    add_errors(parser, "say in the report how sure it is")
    parser.add_argument(
        "--purchases",
        dest="bought",
        metavar="LEDGER",
        type=path_of,
        help=f"add what purchases cause; {LEDGER}",
    )
    add_ledger_arguments(parser)
    add_price(parser, required=False)
    parser.add_argument("--title", help="title of the page")
    parser.add_argument("--date", help="date of the page; default none")
    parser.epilog = (
        "TABLE may be a folder of saved tables, one a year: the report is about the last, since "
        "the first unless you name another, or only about the one of --year."
    )
    parser.set_defaults(demand=None)


def run(question: Question, arguments: argparse.Namespace) -> int:
    """Write the report."""
    import carbonflows_fast as cf
    from carbonflows_fast.reporting import check_page

    check_page(arguments.out, "--out")
    errors = errors_of(arguments)
    _refuse_halves(arguments)
    source, stressor = _source(question, arguments)
    since = _since(question, arguments)
    page = given(arguments, "out", "title", "date") | _more(source, stressor, arguments)
    written = cf.report(source, stressor, since=since, errors=errors, **page)
    say(f"written: {written}")
    return 0


def _refuse_halves(arguments: argparse.Namespace) -> None:
    """Refuse a price without regions, regions without a price, and what belongs to neither."""
    halves = {"--per-tonne": arguments.price, "--price": arguments.regions}
    missing = [option for option, value in halves.items() if value is None]
    if len(missing) == 1:
        other = next(option for option in halves if option not in missing)
        raise InputError.about(
            missing[0],
            expected=f"it beside {other}",
            got="nothing",
            remedy=f"give both, e.g. --per-tonne 80 --price EU27, or leave {other} out",
        )
    needs = {"--per-tonne": OF_PRICE, "--purchases": OF_LEDGER}
    there = {"--per-tonne": arguments.price, "--purchases": arguments.bought}
    for option, names in needs.items():
        alone = [name for name in names if getattr(arguments, name) is not None]
        if there[option] is None and alone:
            written = f"--{alone[0].replace('_', '-')}"
            raise InputError.about(
                written,
                expected=f"{option} beside it",
                got=f"{written} alone",
                remedy=f"give {option}, or leave {written} out",
            )


def _more(source: Any, stressor: Any, arguments: argparse.Namespace) -> dict[str, Any]:
    """Return what purchases cause and what a price does, as far as the report is to say it."""
    from carbonflows_fast.table import Table

    found: dict[str, Any] = {}
    table = source if isinstance(source, Table) else source[source.years[-1]]
    if arguments.bought is not None:
        with naming(arguments, year="--price-year"):
            found["purchases"] = purchases_of(table, stressor, arguments)
    if arguments.price is not None:
        found["prices"] = find_prices(table, stressor, arguments)
    return found


def _source(question: Question, arguments: argparse.Namespace) -> tuple[Any, Any]:
    """Return the table, or the panel in a folder of saved tables, and the stressor."""
    import carbonflows_fast as cf

    folder = arguments.table
    if arguments.year is None and has_saved(folder):
        refuse_layout(arguments)
        return cf.Panel(folder), arguments.stressor
    return question(arguments)[:2]


def _since(question: Question, arguments: argparse.Namespace) -> Any:
    """Return the table since which changes are shown, if any."""
    from carbonflows_fast.store import is_store

    path, year = arguments.since, arguments.since_year
    if path is None and year is None:
        return None
    if path is None and has_saved(arguments.table):
        path = arguments.table
    if path is None or (year is None and has_saved(path)):
        got = f"a folder of saved tables, {str(path)!r}" if path else f"the year {year} alone"
        remedy = "say which: --since-year …" if path else "give its path"
        raise InputError.about("--since", expected="one table", got=got, remedy=remedy)
    # The layout may be meant for the other table; a saved one has none.
    layout = None if is_store(path) or has_saved(path) else arguments.format
    asked = {"table": path, "year": year, "format": layout}
    with naming(arguments, year="--since-year"):
        try:
            return question(argparse.Namespace(**vars(arguments) | asked))[0]
        except LabelError as error:
            raise LabelError.about(
                "--since",
                expected=f"a table with the stressor {arguments.stressor!r}",
                got=f"{str(path)!r} without it",
                remedy=error.remedy,
            ) from error
