"""The command line: ``carbonflows-fast demo | info | check | repair | convert | accounts | flows |
sector | paths | decompose | panel | report``.

Each command is one function that takes the parsed arguments and returns the exit status: 0 done,
1 `check` found errors, or `panel` or `convert` could not do every year, 2 bad input (one sentence
on standard error), 130 interrupted, 141 nobody reads the output any more. Results go to standard
output, everything else to standard error. A new command is a function, a parser in `_parser`, and
those of `add_table`, `_add_question` and `_add_output` that it needs.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from carbonflows_fast._base import interrupts, limits
from carbonflows_fast.classification import CHARACTERISATIONS, sector_classes
from carbonflows_fast.cli import _check, _convert, _decompose, _flows, _panel, _paths, _report
from carbonflows_fast.cli._counts import positive, threads
from carbonflows_fast.cli._errors import (
    add_errors,
    errors_of,
    how_sure,
    say_what_is_meant,
    with_account_sds,
)
from carbonflows_fast.cli._files import check_out, path_of, write_out
from carbonflows_fast.cli._sentences import in_cli_words
from carbonflows_fast.cli._streams import PIPE_CLOSED, complain, prepare, say, silence, written
from carbonflows_fast.cli._tables import (
    add_rtol,
    add_stressor,
    add_table,
    facts_of,
    given,
    load,
    naming,
    pairs,
    refuse_own_source,
    rtol_of,
    wrong_for_saved,
)
from carbonflows_fast.cli._text import measured, say_memberships, show_accounts
from carbonflows_fast.errors import CarbonFlowsError

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["main"]

THREADS = "CARBONFLOWS_NUM_THREADS"
COMPILED = ("decompose", "report")  # these commands need compiled loops
LOAD_ALONE = ("info", "convert", "panel")  # these load what they need, where they need it


# --- commands -------------------------------------------------------------------------------


def demo(arguments: argparse.Namespace) -> int:
    """Build a synthetic world, solve it, and show accounts and flows."""
    from carbonflows_fast.cli._demo import run

    return run(arguments)


def info(arguments: argparse.Namespace) -> int:
    """Describe a table, or the installation."""
    import carbonflows_fast as cf

    if arguments.table is None:
        facts = [
            (key.replace("_", " "), ", ".join(value) if isinstance(value, list) else str(value))
            for key, value in cf.build_info().items()
        ]
    else:
        facts = facts_of(load(arguments))
    width = max(len(key) for key, _ in facts)
    for key, value in facts:
        say(f"{key.ljust(width)}  {value}")
    return 0


def convert(arguments: argparse.Namespace) -> int:
    """Save a table so that it opens at once, or all tables of a folder."""
    from carbonflows_fast.store import is_store

    for option in ("stressor", "years", "only"):
        if getattr(arguments, option) and is_store(arguments.table):
            raise wrong_for_saved(f"--{option}", arguments.table)
    return _convert.run(arguments, load)


def repair(arguments: argparse.Namespace) -> int:
    """Make the named repairs of a table, and save it with the ledger."""
    return _check.repair(arguments, load)


def accounts(arguments: argparse.Namespace) -> int:
    """Show production and consumption accounts of all regions."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    errors = errors_of(arguments)
    table, stressor, demand = _question(arguments)
    frame = cf.accounts(table, stressor, demand=demand, **rtol_of(arguments))
    found = how_sure(table, stressor, errors, "accounts", arguments)
    _heading(table, frame.attrs["stressor"], demand)
    show_accounts(frame, selected=demand is not None, found=found)
    say_what_is_meant(found, arguments)
    every = with_account_sds(frame, found).reset_index()
    write_out(measured(every, frame.attrs), arguments.out)
    return 0


def flows(arguments: argparse.Namespace) -> int:
    """Show how much crosses borders, and the largest flows."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    classes, errors = _flows.classes_of(arguments), errors_of(arguments)
    table, stressor, demand = _question(arguments)
    if classes is not None:
        sector_classes(table.content.sectors, classes)  # complains before anything is solved
    result = cf.flows(table, stressor, demand=demand, **rtol_of(arguments))
    found = how_sure(table, stressor, errors, "flows", arguments)
    _heading(table, result.stressor, demand)
    _flows.show_flows(result, arguments.top, selected=demand is not None, found=found)
    say_what_is_meant(found, arguments)
    carbon = any(word in result.stressor.upper() for word in ("CO2", "GWP"))
    published = demand is None and carbon and _flows.is_comparable(table)
    _flows.show_trade(result, classes, arguments, published=published)
    every = _flows.with_sds(result.to_frame(), found)
    write_out(measured(every, every.attrs), arguments.out)
    return 0


def sector(arguments: argparse.Namespace) -> int:
    """Follow emissions along the chains through some sectors."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    table, stressor, demand = _question(arguments)
    study = _flows.find_study(table, stressor, demand, arguments)
    industrial = cf.flows(table, stressor, demand=demand, **rtol_of(arguments)).total
    _heading(table, study.stressor, demand)
    _flows.show_study(study, industrial, table.year, arguments)
    write_out(measured(study.flow, study.flow.attrs), arguments.out)
    return 0


def paths(arguments: argparse.Namespace) -> int:
    """Show the supply chains that carry most of a footprint."""
    check_out(arguments.out)
    table, stressor, demand = _question(arguments)
    found = _paths.find(table, stressor, demand, arguments)
    _heading(table, found.stressor, demand)
    _paths.show(found, arguments.lines)
    if arguments.out is not None:
        say(f"written: {found.save(arguments.out)}")
    return 0


