"""What ``carbonflows-fast panel`` takes and shows."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from carbonflows_fast._base.interrupts import stopped_by_sigterm
from carbonflows_fast.classification._groups import memberships_note
from carbonflows_fast.cli._errors import add_errors, errors_of, require_fit_of_file
from carbonflows_fast.cli._files import FORMATS, check_out, path_of, write_out
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import complain, say
from carbonflows_fast.cli._tables import pairs, years_of
from carbonflows_fast.cli._text import measured, numbers, percent, say_columns
from carbonflows_fast.errors import InputError, PanelError

__all__ = ["add_arguments", "run"]

WHAT = {
    "accounts": "accounts",
    "flows": "flows",
    "paths": "structural_paths",
    "sector": "sector_study",
    "decompose": "structural_decomposition",
    "changes": "structural_path_decomposition",
    "uncertainty": "uncertainty",
    "difference": "difference",
}
OF_PATHS = ("top", "threshold", "min_share", "max_stage")
HOW_SURE = ("errors", "of", "draws", "seed", "correlation")
TAKES: dict[str, tuple[str, ...]] = {
    "accounts": ("rtol",),
    "flows": ("rtol",),
    "paths": ("consumers", "rtol", *OF_PATHS),
    "sector": ("consumers", "sectors", "rtol"),
    "decompose": ("consumers", "pairs"),
    "changes": ("consumers", "pairs", *OF_PATHS),
    "uncertainty": ("rtol", *HOW_SURE),
    "difference": ("pairs", "rtol", *HOW_SURE),
}
LINES = 20


def add_arguments(parser: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add the arguments of the command, except for the question."""
    parser.add_argument(
        "what",
        metavar="WHAT",
        choices=list(dict.fromkeys([*WHAT, *WHAT.values()])),
        help=f"{', '.join(WHAT)}, or the name of a method of Panel",
    )
    parser.add_argument("store", metavar="STORE", type=path_of, help="folder of saved tables")
    parser.add_argument("--years", metavar="FIRST:LAST", help="or a list: 1995,2000; default all")
    parser.add_argument(
        "--scheduler", metavar="ADDRESS", help="of a Dask cluster; default this machine"
    )
    parser.add_argument(
        "--workers", type=positive, help="processes; default by cores, none for small tables"
    )
    parser.add_argument(
        "--wait",
        metavar="SECONDS",
        type=float,
        help="seconds to wait for workers, also if all are lost; default 600, no limit with "
        "--scheduler",
    )
    parser.add_argument(
        "--copies",
        metavar="FOLDER",
        help="of each worker's own disk, to copy tables to; e.g. '$TMPDIR/tables'",
    )
    parser.add_argument("--no-resume", action="store_true", help="compute again what --out has")
    parser.add_argument(
        "--out",
        metavar="PATH",
        type=path_of,
        help="folder for a Parquet data set that a later run resumes, or one file "
        f"({', '.join(FORMATS)})",
    )
    parser.add_argument(
        "--consumers",
        metavar="REGION",
        action="append",
        help="ask for the final demand of this region, country or group alone, 'all' for each "
        "region; may be repeated",
    )
    parser.add_argument(
        "--sectors",
        metavar="NAME",
        action="append",
        help="for sector: a study, or sectors; may be repeated",
    )
    parser.add_argument(
        "--pairs",
        choices=("chained", "ends", "all"),
        help="of years, for decompose, changes and difference (default chained)",
    )
    add_errors(parser)
    parser.add_argument(
        "--of",
        choices=("accounts", "flows"),
        help="for uncertainty and difference (default accounts)",
    )
    parser.add_argument(
        "--draws", type=positive, help="for these: perturbed tables of each year to solve as well"
    )
    parser.add_argument("--seed", type=int, help="of the draws (default 0)")
    parser.add_argument(
        "--correlation",
        metavar="NUMBER",
        type=float,
        help="of the own errors of a cell in two years, from 0 to 1 (default 0)",
    )
    many = parser.add_mutually_exclusive_group()
    many.add_argument("--top", type=positive, help="number of paths or changes")
    many.add_argument("--threshold", type=float, help="all of at least this, in the unit")
    many.add_argument("--min-share", type=float, help="all of at least this share of the total")
    parser.add_argument("--max-stage", type=int, help="longest chain, in purchases")


