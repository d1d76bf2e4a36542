"""Where the tasks of a panel run: this process, a pool of local ones, or any Dask cluster.

The processes of a pool end by themselves when the one that started them is gone. Waiting for them
has an end, and what is waited for is said.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from carbonflows_fast._base.machine import interrupts_held
from carbonflows_fast._base.progress import ProgressBar
from carbonflows_fast.errors import InputError, PanelError
from carbonflows_fast.panel._pool import Pool
from carbonflows_fast.panel._tasks import require_room

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["connected"]

log = logging.getLogger("carbonflows_fast.panel")
WORKERS = {
    # Dask's own threshold makes glibc take every array from the system again, a tenth of the time.
    # These are the values that glibc reaches by itself if nobody sets them.
    "MALLOC_TRIM_THRESHOLD_": str(1 << 26),
    "MALLOC_MMAP_THRESHOLD_": str(1 << 25),
    "DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "False",
    "DASK_LOGGING__DISTRIBUTED": "warning",  # else each start is reported on standard error
    "PYTHONWARNINGS": "ignore:resource_tracker",  # what is cleaned up after them needs no message
}
"""Environment of the processes of a pool on this machine, where the user has not set it."""

WAIT_SECONDS = 10.0  # for workers, before it is said that there are none
APART = """
import os, threading, time
os.setpgid(0, 0)  # Ctrl-C goes to all of a terminal's group: leave it
def end_with_parent(parent):
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)
threading.Thread(target=end_with_parent, args=({parent},), daemon=True).start()
"""
"""What the scheduler and each keeper of a worker run first."""


@contextmanager
def connected(
    client: Any, workers: int | None, tasks: int, memory: int, bar: ProgressBar, wait: float
) -> Iterator[Pool]:
    """Give a pool: the client's, or one of local processes that is closed at the end.

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

    if client is None:
        with _local(workers, tasks, memory, bar, wait) as (made, count, alive):
            yield _ready(made, memory, bar, wait, count, alive)
    elif isinstance(client, str):
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
        raise InputError.about(
            "client",
            expected="an open distributed.Client (not an asynchronous one) or an address",
            got=f"a {getattr(client, 'status', '')} {type(client).__name__}",
            remedy="leave it out for a pool on this machine",
        )


def _ready(
    client: Client,
    memory: int,
    bar: ProgressBar,
    wait: float,
    workers: int = 1,
    alive: Callable[[], bool] = lambda: True,
) -> Pool:
    """Wait for workers; some of those asked for are enough when the time is over."""
    title, ends = bar.title, time.monotonic() + wait
    bar.rename(f"{title}, waiting for workers")
    with _said(f"no workers at {client.scheduler.address} yet; waiting for them", wait):
        while (here := len(client.nthreads())) < workers:
            if not alive():
                raise PanelError.about(
                    "workers",
                    expected="processes that work",
                    got="a pool whose processes ended before they could work, perhaps for want of "
                    "memory or threads",
                    remedy="ask for fewer workers",
                )
            if time.monotonic() > ends and here:
                log.warning("%d of %d workers are there; going on with them", here, workers)
                break
            if time.monotonic() > ends:
                raise _late(wait)
            time.sleep(0.05)
    bar.rename(title)
    return Pool(client, memory)


def _late(wait: float) -> PanelError:
    return PanelError.about(
        "wait",
        expected=f"workers within {wait:g} seconds",
        got="none",
        remedy="wait longer, or look at what keeps them",
    )


@contextmanager
def _said(what: str, wait: float) -> Iterator[Callable[[], None]]:
    """Log what is waited for, and how long, if it takes a while and nobody says that it is over."""
    most = "" if wait == float("inf") else f", {wait:g} s at most"
    timer = threading.Timer(WAIT_SECONDS, log.warning, ["%s%s", what, most])
    timer.daemon = True
    timer.start()
    try:
        yield timer.cancel
    finally:
        timer.cancel()


