"""What ``demo`` and ``bench`` do with invented tables: results with times, and times alone."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from carbonflows_fast._base.files import check_place
from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast._base.wording import count
from carbonflows_fast.cli._files import path_of
from carbonflows_fast.cli._flows import show_flows
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._text import percent, say_columns, show_accounts
from carbonflows_fast.errors import InputError

__all__ = ["add_bench_arguments", "bench", "run"]

LARGEST = 15

Result = TypeVar("Result")


class _Stopwatch:
    """Run steps one after the other, and keep how long each took."""

    def __init__(self, bar: Any) -> None:
        self.bar = bar
        self.seconds: list[tuple[str, float]] = []

    def step(self, what: str, work: Callable[[], Result]) -> Result:
        """Return the result of `work`; the bar shows what is going on."""
        self.bar.rename(what)
        started = time.perf_counter()
        result = work()
        self.seconds.append((what, time.perf_counter() - started))
        self.bar.advance()
        return result


def run(arguments: argparse.Namespace) -> int:
    """Build, prepare, solve and show; return the exit status."""
    import carbonflows_fast as cf

    with progress_bar("demo", 4) as bar:
        watch = _Stopwatch(bar)
        table = watch.step(
            "build the world",
            lambda: cf.synthetic.world(
                arguments.regions, arguments.sectors, year=arguments.year, seed=arguments.seed
            ),
        )
        watch.step("prepare the system", lambda: cf.system(table))
        # One right-hand side per region; accounts and flows share the solve.
        flows = watch.step("solve for all regions", lambda: cf.flows(table))
        accounts = watch.step("national accounts", lambda: cf.accounts(table))

    say(f"{table.name}: {table.n:,} rows, {len(table.regions)} regions, {table.year}")
    say()
    show_accounts(accounts, None if arguments.all else LARGEST)
    say()
    show_flows(flows, arguments.top)
    say()
    report = flows.report
    say(
        f"{report.method}, {count(report.passes, 'pass', 'passes')} over "
        f"{report.matrix_bytes / 1e6:,.0f} MB, "
        f"{count(report.threads, 'thread')}; certified relative error bound "
        f"{report.error_bound:.1e}"
    )
    say()
    times = [*watch.seconds, ("all", sum(seconds for _, seconds in watch.seconds))]
    whole = times[-1][1]
    cells = ((what, f"{seconds:.2f}", percent(seconds / whole)) for what, seconds in times)
    say_columns(["step", "seconds", "share"], *zip(*cells))
    return 0


# --- bench ----------------------------------------------------------------------------------


def add_bench_arguments(parser: argparse.ArgumentParser, positive: Callable[[str], int]) -> None:
    """Add which questions are timed, and how often."""
    parser.add_argument(
        "--size",
        choices=("small", "full"),
        default="small",
        help="of the tables: small is 20 × 100, full 49 × 200 and takes 6 GB; default small",
    )
    parser.add_argument("--cases", nargs="+", metavar="CASE", help="which questions; default all")
    parser.add_argument("--rounds", type=positive, default=5, help="times of each (default 5)")
    parser.add_argument(
        "--out",
        metavar="FILE",
        type=path_of,
        help="write times and counts as .json, for pytest-benchmark compare",
    )


def bench(arguments: argparse.Namespace) -> int:
    """Time questions of synthetic tables, in a process of its own."""
    if arguments.out is not None:
        check_place(arguments.out, "--out")
    command = [sys.executable, str(_recorder()), "--size", arguments.size]
    command += ["--rounds", str(arguments.rounds)]
    command += ["--out", str(arguments.out)] if arguments.out is not None else []
    command += ["--cases", *arguments.cases] if arguments.cases else []
    return subprocess.run(command).returncode


def _recorder() -> Path:
    """Return the script, which is beside the package in the source tree."""
    package = Path(__file__).parents[1]
    for place in (package / "benches", package.parent / "benches"):
        if (place / "record.py").is_file():
            return place / "record.py"
    raise InputError.about(
        "bench",
        expected="an installation with its benchmarks",
        got=f"none in {str(package)!r}",
        remedy="install the package from its wheel or its source",
    )
