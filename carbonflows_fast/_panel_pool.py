"""Where the tasks of a panel run: a pool of local processes, or any Dask cluster.

Tasks are handed out as workers become free, no more at a time than fit into their memory. A worker
that is lost costs its task another try elsewhere; a scheduler that is lost ends the run, and what
had been written by then stays.
"""

from __future__ import annotations

import logging
import math
import os
import time
from asyncio import CancelledError
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from carbonflows_fast import _core
from carbonflows_fast._machine import build_info, interrupts_held
from carbonflows_fast._panel_tasks import Done, Task, run_task
from carbonflows_fast._progress import ProgressBar
from carbonflows_fast.errors import CarbonFlowsError, InputError, MemoryLimitError, wrong

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["Pool", "connected"]

log = logging.getLogger("carbonflows_fast.panel")
WORKERS = {
    # Dask's own threshold makes glibc take every array from the system anew, a tenth of the time.
    # These are the values that glibc comes to by itself where nobody sets them.
    "MALLOC_TRIM_THRESHOLD_": str(1 << 26),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_LOGGING__DISTRIBUTED": "warning",  # else each start is told on standard error
    "PYTHONWARNINGS": "ignore:resource_tracker",  # what is cleared up behind them needs no word
}
"""Environment of the processes of a pool on this machine, where the user has not set it."""

LOOK_SECONDS = 2.0  # between two looks at which workers there are
WAIT_SECONDS = 10.0  # for workers, before it is said that there are none
ORPHAN_SECONDS = 30  # a pool without anybody to give it tasks ends itself
APART = "import os; os.setpgid(0, 0)"  # Ctrl-C goes to all of a terminal's group: leave it
ISA = ("avx512", "avx2", "baseline")


def _facts(dask_worker: Any) -> dict[str, Any]:
    """What a worker tells about itself."""
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
    CarbonFlowsError
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
        while not self._known:
            time.sleep(LOOK_SECONDS)
            self._look()
        workers = self._known.values()
        _require_room(memory, max(w["memory"] for w in workers), "the largest worker has")
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
        unable = [a for a in answers.values() if isinstance(a, Exception)
                  and not isinstance(a, OSError)]  # fmt: skip
        if unable and not self._known:
            raise CarbonFlowsError(
                "client: expected workers that can import carbonflows_fast, got none among "
                f"{len(here)} (one says: {unable[0]!r}); install it everywhere, and check the "
                "environment of the workers"
            )
        other = {worker["version"] for worker in found.values()} - {_core.version}
        if other:
            raise CarbonFlowsError(
                f"client: expected workers with carbonflows_fast {_core.version}, got "
                f"{', '.join(sorted(other))}; install one version everywhere"
            )
        self._fit = {name: places for name, w in self._known.items() if (places := self._room(w))}
        for name in found.keys() - self._fit:
            log.warning("%s gets no tasks: it needs %.1f GB for each and %s", name,
                        self.memory / 1e9, self.kernels)  # fmt: skip
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
        waiting, running = deque(tasks), dict[Any, tuple[Task, set[str]]]()
        failed: dict[str, str] = {}
        try:
            while waiting or running:
                self._look()
                self._start(waiting, running)
                for future in self._finished(running):
                    self._settle(future, running.pop(future)[0], failed, keep)
                    bar.advance()
        except (Exception, CancelledError) as error:
            # Whoever spoke to the scheduler first after it was gone raised whatever that raises.
            gone = isinstance(error, OSError | CancelledError) or self.client.status != "running"
            if isinstance(error, CarbonFlowsError) or not gone:
                raise
            raise self._lost(tasks[0].what) from error
        finally:
            if running:
                self._cancel(list(running))
        return failed

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

    def _settle(
        self, future: Any, task: Task, failed: dict[str, str], keep: Callable[[Task, Done], None]
    ) -> None:
        if future.status == "finished":
            done = future.result()
            if done.failed:
                failed[task.name] = done.failed
                log.info("%s %s failed: %s", task.what, task.name, done.failed)
                return
            log.info("%s %s: %s", task.what, task.name,
                     "resumed" if done.resumed else f"{done.seconds:.2f} s")  # fmt: skip
            keep(task, done)
        elif future.status == "error":
            error = future.exception()
            failed[task.name] = self._reason(error)
            log.info("%s %s failed: %s", task.what, task.name, failed[task.name])
        else:
            raise self._lost(f"{task.what} {task.name}")

    def _lost(self, what: str) -> CarbonFlowsError:
        return CarbonFlowsError(
            f"client: lost the scheduler while {what} was running; results that were written stay, "
            "run again with the same out= to compute the others"
        )

    def _reason(self, error: BaseException) -> str:
        from distributed import KilledWorker

        if isinstance(error, KilledWorker):
            return (
                "its worker was lost again and again, perhaps for want of memory: a task was "
                f"expected to need {self.memory / 1e9:.1f} GB"
            )
        return f"{type(error).__name__}: {' '.join(str(error).split())}"

    def _cancel(self, futures: list[Any]) -> None:
        try:
            self.client.cancel(futures, force=True)
        except Exception as error:  # the cluster may be gone: there is nothing left to cancel
            log.debug("cancelling: %s", error)


