"""What ``carbonflows-fast report`` takes and does."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from carbonflows_fast._cli_output import say
from carbonflows_fast.errors import InputError, wrong

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the command takes beside the table."""
    parser.add_argument(
        "--stressor", metavar="NAME",
        help="may be left out if there is only one; GWP100_AR6, _AR5 or _AR4 for all "
        "greenhouse gases",
    )  # fmt: skip
    parser.add_argument(
        "--out", metavar="FILE", type=Path, required=True, help="the page to write, .html"
    )
    parser.add_argument(
        "--since", metavar="OTHER_TABLE", type=Path,
        help="tell what changed from this table; of a folder of saved tables, from its first year "
        "if left out",
    )  # fmt: skip
    parser.add_argument("--title", help="of the page")
    parser.add_argument("--date", help="that the page is to bear; none if left out")
    parser.set_defaults(demand=None)


def run(
    question: Callable[[argparse.Namespace], tuple[Any, Any, Any]], arguments: argparse.Namespace
) -> int:
    """Write the report; `question` reads a table and its stressor."""
    import carbonflows_fast as cf
    from carbonflows_fast.reporting import check_page

    check_page(arguments.out, "--out")
    source, stressor = _source(question, arguments)
    since = None
    if arguments.since is not None:
        arguments.table, arguments.year = arguments.since, None
        since = question(arguments)[0]
    written = cf.report(
        source, stressor, out=arguments.out, since=since, title=arguments.title,
        date=arguments.date,
    )  # fmt: skip
    say(f"written: {written}")
    return 0


def _source(
    question: Callable[[argparse.Namespace], tuple[Any, Any, Any]], arguments: argparse.Namespace
) -> tuple[Any, Any]:
    """Return the table, or the panel in a folder of saved tables, and the stressor."""
    import carbonflows_fast as cf
    from carbonflows_fast.store import is_store

    folder = arguments.table
    saved = folder.is_dir() and any(is_store(path) for path in folder.iterdir())
    if not saved or is_store(folder):
        return question(arguments)[:2]
    for option in ("format", "year"):
        if getattr(arguments, option) is not None:
            raise InputError(
                wrong(f"--{option}", expected="a table in text files",
                      got=f"a folder of saved tables, {str(folder)!r}",
                      remedy="leave it out, or name one of the tables in it")
            )  # fmt: skip
    return cf.Panel(folder), arguments.stressor
