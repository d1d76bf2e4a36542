"""How the tasks of a panel are handed out to the workers of any Dask cluster.

Tasks are handed out as workers become free, no more at a time than fit into their memory. A worker
that is lost costs its task another try elsewhere; a scheduler that is lost ends the run, and what
had been written by then stays.
"""

from __future__ import annotations

import logging
import math
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from carbonflows_fast import _core
from carbonflows_fast._base.limits import load_blas
from carbonflows_fast._base.machine import build_info
from carbonflows_fast._base.pool import late
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError, Phrase
from carbonflows_fast.panel._here import collect, lost, said
from carbonflows_fast.panel._tasks import Done, Task, require_room, run_task

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Pool", "connected"]

log = logging.getLogger("carbonflows_fast.panel")
LOOK_SECONDS = 2.0  # between two looks at which workers there are
ISA = ("avx512", "avx2", "baseline")


def _facts(dask_worker: Any) -> dict[str, Any]:
    """What a worker reports about itself, once it can work."""
    load_blas("numpy", "scipy.linalg")
    limit = dask_worker.memory_manager.memory_limit
    return build_info() | {"places": dask_worker.state.nthreads, "memory": limit or float("inf")}


class Pool:
    """A client, and which of its workers take how many tasks of a size side by side.

    Attributes
    ----------
    kernels : str
        The best instruction set that every worker has at the start: results must not depend on
        where they were computed. Workers that join later with less get no tasks.

    Raises
    ------
    PanelError
        If workers run another version of this package.
    MemoryLimitError
        If a task needs more memory than any worker has.
    """

    def __init__(self, client: Client, memory: int) -> None:
        self.client = client
        self.memory = memory
        self._known: dict[str, dict[str, Any]] = {}
        self._fit: dict[str, int] = {}
        self._looked = -math.inf
        self.kernels = ISA[-1]
        self._look()
        while not self._known:  # those that were there have left
            time.sleep(LOOK_SECONDS)
            self._look()
        workers = self._known.values()
        require_room(memory, max(w["memory"] for w in workers), "the largest worker has")
        worst = max(ISA.index(worker["instruction_set"]) for worker in workers)
        self.kernels = next(
            name for name in ISA[worst:] if all(name in w["instruction_sets"] for w in workers)
        )

    def _look(self) -> None:
        """Get to know workers that have joined, and forget those that left."""
        if time.monotonic() < self._looked + LOOK_SECONDS:
            return
        here = list(self.client.nthreads())
        self._known = {name: self._known[name] for name in here if name in self._known}
        fresh = [name for name in here if name not in self._known]
        answers = self.client.run(_facts, workers=fresh, on_error="return") if fresh else {}
        found = {name: a for name, a in answers.items() if not isinstance(a, BaseException)}
        self._known |= found
        # A worker that is lost while it is asked is no reason to give up: another may come.
        unable = [
            a for a in answers.values() if isinstance(a, Exception) and not isinstance(a, OSError)
        ]
        if unable and not self._known:
            raise PanelError.about(
                "client",
                expected="workers that can import carbonflows_fast",
                got=f"none among {len(here)} (one says: {unable[0]!r})",
                remedy="install it everywhere, and check the environment of the workers",
            )
        other = {worker["version"] for worker in found.values()} - {_core.version}
        if other:
            raise PanelError.about(
                "client",
                expected=f"workers with carbonflows_fast {_core.version}",
                got=", ".join(sorted(other)),
                remedy="install one version everywhere",
            )
        self._fit = {name: places for name, w in self._known.items() if (places := self._room(w))}
        for name in found.keys() - self._fit:
            log.warning(
                "%s gets no tasks: it needs %.1f GB for each and %s",
                name,
                self.memory / 1e9,
                self.kernels,
            )
        self._looked = time.monotonic()

    def _room(self, worker: dict[str, Any]) -> int:
        """Return how many tasks a worker takes at a time."""
        if self.kernels not in worker["instruction_sets"]:
            return 0
        by_memory = int(min(worker["memory"] / self.memory, 1e6))  # a worker may have no limit
        return min(int(worker["places"]), by_memory)

    def run(
        self, tasks: Sequence[Task], bar: ProgressBar, keep: Callable[[Task, Done], None]
    ) -> dict[str, str]:
        """Run the tasks, hand each result to `keep`, and return the reasons of what failed."""
        return collect(self._answers(tasks), bar, keep)

    def _answers(self, tasks: Sequence[Task]) -> Generator[tuple[Task, Done], None, None]:
        waiting, running = deque(tasks), dict[Any, tuple[Task, set[str]]]()
        try:
            while waiting or running:
                self._look()
                self._start(waiting, running)
                for future in self._finished(running):
                    task = running.pop(future)[0]
                    yield task, self._answer(future, task)
        except (Exception, CancelledError) as error:
            # The first call to the scheduler after it was gone may raise anything.
            gone = isinstance(error, OSError | CancelledError) or self.client.status != "running"
            if isinstance(error, CarbonFlowsError) or not gone:
                raise
            raise self._lost(tasks[0].what) from error
        finally:
            if running:
                self._cancel(list(running))

    def _start(self, waiting: deque[Task], running: dict[Any, tuple[Task, set[str]]]) -> None:
        """Hand out as many tasks as there is room for."""
        # Dask never gives a task to other workers than it was meant for, even if all have left.
        for future in [f for f, (_, meant) in running.items() if not meant & self._known.keys()]:
            self._cancel([future])
            waiting.append(running.pop(future)[0])
        while waiting and len(running) < sum(self._fit.values()):
            task = waiting.popleft()
            key = f"{task.what}-{task.name}-{uuid4().hex[:8]}"  # Dask's pages group by the first
            meant = set(self._fit)
            future = self.client.submit(run_task, task, key=key, pure=False, workers=list(meant))
            running[future] = task, meant

    def _finished(self, running: dict[Any, tuple[Task, set[str]]]) -> list[Any]:
        """Wait until tasks have ended, or it is time to look at the workers again."""
        from distributed import wait

        if not running:
            log.warning("no worker is left that fits; waiting for one")
            while not self._fit:
                time.sleep(LOOK_SECONDS)
                self._look()
            return []
        try:
            return list(wait(list(running), LOOK_SECONDS, "FIRST_COMPLETED").done)
        except TimeoutError:
            return []

    def _answer(self, future: Any, task: Task) -> Done:
        if future.status == "finished":
            done: Done = future.result()
            return done
        if future.status == "error":
            return Done(None, None, 0.0, failed=self._reason(future.exception()))
        raise self._lost(f"{task.what} {task.name}")

    def _lost(self, what: str) -> PanelError:
        return PanelError.about(
            "client",
            expected="a scheduler to the end",
            got=f"one that was lost while {what} was running",
            remedy="run again for the same folder, whose results stay, to compute the others",
        )

    def _reason(self, error: BaseException) -> str:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return lost(self.memory)
        return Phrase.of(f"{type(error).__name__}: ", error)

    def _cancel(self, futures: list[Any]) -> None:
        try:
            self.client.cancel(futures, force=True)
        except Exception as error:  # the cluster may be gone: there is nothing left to cancel
            log.debug("cancelling: %s", error)


