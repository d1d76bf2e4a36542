"""How the tasks of a panel are handed out to the workers of any Dask cluster.

Tasks are handed out as workers become free, no more at a time than fit into their memory. A worker
that is lost costs its task another try elsewhere; one that is asked to end may finish it. A
scheduler that is lost ends the run, and what had been written by then stays.
"""

from __future__ import annotations

import logging
import math
import socket
import time
from asyncio import CancelledError
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from carbonflows_fast import _core
from carbonflows_fast._base.limits import load_blas
from carbonflows_fast._base.machine import build_info, memory_room
from carbonflows_fast._base.pool import late
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.errors import CarbonFlowsError, InputError, PanelError, Phrase
from carbonflows_fast.panel._here import collect, lost, said
from carbonflows_fast.panel._tasks import Done, Task, is_done, require_room, run_task

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Pool", "connected"]

log = logging.getLogger("carbonflows_fast.panel")
LOOK_SECONDS = 2.0  # between two looks at which workers there are
ANSWER_SECONDS = 20.0  # for an answer to arrive, before it is asked whether its worker is there
LEAVING_SECONDS = 35.0  # a worker that is asked to end waits 30 for its tasks
LOSSES = 4  # workers that a task may lose, as Dask has it
ISA = ("avx512", "avx2", "baseline")


def _facts(dask_worker: Any) -> dict[str, Any]:
    """What a worker reports about itself, once it can work."""
    load_blas("numpy", "scipy.linalg")
    limit = dask_worker.memory_manager.memory_limit or math.inf  # a worker may have no limit
    shared, group = memory_room()
    return build_info() | {
        "places": dask_worker.state.nthreads,
        "memory": min(limit, shared),
        "shared": shared,
        "host": (socket.gethostname(), group),
    }


