"""The demonstration: build a synthetic world and compute its flows, with the time of each step."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from typing import Any, TypeVar

from carbonflows_fast._base.progress import progress_bar
from carbonflows_fast._base.wording import count
from carbonflows_fast.cli._flows import show_flows
from carbonflows_fast.cli._streams import say
from carbonflows_fast.cli._text import percent, say_columns, show_accounts

__all__ = ["run"]

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
