"""Where the tasks of a panel run on this machine: in this process, or in a pool of others."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, contextmanager
from multiprocessing import current_process
from threading import Timer
from typing import Any

from carbonflows_fast._base.machine import memory_limit, processors
from carbonflows_fast._base.pool import Lost, answers
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.errors import Phrase
from carbonflows_fast.panel._tasks import Done, Task, require_room, run_task

__all__ = ["answered", "collect", "lost", "places", "said", "seconds_of", "worth_a_pool"]

log = logging.getLogger("carbonflows_fast.panel")

POOL_SECONDS = 6.0
"""Until a pool is at work: each process imports pandas, Numba and the core, and a machine may be
busy."""

SECONDS = {
    "accounts": 2.1,
    "flows": 2.0,
    "structural_paths": 1.4,
    "sector_study": 5.3,
    "structural_path_decomposition": 5.9,
    "structural_decomposition": 15.0,
    "uncertainty": 7.5,
    "difference": 18.0,
    "draws": 40.0,
}
"""Of a task on one thread at EXIOBASE's size, as docs/panel.md has them."""

STORED, REGIONS = 290e6, 49  # of that table: bytes, and regions that share a pass over A
WAIT_SECONDS = 10.0  # for workers, before it is said that there are none
TRIES = 3  # processes that a task may lose


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


def places(workers: int | None, seconds: Sequence[float], memory: int) -> int:
    """Return how many processes take tasks of that length and size; 0 for this one alone.

    Raises
    ------
    MemoryLimitError
        If a task does not fit into this machine.
    """
    limit = memory_limit()
    require_room(memory, limit, "this machine has")
    fit = max(1, min(workers or processors(), len(seconds), limit // memory))
    if current_process().daemon:  # which may start no others
        return 0
    if workers is None:
        return fit if worth_a_pool(seconds, fit) else 0
    if fit < min(workers, len(seconds)):
        log.warning(
            "%d workers instead of %d: a task may need %.1f GB of %.1f GB",
            *(fit, workers, memory / 1e9, limit / 1e9),
        )
    return fit


def answered(
    tasks: Sequence[Task], processes: int, memory: int, bar: ProgressBar, wait: float
) -> Generator[tuple[Task, Done], None, None]:
    """Yield what comes of each task, in the order in which they end."""
    if not processes:
        yield from ((task, _attempt(task)) for task in tasks)
        return
    named, title = {task.name: task for task in tasks}, bar.title
    bar.rename(f"{title}, starting {processes} processes")
    waited_for = f"{processes} processes are being started; waiting for them"
    with said(waited_for, wait) as over:

        def ready() -> None:
            over()
            bar.rename(title)

        pool = answers(_attempt, named, processes, tries=TRIES, seconds=wait, ready=ready)
        with closing(pool) as found:
            for name, answer in found:
                if isinstance(answer, Lost):
                    answer = Done(None, None, 0.0, failed=lost(memory))
                yield named[name], answer


def lost(memory: int) -> str:
    """Say why a task has no answer whose workers ended one after the other."""
    return (
        "its worker was lost again and again, perhaps for want of memory: a task was expected to "
        f"need {memory / 1e9:.1f} GB"
    )


def _attempt(task: Task) -> Done:
    try:
        return run_task(task)
    except Exception as error:  # as a worker of Dask would report it
        reason = Phrase.of(f"{type(error).__name__}: ", error)
        return Done(None, None, 0.0, failed=reason)


def collect(
    answers: Generator[tuple[Task, Done], None, None],
    bar: ProgressBar,
    keep: Callable[[Task, Done], None],
) -> dict[str, str]:
    """Hand each result to `keep`, and return the reasons of what failed."""
    failed: dict[str, str] = {}
    with closing(answers):
        for task, done in answers:
            if done.failed:
                failed[task.name] = done.failed
                log.info("%s %s failed: %s", task.what, task.name, done.failed)
            else:
                took = "resumed" if done.resumed else f"{done.seconds:.2f} s"
                log.info("%s %s: %s", task.what, task.name, took)
                keep(task, done)
            bar.advance()
    return failed


@contextmanager
def said(what: str, wait: float) -> Iterator[Callable[[], None]]:
    """Log what is waited for, and how long, if it takes a while and nobody says that it is over."""
    most = "" if wait == float("inf") else f", {wait:g} s at most"
    timer = Timer(WAIT_SECONDS, log.warning, ["%s%s", what, most])
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()
