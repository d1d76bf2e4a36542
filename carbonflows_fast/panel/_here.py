"""Whether a panel is worth a pool of processes, and the run in this process where it is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from carbonflows_fast._base.limits import load_compiler
from carbonflows_fast._base.machine import instruction_set
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.errors import Phrase
from carbonflows_fast.panel._tasks import Done, Task, run_task

__all__ = ["Here", "seconds_of", "worth_a_pool"]

log = logging.getLogger("carbonflows_fast.panel")

POOL_SECONDS = 6.0
"""Until a pool is at work: four on an idle machine, where each process imports Dask, pandas, Numba
and the core, and more on a busy one."""

SECONDS = {
    "accounts": 2.1,
    "flows": 2.0,
    "structural_paths": 1.4,
    "sector_study": 5.3,
    "structural_path_decomposition": 5.9,
    "structural_decomposition": 15.0,
}
"""Of a task on one thread at EXIOBASE's size, as docs/panel.md has them."""

STORED, REGIONS = 290e6, 49  # of that table: bytes, and regions that share a pass over A


def seconds_of(what: str, manifest: dict[str, Any]) -> float:
    """Estimate how long a question about a saved table takes on one thread."""
    stored: int = sum(record["bytes"] for record in manifest["files"].values())
    passes = max(1.0, len(manifest["regions"]) / REGIONS)
    return 0.02 + SECONDS[what] * stored / STORED * passes


def worth_a_pool(seconds: Sequence[float], workers: int) -> bool:
    """Whether a pool of that size saves more time than its start takes.

    >>> worth_a_pool([0.1] * 30, 64), worth_a_pool([15.0] * 4, 2), worth_a_pool([15.0] * 4, 1)
    (False, True, False)
    """
    together = max(max(seconds), sum(seconds) / max(workers, 1))
    return sum(seconds) > POOL_SECONDS + together


class Here:
    """A pool of nothing but this process: the same tasks, with the same bits."""

    def __init__(self) -> None:
        load_compiler()
        self.kernels = instruction_set()

    def run(
        self, tasks: Sequence[Task], bar: ProgressBar, keep: Callable[[Task, Done], None]
    ) -> dict[str, str]:
        """Run the tasks, hand each result to `keep`, and return the reasons of what failed."""
        failed: dict[str, str] = {}
        for task in tasks:
            try:
                done = run_task(task)
            except Exception as error:  # as a worker would report it
                reason = Phrase.of(f"{type(error).__name__}: ", error)
                done = Done(None, None, 0.0, failed=reason)
            if done.failed:
                failed[task.name] = done.failed
                log.info("%s %s failed: %s", task.what, task.name, done.failed)
            else:
                keep(task, done)
            bar.advance()
        return failed