@contextmanager
def connected(client: Any, memory: int, bar: ProgressBar, wait: float) -> Iterator[Pool]:
    """Give a pool of the workers of a client, or of the scheduler at an address.

    Raises
    ------
    InputError
        If the client is none, or its address does not answer.
    MemoryLimitError
        If a task does not fit.
    PanelError
        If no worker is there within `wait` seconds.
    """
    from distributed import Client

    if isinstance(client, str):
        try:
            made = Client(client, timeout="10s")
        except (OSError, ValueError, TypeError) as error:
            raise InputError.about(
                "client",
                expected="the address of a Dask scheduler that answers",
                got=f"{client!r} ({error})",
                remedy="start one with `dask scheduler`, or leave client out",
                typed=("start one with `dask scheduler`, or leave ", "client", " out"),
            ) from error
        with made:
            yield _ready(made, memory, bar, wait)
    elif isinstance(client, Client) and not client.asynchronous and client.status == "running":
        yield _ready(client, memory, bar, wait)
    else:
        status = f"a {client.status} " if isinstance(client, Client) else ""
        raise InputError.about(
            "client",
            expected="an open distributed.Client (not an asynchronous one) or an address",
            got=f"{status}{type(client).__name__}",
            remedy="leave it out for a pool on this machine",
        )


def _ready(client: Client, memory: int, bar: ProgressBar, wait: float) -> Pool:
    """Wait for a worker."""
    title, ends = bar.title, time.monotonic() + wait
    bar.rename(f"{title}, waiting for workers")
    with said(f"no workers at {client.scheduler.address} yet; waiting for them", wait):
        while not client.nthreads():
            if time.monotonic() > ends:
                raise late(wait)
            time.sleep(0.05)
    bar.rename(title)
    return Pool(client, memory)
