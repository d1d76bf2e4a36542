"""The command line: ``carbonflows-fast demo | bench | info | check | repair | convert | accounts |
flows | sector | paths | factors | purchases | prices | responsibility | extraction | scenario |
decompose | panel | report``.

Each command is one function that takes the parsed arguments and returns the exit status: 0 done,
1 `check` found errors, or `panel` or `convert` could not do every year, 2 bad input (one sentence
on standard error), 130 interrupted, 141 nobody reads the output any more. Results go to standard
output, everything else to standard error. A new command is a function in `_commands`, a parser in
`_parser`, and those of `add_table`, `_add_question` and `_add_output` that it needs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, NoReturn

from carbonflows_fast._base import interrupts, limits
from carbonflows_fast.cli import (
    _check,
    _commands,
    _convert,
    _decompose,
    _demo,
    _flows,
    _panel,
    _paths,
    _report,
    _spending,
    _what_if,
)
from carbonflows_fast.cli._counts import positive, threads
from carbonflows_fast.cli._errors import add_errors
from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import PIPE_CLOSED, complain, prepare, say, silence, written
from carbonflows_fast.cli._tables import (
    add_rtol,
    add_stressor,
    add_table,
    refuse_own_source,
)
from carbonflows_fast.errors import CarbonFlowsError

__all__ = ["main"]

THREADS = "CARBONFLOWS_NUM_THREADS"
COMPILED = ("decompose", "report")  # these commands need compiled loops
LOAD_ALONE = ("bench", "info", "convert", "panel")  # these load what they need, where they need it


# --- arguments ------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose error is one sentence."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; {self.prog} --help lists the arguments\n")


class _Version(argparse.Action):
    """Look up the version only if it is asked for."""

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        import carbonflows_fast as cf

        say(f"carbonflows-fast {cf.__version__}")
        parser.exit()


def _add_question(parser: argparse.ArgumentParser) -> None:
    add_stressor(parser)
    parser.add_argument(
        "--demand",
        metavar="REGION[:CATEGORY]",
        action="append",
        help="only what this final demand causes: a region of the table, a country or a group "
        "(EU27, EU); may be repeated; ':CATEGORY' for all regions",
    )
    _add_threads(parser)


def _add_threads(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--threads", type=threads, help="threads of the solver; default all cores (panel: 1)"
    )


def _add_per_head(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--per-head", action="store_true", help="divide by heads, which the table must have"
    )


def _add_top(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top", type=positive, default=10, help="lines of each list (default 10)")


def _add_output(
    parser: argparse.ArgumentParser,
    what: str,
    forms: str = ".csv, .parquet, .json or .xlsx (Excel)",
) -> None:
    parser.add_argument("--out", metavar="FILE", type=path_of, help=f"write {what} as {forms}")


def _add_answer(parser: argparse.ArgumentParser, *what: str) -> None:
    """Add what all questions about a whole table take."""
    add_stressor(parser)
    add_rtol(parser)
    _add_threads(parser)
    _add_top(parser)
    _add_output(parser, *what)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="carbonflows-fast",
        description="Carbon embodied in trade, from multi-regional input-output tables.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(name: str, summary: str, function: Any = None) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary)
        made.set_defaults(function=function or getattr(_commands, name), parser=made)
        return made

    made = command("demo", "Build a synthetic world, solve it and show accounts and flows.")
    made.add_argument("--regions", type=positive, default=49, help="number of regions (default 49)")
    made.add_argument(
        "--sectors", type=positive, default=200, help="number of sectors in each (default 200)"
    )
    made.add_argument("--year", type=int, default=2019, help="year of the world (default 2019)")
    made.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default 0)")
    made.add_argument("--all", action="store_true", help="list all regions, not the largest 15")
    _add_threads(made)
    _add_top(made)

    made = command("bench", "Time questions of synthetic tables on this machine.", _demo.bench)
    _demo.add_bench_arguments(made, positive)

    made = command("info", "Describe a table, or without TABLE the installation.")
    add_table(made, optional=True)

    made = command("check", "Report unusual numbers; exit status 1 on errors.", _check.check)
    _check.add_check_arguments(made)
    _add_output(made, "all findings")

    made = command("repair", "Make the named repairs, with a ledger of all changes.")
    add_table(made)
    _check.add_repair_arguments(made)

    made = command("convert", "Save text tables as folders that open at once.")
    add_table(made, year=False)  # it takes --years
    _convert.add_arguments(made, positive)

    made = command("accounts", "Show emissions by production and by consumption.")
    add_table(made)
    _add_question(made)
    add_rtol(made)
    add_errors(made)
    _add_per_head(made)
    _add_output(made, "the accounts")

    made = command("flows", "Show emissions embodied in trade between regions.")
    add_table(made)
    _add_question(made)
    add_rtol(made)
    _add_top(made)
    _flows.add_flow_arguments(made)
    add_errors(made)
    _add_output(made, "all flows")

    made = command("sector", "Follow emissions along the supply chains of some sectors.")
    add_table(made)
    _flows.add_sector_arguments(made)
    _add_question(made)
    add_rtol(made)
    _add_top(made)
    _add_output(made, "emitted × made × consumed")

    made = command("paths", "Show the supply chains that carry most of a footprint.")
    add_table(made)
    _add_question(made)
    add_rtol(made, "1e-12, as far as rounding allows")
    _paths.add_arguments(made, positive)
    _add_output(made, "all paths found")

    made = command("factors", "Show emissions per unit of money spent on each product.")
    add_table(made)
    add_stressor(made)
    add_rtol(made)
    _spending.add_factor_arguments(made)
    _add_threads(made)
    _add_top(made)
    _add_output(made, "all factors")

    made = command("purchases", "Show the emissions that purchases cause, line by line.")
    add_table(made)
    _spending.add_purchase_arguments(made)
    add_stressor(made)
    add_rtol(made)
    _add_threads(made)
    _add_top(made)
    _add_output(made, "everything as .xlsx, or all lines", ".csv, .parquet or .json")

    made = command("prices", "Show what a price on emissions does, and who pays it.")
    add_table(made)
    _what_if.add_price_arguments(made)
    _add_answer(made, "everything as .xlsx, or the rises of prices", ".csv, .parquet or .json")

    made = command("responsibility", "Show the emissions of regions told four ways.")
    add_table(made)
    _what_if.add_responsibility_arguments(made)
    _add_per_head(made)
    _add_answer(made, "the accounts")

    made = command("extraction", "Show what would not be emitted without some sectors.")
    add_table(made)
    _what_if.add_extraction_arguments(made)
    _add_answer(made, "all rows")

    made = command("scenario", "Change a table by a list, and save it.")
    add_table(made)
    _what_if.add_scenario_arguments(made)
    _add_top(made)

    made = command("decompose", "Show what explains the change between two tables.")
    add_table(made)
    made.add_argument("after", metavar="AFTER", type=path_of, help="the later table")
    made.add_argument("--after-year", metavar="YEAR", type=int, help="the same for AFTER")
    _add_question(made)
    _decompose.add_arguments(made, positive)
    _add_output(made, "the effects")

    made = command("panel", "Ask a question of every year in a folder of tables.", _panel.run)
    _panel.add_arguments(made, positive)
    _add_question(made)
    add_rtol(made, "that of the question")

    report = partial(_report.run, _commands.question)
    made = command("report", "Write one HTML page with all results.", report)
    add_table(made)
    _report.add_arguments(made)
    _add_threads(made)
    return parser


# --- entry ----------------------------------------------------------------------------------


@contextmanager
def _thread_count(threads: int | None) -> Iterator[None]:
    """Let every solve of a command use this many threads."""
    before = os.environ.get(THREADS)
    if threads is not None:
        os.environ[THREADS] = str(threads)
    try:
        yield
    finally:
        if threads is not None:
            os.environ.pop(THREADS)
            if before is not None:
                os.environ[THREADS] = before


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status.

    Parameters
    ----------
    arguments : sequence of str, optional
        Of the command line, without the program's name; those of the process by default.

    Returns
    -------
    int
        0 done, 1 `check` found errors or a year of a panel failed, 2 bad input, 130 interrupted,
        141 nobody reads on.

    Raises
    ------
    SystemExit
        After `--help` and `--version` (0), and for arguments that cannot be understood (2).
    """
    prepare()
    try:
        return _answered(arguments)
    except BrokenPipeError:  # the reader of our output, `head` perhaps, has seen enough
        silence()
        return PIPE_CLOSED


def _answered(arguments: Sequence[str] | None) -> int:
    """Run one command; an error is one sentence on standard error."""
    parser = _parser()
    parsed = argparse.Namespace(parser=parser)
    try:
        with written():
            _, unknown = parser.parse_known_args(arguments, parsed)
            if unknown:
                parsed.parser.error(f"unrecognized arguments: {' '.join(unknown)}")
            refuse_own_source(parsed)
            if parsed.command in COMPILED:
                limits.load_compiler()
            elif parsed.command not in LOAD_ALONE:
                limits.load_blas("numpy", "scipy.linalg")
            with _thread_count(getattr(parsed, "threads", None)):
                status: int = parsed.function(parsed)
        return status
    except KeyboardInterrupt:
        return interrupts.say(complain)
    except BrokenPipeError:
        raise
    except (
        CarbonFlowsError,
        OSError,
        MemoryError,
        ImportError,
        RuntimeError,
        SystemError,
    ) as error:
        if interrupts.heard():
            return interrupts.say(complain)
        said = error if isinstance(error, CarbonFlowsError) else limits.cause_of(error)
        if said is None and not isinstance(error, OSError):
            raise
        complain(f"carbonflows-fast: {in_cli_words(said or str(error), parsed)}")
        return 2
