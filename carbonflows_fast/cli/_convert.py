"""What ``carbonflows-fast convert`` takes and shows."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.interrupts import stopped_by_sigterm
from carbonflows_fast.cli._files import check_out, path_of, write_out
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import complain, say
from carbonflows_fast.cli._tables import save, years_of
from carbonflows_fast.cli._text import columns
from carbonflows_fast.errors import InputError, nearest_are, shorten

if TYPE_CHECKING:
    from carbonflows_fast.readers._sources._candidates import Candidate
    from carbonflows_fast.store._convert_all import Job, Outcome
    from carbonflows_fast.table import Table

__all__ = ["add_arguments", "run"]


def add_arguments(parser: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add the arguments of the command, except for the table."""
    parser.add_argument(
        "destination",
        metavar="DESTINATION",
        type=path_of,
        help="folder to make; of several tables, the folder of their folders, named by year",
    )
    parser.add_argument(
        "--stressor", metavar="NAME", action="append", help="keep only this; may be repeated"
    )
    parser.add_argument("--years", metavar="FIRST:LAST", help="or a list: 1995,2000; default all")
    parser.add_argument(
        "--only", metavar="TEXT", help="with this in the name, e.g. pxp; or a table's whole name"
    )
    parser.add_argument("--workers", type=positive, help="processes; default by cores and memory")
    parser.add_argument("--no-resume", action="store_true", help="convert existing results again")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=path_of,
        help="write the summary as .csv, .parquet, .json or .xlsx",
    )


def run(arguments: argparse.Namespace, load: Callable[..., Table]) -> int:
    """Save one table, or all of them; 1 if some could not be."""
    from carbonflows_fast.store import is_store
    from carbonflows_fast.store._convert_all import convert_all, jobs_of, saved

    check_out(arguments.out)
    if is_store(arguments.table):
        save(load(arguments), arguments.destination)
        return 0
    every = arguments.years is None and arguments.only is None
    seen: list[Candidate] = []
    years = years_of(arguments.years)
    jobs = jobs_of(
        arguments.table,
        arguments.destination,
        format=arguments.format,
        stressors=arguments.stressor,
        blanks=arguments.blanks,
        wanted=_wanted(years, arguments.only, seen),
    )
    _require_all(years, arguments, jobs, seen)
    if len(jobs) == 1 and every:
        started = time.monotonic()
        save(load(arguments, arguments.stressor), arguments.destination)
        if arguments.out:
            (job,) = jobs
            made = saved(job._replace(target=arguments.destination), "saved")
            _show([made._replace(seconds=time.monotonic() - started)], arguments)
        return 0
    if is_store(arguments.destination):
        raise InputError.about(
            "DESTINATION",
            expected=f"a folder for {len(jobs)} saved tables",
            got=f"a saved table, {str(arguments.destination)!r}",
            remedy="choose another folder",
        )
    with stopped_by_sigterm():
        outcomes = convert_all(jobs, workers=arguments.workers, resume=not arguments.no_resume)
    failed = _show(outcomes, arguments)
    say(f"saved: {len(jobs) - failed} of {len(jobs)} tables in {arguments.destination}")
    return 1 if failed else 0


def _require_all(
    asked: Any, arguments: argparse.Namespace, jobs: Sequence[Job], seen: Sequence[Candidate]
) -> None:
    """Raise if nothing is wanted, or a named year does not exist."""
    found = sorted({job.table.year for job in jobs if job.table.year is not None})
    lacking = sorted(set(asked) - set(found)) if isinstance(asked, list) else []
    if lacking or not jobs:
        options = [name for name in ("years", "only") if getattr(arguments, name)]
        raise InputError.about(
            " and ".join(f"--{name}" for name in options),
            expected=f"tables that are in {arguments.table}",
            got=f"none of {shorten(lacking)}" if lacking else "none that fits",
            remedy=_there(arguments.only if not lacking else None, seen),
        )


def _there(only: str | None, seen: Sequence[Candidate]) -> str:
    """Say which tables there are: those named most like a text, or all years."""
    names = list(dict.fromkeys(one.name.rstrip("/") for one in seen if one.name))
    if only is not None and names and not any(only.lower() in name.lower() for name in names):
        return nearest_are(only, names)
    years = sorted({one.year for one in seen if one.year is not None})
    return f"there are tables of {shorten(years)}" if years else "leave the option out"


def _wanted(
    asked: Any, only: str | None, seen: list[Candidate]
) -> Callable[[list[Candidate]], list[Candidate]]:
    """Return the choice by year, and by the name: whole if it exists, else a part of it.

    All that there is to choose from is added to `seen`.
    """

    def fits(table: Candidate) -> bool:
        if asked is None:
            return True
        if table.year is None:
            return False
        if isinstance(asked, slice):
            return (asked.start or table.year) <= table.year <= (asked.stop or table.year)
        return table.year in asked

    def wanted(tables: list[Candidate]) -> list[Candidate]:
        seen.extend(tables)
        if only is not None:
            text = only.lower()
            whole = [one for one in tables if one.name.lower().rstrip("/") == text.rstrip("/")]
            tables = whole or [one for one in tables if text in one.name.lower()]
        return [table for table in tables if fits(table)]

    return wanted


def _show(outcomes: Sequence[Outcome], arguments: argparse.Namespace) -> int:
    """Show and write the summary; return how many failed."""
    import pandas as pd

    heads = ["year", "table", "", "regions", "rows", "stressors", "MB", "seconds"]
    lines = []
    for one in outcomes:
        line = [str(one.year or ""), one.table, one.state, *[""] * 5]
        if one.state != "failed":
            line[3:] = [f"{count:,}" for count in (one.regions, one.rows, one.stressors)]
            line += [f"{one.megabytes:,.1f}", f"{one.seconds:.1f}"]
        lines.append(line)
    say(columns(heads, lines, left=3))
    for one in outcomes:
        if one.reason:
            reason = in_cli_words(one.reason, arguments)
            complain(f"carbonflows-fast: {one.year or one.table}: {one.state}: {reason}")
    write_out(pd.DataFrame(outcomes), arguments.out)
    return sum(one.state == "failed" for one in outcomes)
