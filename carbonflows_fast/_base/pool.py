"""Processes of this machine that work side by side; one that is lost costs its own job alone.

They are new Pythons, because a fork of a process with threads is not safe. They do not load the
caller's main module, so that a script needs no guard. They ignore Ctrl-C. SIGTERM ends them in
order, and so does the end of the process that started them.
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process, resource_tracker
from multiprocessing.connection import Connection, wait
from types import ModuleType
from typing import Any, NamedTuple

from carbonflows_fast._base.machine import interrupts_held
from carbonflows_fast.errors import PanelError

__all__ = ["PROCESS_BYTES", "Lost", "answers", "late"]

PROCESS_BYTES = 320_000_000
"""Memory of a process with everything imported."""

STOP_SECONDS = 10.0  # for a process to leave nothing half-written behind

_starting = threading.Lock()


class Lost(NamedTuple):
    """Instead of an answer: the status with which a process ended, the negative of a signal."""

    status: int | None


def answers(
    function: Callable[[Any], Any],
    jobs: Mapping[str, Any],
    processes: int,
    *,
    tries: int = 1,
    seconds: float = math.inf,
    ready: Callable[[], None] = lambda: None,
) -> Generator[tuple[str, Any], None, None]:
    """Yield the name of each job and `function(job)`, or `Lost`, as the answers come.

    Parameters
    ----------
    function : callable
        Of a module of this package. What it raises ends its process.
    jobs : mapping of str to object
    processes : int
    tries : int
        How many processes a job may lose before it is `Lost`.
    seconds : float
        To wait for the first process that can work.
    ready : callable
        Called when the first can.

    Raises
    ------
    PanelError
        If no process can work, or none within that time.
    """
    pool, losses = _Processes(function, jobs, processes), Counter[str]()
    until, at_work = time.monotonic() + seconds, False
    try:
        while pool.waiting or pool.running:
            pool.start()
            patience = None if at_work or seconds == math.inf else until - time.monotonic()
            heard: list[Any] = wait(list(pool.running), patience)
            if not heard:
                raise late(seconds)
            for connection in heard:
                process, name = pool.running.pop(connection)
                try:
                    answered, answer = connection.recv()
                except (EOFError, OSError):
                    process.join()
                    if not at_work and not pool.running:
                        raise _none("processes that ended before they could work") from None
                    losses[name] += 1
                    if losses[name] < tries:
                        pool.waiting.append(name)
                    else:
                        yield name, Lost(process.exitcode)
                    continue
                if not at_work:
                    at_work = True
                    ready()
                if not answered:
                    pool.give(connection, process, name)
                    continue
                if pool.waiting:
                    pool.give(connection, process, pool.waiting.popleft())
                yield name, answer
    finally:
        pool.stop()


class _Processes:
    """The jobs that wait, and the processes that run, by their connections, with a job each."""

    def __init__(
        self, function: Callable[[Any], Any], jobs: Mapping[str, Any], processes: int
    ) -> None:
        self.function, self.jobs, self.processes = function, jobs, processes
        self.waiting = deque(jobs)
        self.running: dict[Any, tuple[Any, str]] = {}
        self.started: list[Any] = []

    def start(self) -> None:
        """Start processes for the jobs that wait, fewer if the system gives no more."""
        while self.waiting and len(self.running) < self.processes:
            name = self.waiting[0]
            try:
                connection, process = _start(self.function, name)
            except OSError as error:
                if not self.running:
                    raise _none(f"none ({error})") from error
                self.processes = len(self.running)
                return
            self.started.append(process)
            self.running[connection] = process, self.waiting.popleft()

    def give(self, connection: Any, process: Any, name: str) -> None:
        """Give a process its job."""
        process.name = name
        self.running[connection] = process, name
        with suppress(OSError):  # it is lost, which is heard next
            connection.send(self.jobs[name])

    def stop(self) -> None:
        for process in self.started:
            process.terminate()
        for process in self.started:
            process.join(STOP_SECONDS)
            process.kill()


def late(seconds: float) -> PanelError:
    """Return the error that no worker was there in time."""
    return PanelError.about(
        "wait",
        expected=f"workers within {seconds:g} seconds",
        got="none",
        remedy="wait longer, or look at what keeps them",
    )


def _none(got: str) -> PanelError:
    return PanelError.about(
        "workers",
        expected="processes that work side by side",
        got=f"{got}, perhaps for want of memory or threads",
        remedy="ask for fewer workers, or raise what limits memory and threads",
    )


def _start(function: Callable[[Any], Any], name: str) -> tuple[Any, Any]:
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_work, args=(function, theirs), name=name, daemon=True)
    with _starting:
        if os.name != "nt":
            resource_tracker.ensure_running()  # to start it lets interrupts through again
        with interrupts_held(), _no_main():
            process.start()
    theirs.close()
    return ours, process


@contextmanager
def _no_main() -> Iterator[None]:
    """Hide the main module, which a process would run again when it starts."""
    main = sys.modules.get("__main__")
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        del sys.modules["__main__"]
        if main is not None:
            sys.modules["__main__"] = main


def _work(function: Callable[[Any], Any], connection: Connection) -> None:
    """Say that all is loaded, then answer each job."""
    stopped: list[int] = []

    def stop(number: int, _: object) -> None:
        signal.signal(number, signal.SIG_IGN)
        sys.unraisablehook = lambda _: None
        stopped.append(number)
        sys.exit(1)  # with everything cleaned up

    signal.signal(signal.SIGTERM, stop)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    try:
        with suppress(EOFError, OSError):  # there are no more jobs
            connection.send((False, None))
            while not stopped:
                connection.send((True, function(connection.recv())))
    except Exception:
        if not stopped:  # an exit in the middle of a lock, say, becomes another error
            raise


def _end_with_parent() -> None:
    parent = parent_process()
    if parent is not None:
        parent.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(STOP_SECONDS)
        os._exit(1)