@contextmanager
def connected(
    client: Any, workers: int | None, tasks: int, memory: int, bar: ProgressBar
) -> Iterator[Pool]:
    """Give a pool: the client's, or one of local processes that is closed at the end.

    Raises
    ------
    InputError
        If the client is none, or its address does not answer.
    MemoryLimitError
        If a task does not fit.
    """
    from distributed import Client

    if client is None:
        with _local(workers, tasks, memory) as (address, count), Client(address) as made:
            yield _ready(made, memory, bar, count)
    elif isinstance(client, str):
        try:
            made = Client(client, timeout="10s")
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                wrong("client", expected="the address of a Dask scheduler that answers",
                      got=f"{client!r} ({error})",
                      remedy="start one with `dask scheduler`, or leave client out")
            ) from error  # fmt: skip
        with made:
            yield _ready(made, memory, bar)
    elif isinstance(client, Client) and not client.asynchronous and client.status == "running":
        yield _ready(client, memory, bar)
    else:
        raise InputError(
            wrong("client", expected="an open distributed.Client (not an asynchronous one) or an "
                  "address", got=f"a {getattr(client, 'status', '')} {type(client).__name__}",
                  remedy="leave it out for a pool on this machine")
        )  # fmt: skip


def _ready(client: Client, memory: int, bar: ProgressBar, workers: int = 1) -> Pool:
    title = bar.title
    bar.rename(f"{title}, waiting for workers")
    try:
        client.wait_for_workers(workers, timeout=WAIT_SECONDS)
    except TimeoutError:
        log.warning("no workers at %s yet; waiting for them", client.scheduler.address)
        client.wait_for_workers(workers)
    bar.rename(title)
    return Pool(client, memory)


@contextmanager
def _local(workers: int | None, tasks: int, memory: int) -> Iterator[tuple[str, int]]:
    """Start processes for as many tasks as there are cores and room, and give their address and
    number.

    They are plain processes, not forks of this one or spawned with its main module, so that a
    script needs no guard.
    """
    from dask.system import CPU_COUNT
    from distributed import LocalCluster
    from distributed.compatibility import WINDOWS
    from distributed.deploy.subprocess import SubprocessCluster
    from distributed.system import MEMORY_LIMIT

    _require_room(memory, MEMORY_LIMIT, "this machine has")
    wanted = CPU_COUNT if workers is None else workers
    count = max(1, min(wanted, tasks, MEMORY_LIMIT // memory))
    if workers is not None and count < min(workers, tasks):
        log.warning("%d workers instead of %d: a task may need %.1f GB of %.1f GB",
                    count, workers, memory / 1e9, MEMORY_LIMIT / 1e9)  # fmt: skip
    limit = MEMORY_LIMIT // count
    with _environment(WORKERS), interrupts_held():
        if WINDOWS:
            cluster = LocalCluster(
                n_workers=count, threads_per_worker=1, memory_limit=limit, dashboard_address=None
            )
        else:
            cluster = SubprocessCluster(
                n_workers=count, threads_per_worker=1, dashboard_address=None,
                worker_kwargs={"memory_limit": limit, "preload_nanny": [APART]},
                scheduler_kwargs={"idle_timeout": f"{ORPHAN_SECONDS} s", "preload": [APART]},
            )  # fmt: skip
    with cluster:
        try:
            yield str(cluster.scheduler_address), count
        finally:
            if not WINDOWS:
                _end(cluster)


def _end(cluster: Any) -> None:
    """Kill the workers, but not what clears up behind them: Dask's own way leaves semaphores.

    To end in order would take them seconds, and results are safe by now.
    """
    import psutil  # Dask needs it too

    ends = time.monotonic() + 1.0
    for process in [w.process for w in cluster.workers.values() if w.process is not None]:
        with suppress(psutil.NoSuchProcess):
            nanny = psutil.Process(process.pid)
            for one in (nanny, *nanny.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    if not any("resource_tracker" in part for part in one.cmdline()):
                        one.kill()
        while process.returncode is None and time.monotonic() < ends:  # Dask waits for it, too
            time.sleep(0.01)


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """Set what is not set yet, for the processes that are started meanwhile."""
    missing = {name: value for name, value in variables.items() if name not in os.environ}
    os.environ.update(missing)
    try:
        yield
    finally:
        for name in missing:
            os.environ.pop(name, None)


def _require_room(needed: int, limit: float, whose: str) -> None:
    """Refuse a task that cannot fit."""
    if needed > limit:
        raise MemoryLimitError(
            f"workers: expected {needed / 1e9:.1f} GB for each task, by the size of the tables and "
            f"the question, got {limit / 1e9:.1f} GB, which is what {whose}; use larger workers, "
            "or ask for less at a time"
        )