def run(arguments: argparse.Namespace) -> int:
    """Ask the panel; 1 if some years failed."""
    from carbonflows_fast.panel import Panel

    file = arguments.out if arguments.out and arguments.out.suffix.lower() in FORMATS else None
    check_out(file)
    panel = Panel(arguments.store, workers=arguments.workers)
    short = next(name for name, method in WHAT.items() if arguments.what in (name, method))
    asked = _asked(arguments, short)
    if "errors" not in TAKES[short]:
        asked["demand"] = pairs(arguments.demand, list(panel.regions))
    years = years_of(arguments.years)
    say(f"{panel!r}: {WHAT[short]}")
    those = [year for year in panel.years if _is_asked(year, years)]
    _say_memberships(arguments, those)
    if those and "errors" in asked:
        first = partial(panel.__getitem__, those[0])
        require_fit_of_file(first, arguments.stressor, asked["errors"], arguments)
    status, there = 0, _stamps(arguments.out)
    try:
        with stopped_by_sigterm():
            found = getattr(panel, WHAT[short])(
                arguments.stressor,
                years=years,
                client=arguments.scheduler,
                out=None if file else arguments.out,
                resume=not arguments.no_resume,
                threads=arguments.threads or 1,
                wait=arguments.wait,
                copies=arguments.copies,
                **asked,
            )
    except PanelError as error:
        if error.results is None:  # its workers could not work
            raise
        complain(f"carbonflows-fast: {in_cli_words(error, arguments)}")
        results: Any = error.results
        found, status = results, 1
        if file and (file.exists() or not len(found)):
            complain(f"carbonflows-fast: {file} not written, since some is missing")
            file = None
    if len(found):
        _show(found, file, there)
    return status


def _is_asked(year: int, years: Any) -> bool:
    if isinstance(years, slice):
        first, last = years.start, years.stop
        return (first is None or first <= year) and (last is None or year <= last)
    return years is None or year in years


def _say_memberships(arguments: argparse.Namespace, years: list[int]) -> None:
    """Print the membership of each group of countries, once for all years."""
    asked = [*(arguments.demand or []), *(arguments.consumers or [])]
    for name in dict.fromkeys(text.partition(":")[0].strip() for text in asked):
        note = memberships_note(name, years)
        if note:
            say(f"{name}: {note}")


def _stamps(folder: Path | None) -> dict[Path, int]:
    """Return the results that a folder has, and when each was written."""
    if folder is None or not folder.is_dir():
        return {}
    return {file.absolute(): file.stat().st_mtime_ns for file in folder.rglob("*.parquet")}


def _asked(arguments: argparse.Namespace, what: str) -> dict[str, Any]:
    given = {
        name: getattr(arguments, name)
        for name in ("consumers", "sectors", "pairs", "rtol", *OF_PATHS, *HOW_SURE)
        if getattr(arguments, name) is not None
    }
    for name in given:
        if name not in TAKES[what]:
            option = f"--{name.replace('_', '-')}"
            raise InputError.about(
                option,
                expected=f"an option of {what}",
                got=repr(given[name]),
                remedy=f"leave it out, or ask for "
                f"{' or '.join(w for w in WHAT if name in TAKES[w])}",
            )
    if what == "sector" and "sectors" not in given:
        raise InputError.about(
            "--sectors", expected="what to study", got="nothing", remedy="e.g. --sectors steel"
        )
    if "errors" in TAKES[what]:
        given["errors"] = errors_of(arguments)
        if given["errors"] is None:
            raise InputError.about(
                "--errors",
                expected="a file that says how wrong the tables may be",
                got="nothing",
                remedy="write one (docs/uncertainty.md), e.g. with Z = 0.1",
            )
    return given


def _show(found: Any, file: Path | None, there: dict[Path, int]) -> None:
    if isinstance(found, list):
        for path in found:
            say(f"{'kept' if there.get(path) == path.stat().st_mtime_ns else 'written'}: {path}")
        return
    _say_frame(found.head(LINES).reset_index())
    if len(found) > LINES:
        say(f"… {len(found):,} lines in all; --out writes them")
    if found.attrs.get("unit"):
        say(f"unit: {found.attrs['unit']}")
    write_out(measured(found.reset_index(), found.attrs), file)


def _say_frame(frame: Any) -> None:
    """Print a frame: names first, then numbers, shares and probabilities as per cent."""
    counted = [n for n in frame if frame[n].dtype.kind == "f"]
    named = [n for n in frame if n not in counted]
    cells = (
        map(percent, frame[n]) if n.endswith(("share", "fell")) else numbers(frame[n])
        for n in counted
    )
    heads = [str(n).replace("_", " ") for n in (*named, *counted)]
    say_columns(heads, *(frame[n] for n in named), *cells, left=len(named))