@dataclass
class _Work:
    """The tasks of a run: those that wait, those that run, by future, with the worker of each.

    Those that are `leaving` are with workers that were asked to end, until a time at the latest.
    """

    waiting: deque[Task]
    running: dict[Any, tuple[Task, str]] = field(default_factory=dict)
    leaving: list[tuple[Task, float]] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)

    def again(self, task: Task) -> bool:
        """Let a task wait again whose worker was lost, if that has not been too often."""
        self.losses[task.name] += 1
        if self.losses[task.name] < LOSSES:
            self.waiting.append(task)
        return self.losses[task.name] < LOSSES


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

    def __init__(self, client: Client, memory: int, wait: float = math.inf) -> None:
        self.client, self.memory, self.wait = client, memory, wait
        self._known: dict[str, dict[str, Any]] = {}
        self._fit: dict[str, int] = {}
        self._looked = -math.inf
        self.kernels = ISA[-1]
        self._look()
        if not self._known and not self._one(lambda: self._known):  # all have left again
            raise late(wait)
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
        self._fit = self._places()
        for name in [name for name in found if name not in self._fit]:
            host, worker = found[name]["host"][0], found[name]
            why = f"it needs {self.memory / 1e9:.1f} GB for each and {self.kernels}"
            if self._room(worker):
                why = f"{worker['shared'] / 1e9:.1f} GB are all that the workers of {host} share"
            log.warning("%s gets no tasks: %s", name, why)
        self._looked = time.monotonic()

    def _places(self) -> dict[str, int]:
        """Return how many tasks each worker takes at a time, of those that take any.

        Each may have the memory of its whole host as its limit, as under MPI, so those of a host
        share what it has.
        """
        wanted = {name: self._room(worker) for name, worker in self._known.items()}
        hosts = {name: self._known[name]["host"] for name in wanted}
        left = {w["host"]: w["shared"] // self.memory for w in self._known.values()}
        fit = Counter[str]()
        for turn in range(max(wanted.values(), default=0)):
            for name, places in wanted.items():
                if turn < places and left[hosts[name]] > 0:
                    fit[name] += 1
                    left[hosts[name]] -= 1
        return dict(fit)

    def _room(self, worker: dict[str, Any]) -> int:
        """Return how many tasks a worker takes at a time if its host has room for them."""
        if self.kernels not in worker["instruction_sets"]:
            return 0
        return min(int(worker["places"]), int(worker["memory"] / self.memory))

    def run(
        self, tasks: Sequence[Task], bar: ProgressBar, keep: Callable[[Task, Done], None]
    ) -> dict[str, str]:
        """Run the tasks, hand each result to `keep`, and return the reasons of what failed."""
        return collect(self._answers(tasks), bar, keep)

    def _answers(self, tasks: Sequence[Task]) -> Generator[tuple[Task, Done], None, None]:
        work = _Work(deque(tasks))
        try:
            while work.waiting or work.running or work.leaving:
                self._look()
                yield from self._left(work)
                self._start(work)
                if not (work.running or work.leaving or self._one_that_fits()):
                    yield from ((task, _failed(self._none())) for task in work.waiting)
                    return
                for future in self._finished(work):
                    task, worker = work.running.pop(future)
                    if done := self._answer(future, task, worker):
                        yield task, done
                    elif not work.again(task):
                        yield task, _failed(lost(self.memory))
        except (Exception, CancelledError) as error:
            # The first call to the scheduler after it was gone may raise anything.
            gone = isinstance(error, OSError | CancelledError) or self.client.status != "running"
            if isinstance(error, CarbonFlowsError) or not gone:
                raise
            raise self._lost(tasks[0].what) from error
        finally:
            if work.running:
                self._cancel(list(work.running))

    def _start(self, work: _Work) -> None:
        """Hand out as many tasks as there is room for, each to one worker.

        If Dask chose among several, it would hand the tasks of a worker that ends to others at
        once, although the worker may finish them, and to all others of its job, which end as well.
        """
        free = Counter(self._fit)
        free.subtract(worker for _, worker in work.running.values() if worker in free)
        while work.waiting and any(number > 0 for number in free.values()):
            worker = max(free, key=free.__getitem__)
            task = work.waiting.popleft()
            key = f"{task.what}-{task.name}-{uuid4().hex[:8]}"  # Dask's pages group by the first
            future = self.client.submit(run_task, task, key=key, pure=False, workers=[worker])
            work.running[future] = task, worker
            free[worker] -= 1

    def _left(self, work: _Work) -> Iterator[tuple[Task, Done]]:
        """Take back the tasks of workers that have left; yield those that need no other worker."""
        gone = [f for f, (_, worker) in work.running.items() if worker not in self._known]
        if gone:
            self._cancel(gone)
        for future in gone:
            task, worker = work.running.pop(future)
            if task.out is not None and self._ends_in_order(worker):
                work.leaving.append((task, time.monotonic() + LEAVING_SECONDS))
            elif not work.again(task):
                yield task, _failed(lost(self.memory))
        for task, ends in list(work.leaving):
            done = is_done(Path(str(task.out)), task.key)
            if done or time.monotonic() > ends:
                work.leaving.remove((task, ends))
                if done:
                    yield task, Done(None, task.out, 0.0)
                else:
                    work.waiting.append(task)

    def _ends_in_order(self, worker: str) -> bool:
        """Whether a worker that has left was asked to, and may finish its tasks."""
        events: Any = self.client.get_events(worker)
        return any(isinstance(e, dict) and e.get("action") == "retired" for _, e in events)

    def _one_that_fits(self) -> bool:
        """Wait for a worker that takes a task; whether there is one in time."""
        if self._fit:
            return True
        most = "" if self.wait == math.inf else f", {self.wait:g} s at most"
        log.warning("no worker is left that fits; waiting for one%s", most)
        return self._one(lambda: self._fit)

    def _one(self, there: Callable[[], Any]) -> bool:
        """Look at the workers until there is what is wanted; whether it is in time."""
        ends = time.monotonic() + self.wait
        while not there():
            if time.monotonic() > ends:
                return False
            time.sleep(LOOK_SECONDS)
            self._look()
        return True

    def _none(self) -> str:
        return (
            f"no worker was left, and none came within {self.wait:g} seconds; let the cluster "
            "replace jobs that end, or wait longer, and run again"
        )

    def _finished(self, work: _Work) -> list[Any]:
        """Wait until tasks have ended, or it is time to look at the workers again."""
        from distributed import wait

        if not work.running:
            time.sleep(LOOK_SECONDS if work.leaving else 0)
            return []
        try:
            return list(wait(list(work.running), LOOK_SECONDS, "FIRST_COMPLETED").done)
        except TimeoutError:
            return []

    def _answer(self, future: Any, task: Task, worker: str) -> Done | None:
        """Fetch what came of a task; None if its worker was lost, perhaps with the answer."""
        from distributed import KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                return None
            return _failed(Phrase.of(f"{type(error).__name__}: ", error))
        if future.status in ("lost", "pending") and self.client.status == "running":
            return None
        if future.status != "finished":
            raise self._lost(f"{task.what} {task.name}")
        while True:
            try:
                done: Done = future.result(timeout=ANSWER_SECONDS)
                return done
            except TimeoutError:  # Dask waits for ever for what only that worker had
                self._look()
                if worker not in self._known:
                    self._cancel([future])
                    return None

    def _lost(self, what: str) -> PanelError:
        return PanelError.about(
            "client",
            expected="a scheduler to the end",
            got=f"one that was lost while {what} was running",
            remedy="run again for the same folder, whose results stay, to compute the others",
        )

    def _cancel(self, futures: list[Any]) -> None:
        try:
            self.client.cancel(futures, force=True)
        except Exception as error:  # the cluster may be gone: there is nothing left to cancel
            log.debug("cancelling: %s", error)


@contextmanager
def connected(client: Any, memory: int, bar: ProgressBar, wait: float) -> Iterator[Pool]:
    """Give a pool of the workers of a client, a cluster, or the scheduler at an address.

    Raises
    ------
    InputError
        If the client is none, or its scheduler does not answer.
    MemoryLimitError
        If a task does not fit.
    PanelError
        If no worker is there within `wait` seconds.
    """
    from distributed import Client

    if isinstance(client, str) or _is_cluster(client):
        address = client if isinstance(client, str) else client.scheduler_address
        try:
            made = Client(address, timeout="10s", security=getattr(client, "security", None))
        except (OSError, ValueError, TypeError) as error:
            raise InputError.about(
                "client",
                expected="the address of a Dask scheduler that answers",
                got=f"{address!r} ({error})",
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
            expected="an open distributed.Client (not an asynchronous one), a cluster "
            "or an address",
            got=f"{status}{type(client).__name__}",
            remedy="leave it out for a pool on this machine",
        )


def _failed(reason: str) -> Done:
    return Done(None, None, 0.0, failed=reason)


def _is_cluster(client: Any) -> bool:
    """Whether this has a scheduler, as LocalCluster and SLURMCluster have."""
    return isinstance(getattr(client, "scheduler_address", None), str)


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
    return Pool(client, memory, wait)