@contextmanager
def _local(
    workers: int | None, tasks: int, memory: int, bar: ProgressBar, wait: float
) -> Iterator[tuple[Client, int, Callable[[], bool]]]:
    """Start processes for as many tasks as there are cores and room; give a client, their number,
    and whether any of them runs still.

    They are plain processes, not forks of this one or spawned with its main module, so that a
    script needs no guard.
    """
    from dask.system import CPU_COUNT
    from distributed import Client
    from distributed.compatibility import WINDOWS
    from distributed.system import MEMORY_LIMIT

    require_room(memory, MEMORY_LIMIT, "this machine has")
    wanted = CPU_COUNT if workers is None else workers
    count = max(1, min(wanted, tasks, MEMORY_LIMIT // memory))
    if workers is not None and count < min(workers, tasks):
        log.warning(
            "%d workers instead of %d: a task may need %.1f GB of %.1f GB",
            count,
            workers,
            memory / 1e9,
            MEMORY_LIMIT / 1e9,
        )
    title = bar.title
    bar.rename(f"{title}, starting {count} processes")
    with (
        _loop() as loop,
        _said(f"{count} processes are being started; waiting for them", wait) as ready,
        _cluster(loop, count, MEMORY_LIMIT // count, wait) as cluster,
    ):
        ready()
        bar.rename(title)

        def alive() -> bool:
            processes = [getattr(worker, "process", None) for worker in cluster.workers.values()]
            return any(one is None or one.returncode is None for one in processes)

        try:
            with Client(str(cluster.scheduler_address), timeout=wait) as client:
                yield client, count, alive
        finally:
            if not WINDOWS:
                _end(cluster)


@contextmanager
def _loop() -> Iterator[Any]:
    """Give a loop on a thread that does not hear Ctrl-C; what it starts inherits that."""
    from distributed.utils import LoopRunner

    runner = LoopRunner(asynchronous=False)
    with interrupts_held():
        runner.start()
    try:
        yield runner.loop
    finally:
        runner.stop()


def _cluster(loop: Any, count: int, memory: int, wait: float) -> Any:
    """Start a scheduler and workers.

    Raises
    ------
    PanelError
        If the scheduler is not there within `wait` seconds, or ends.
    """
    from distributed import LocalCluster, SpecCluster
    from distributed.compatibility import WINDOWS
    from distributed.deploy.subprocess import SubprocessScheduler, SubprocessWorker

    if WINDOWS:
        return LocalCluster(
            n_workers=count,
            threads_per_worker=1,
            memory_limit=memory,
            dashboard_address=None,
            loop=loop,
        )
    apart, here = [APART.format(parent=os.getpid())], {"host": "127.0.0.1"}
    scheduler = here | {
        "port": 0,
        "dashboard": False,
        "dashboard_address": None,
        "preload": apart,
        "idle_timeout": None,
    }
    worker = here | {
        "nthreads": 1,
        "silence_logs": logging.WARN,
        "memory_limit": memory,
        "preload_nanny": apart,
    }
    spec = {"cls": SubprocessWorker, "options": {"worker_kwargs": worker}}
    before, late, over = set(_ours()), threading.Event(), threading.Event()

    def kill() -> None:
        for process in set(_ours()) - before:
            with suppress(OSError):
                os.kill(process, signal.SIGKILL)

    def give_up() -> None:  # Dask waits until the scheduler says what is wrong, whenever that is
        late.set()
        while not over.wait(0.2):  # some may be starting only now
            kill()

    timer = threading.Timer(min(wait, threading.TIMEOUT_MAX), give_up)
    timer.daemon = True
    try:
        timer.start()
        with _environment(WORKERS):
            return SpecCluster(
                workers=dict.fromkeys(range(count), spec),
                worker=spec,
                name="carbonflows_fast",
                scheduler={
                    "cls": SubprocessScheduler,
                    "options": {"scheduler_kwargs": scheduler, "timeout": wait + 60},
                },
                loop=loop,
                silence_logs=logging.CRITICAL,
            )
    except BaseException as error:
        kill()
        if late.is_set():
            raise _late(wait) from error
        if not isinstance(error, RuntimeError | OSError | TimeoutError):
            raise
        raise PanelError.about(
            "workers",
            expected=f"a pool of {count} processes",
            got=f"none ({error})",
            remedy="ask for 1 worker, or raise what limits memory and threads",
        ) from error
    finally:
        timer.cancel()
        over.set()


def _ours() -> list[int]:
    """Return the numbers of the processes of pools of this process."""
    import psutil  # Dask needs it too

    found = []
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            if {"dask", "spec"} <= set(process.cmdline()):
                found.append(process.pid)
    return found


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