def decompose(arguments: argparse.Namespace) -> int:
    """Show what explains the change between two tables, and the chains that changed most."""
    import carbonflows_fast as cf

    check_out(arguments.out)
    check_out(arguments.chains, "--chains")
    before, stressor, demand = _question(arguments)
    arguments.table, arguments.year = arguments.after, arguments.after_year
    with naming(arguments, year="--after-year"):
        after = _question(arguments)[0]
    top = arguments.top
    if top is None and arguments.threshold is None and arguments.min_share is None:
        top = arguments.lines
    found = None
    # By-products prevent the search, but not the effects. A file of chains needs the search.
    if arguments.chains or all(cf.system(table).by_sizes for table in (before, after)):
        limits = given(arguments, "threshold", "min_share", "max_stage", "method")
        found = cf.structural_path_decomposition(
            before, after, stressor, demand=demand, top=top, **limits
        )
    method: Any = "polar" if arguments.method == "polar" else "integral"
    whole = cf.structural_decomposition(before, after, stressor, demand=demand, method=method)
    _heading(before, whole.stressor, demand)
    _decompose.show(whole, found, arguments)
    return 0


# --- what several commands share ------------------------------------------------------------


def _question(arguments: argparse.Namespace) -> tuple[Table, str | None, Any]:
    """Return the table, the stressor and the demand of the question."""
    rtol_of(arguments)
    wanted = arguments.stressor
    # A characterisation weighs several stressors, so all are read.
    table = load(arguments, None if wanted in (None, *CHARACTERISATIONS) else [wanted])
    made = wanted in CHARACTERISATIONS
    if wanted and not made and len(table.stressors) == 1 and wanted not in table.stressors:
        wanted = None  # the reader found it under the name of its extension
    return table, wanted, pairs(arguments.demand, table.regions)


def _heading(table: Table, stressor: str, demand: Any) -> None:
    title = [table.name, "" if table.year is None else str(table.year), stressor]
    if demand is not None:
        wanted = [d if isinstance(d, str) else ":".join(part or "" for part in d) for d in demand]
        title.append(f"for the final demand of {', '.join(wanted)}")
    say(", ".join(text for text in title if text))
    say_memberships([d if isinstance(d, str) else d[0] for d in demand or []], table.year)


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


def _add_top(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--top", type=positive, default=10, help="lines of each list (default 10)")


def _add_output(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--out", metavar="FILE", type=path_of, help=f"write {what} as .csv, .parquet or .json"
    )


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="carbonflows-fast",
        description="Carbon embodied in trade, from multi-regional input-output tables.",
    )
    parser.add_argument("--version", action=_Version, nargs=0, help="show the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def command(function: Any, name: str, summary: str) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=summary, description=summary)
        made.set_defaults(function=function, parser=made)
        return made

    made = command(demo, "demo", "Build a synthetic world, solve it and show accounts and flows.")
    made.add_argument("--regions", type=positive, default=49, help="number of regions (default 49)")
    made.add_argument(
        "--sectors", type=positive, default=200, help="number of sectors in each (default 200)"
    )
    made.add_argument("--year", type=int, default=2019, help="year of the world (default 2019)")
    made.add_argument("--seed", type=int, default=0, help="seed of the random numbers (default 0)")
    made.add_argument("--all", action="store_true", help="list all regions, not the largest 15")
    _add_threads(made)
    _add_top(made)

    made = command(info, "info", "Describe a table, or without TABLE the installation.")
    add_table(made, optional=True)

    made = command(_check.check, "check", "Report unusual numbers; exit status 1 on errors.")
    _check.add_check_arguments(made)
    _add_output(made, "all findings")

    made = command(repair, "repair", "Make the named repairs, with a ledger of all changes.")
    add_table(made)
    _check.add_repair_arguments(made)

    made = command(convert, "convert", "Save text tables as folders that open at once.")
    add_table(made, year=False)  # it takes --years
    _convert.add_arguments(made, positive)

    made = command(accounts, "accounts", "Show emissions by production and by consumption.")
    add_table(made)
    _add_question(made)
    add_rtol(made)
    add_errors(made)
    _add_output(made, "the accounts")

    made = command(flows, "flows", "Show emissions embodied in trade between regions.")
    add_table(made)
    _add_question(made)
    add_rtol(made)
    _add_top(made)
    _flows.add_flow_arguments(made)
    add_errors(made)
    _add_output(made, "all flows")

    made = command(sector, "sector", "Follow emissions along the supply chains of some sectors.")
    add_table(made)
    _flows.add_sector_arguments(made)
    _add_question(made)
    add_rtol(made)
    _add_top(made)
    _add_output(made, "emitted × made × consumed")

    made = command(paths, "paths", "Show the supply chains that carry most of a footprint.")
    add_table(made)
    _add_question(made)
    add_rtol(made, "1e-12, as far as rounding allows")
    _paths.add_arguments(made, positive)
    _add_output(made, "all paths found")

    made = command(decompose, "decompose", "Show what explains the change between two tables.")
    add_table(made)
    made.add_argument("after", metavar="AFTER", type=path_of, help="the later table")
    made.add_argument("--after-year", metavar="YEAR", type=int, help="the same for AFTER")
    _add_question(made)
    _decompose.add_arguments(made, positive)
    _add_output(made, "the effects")

    made = command(_panel.run, "panel", "Ask a question of every year in a folder of tables.")
    _panel.add_arguments(made, positive)
    _add_question(made)
    add_rtol(made, "that of the question")

    made = command(
        partial(_report.run, _question), "report", "Write one HTML page with all results."
    )
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
