"""What the core runs on: threads, instruction set, build."""

from __future__ import annotations

import math
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from carbonflows_fast import _core
from carbonflows_fast._base.arguments import whole
from carbonflows_fast.errors import InputError

__all__ = [
    "build_info",
    "group_limits",
    "instruction_set",
    "interrupts_held",
    "memory_limit",
    "memory_room",
    "pinned",
    "processors",
    "thread_count",
]

_PINNED = threading.local()


@contextmanager
def pinned(threads: int, kernels: str) -> Iterator[None]:
    """Let this Python thread use this number of threads and these kernels, not the environment's.

    Tasks that share a process do not disturb each other so, nor what else runs there.
    """
    before = vars(_PINNED).copy()
    _PINNED.threads, _PINNED.kernels = threads, kernels
    try:
        yield
    finally:
        vars(_PINNED).clear()
        vars(_PINNED).update(before)


def thread_count(threads: int | None = None) -> int:
    """Return how many threads to use.

    The argument decides, else `CARBONFLOWS_NUM_THREADS`, else `OMP_NUM_THREADS`, else the number
    of processors this process may run on.

    Parameters
    ----------
    threads : int, optional
        A positive number.

    Raises
    ------
    InputError
        If the argument or the variable that decides is not a positive whole number.
    """
    if threads is not None:
        return _positive("threads", threads)
    if hasattr(_PINNED, "threads"):
        return int(_PINNED.threads)
    for variable in ("CARBONFLOWS_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "").strip()
        if text:
            # OMP_NUM_THREADS may list one number for each level of nesting.
            first = text.split(",")[0] if variable == "OMP_NUM_THREADS" else text
            return _positive(variable, first)
    return processors()


def processors() -> int:
    """Return on how many processors this process may run.

    >>> processors() >= 1
    True
    """
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _positive(name: str, value: object) -> int:
    with suppress(ValueError):
        value = int(value) if isinstance(value, str) else value
    remedy = "leave it out to use every processor this process may run on"
    return whole(name, value, 1, 4096, remedy=remedy)


@contextmanager
def interrupts_held() -> Iterator[None]:
    """Start processes that do not hear Ctrl-C: they, and the thread that starts them, inherit it.

    An interrupt in the meantime comes when they are there, so that they can be stopped in order.
    """
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def memory_limit() -> int:
    """Return how many bytes this process may use: those of the machine, or of its container.

    >>> memory_limit() > 1e6
    True
    """
    return memory_room()[0]


def memory_room() -> tuple[int, str]:
    """Return how many bytes this process may use, and the control group that has that limit.

    All processes of that group share them: those of a container, or of a job of a cluster. The
    group is "" if the machine has no more.
    """
    pages = ("SC_PAGE_SIZE", "SC_PHYS_PAGES")
    machine = [(math.prod(map(os.sysconf, pages)), "")] if hasattr(os, "sysconf") else []
    with suppress(OSError):
        machine += group_limits(Path("/sys/fs/cgroup"), Path("/proc/self/cgroup").read_text())
    return min(machine, key=lambda limit: limit[0], default=(1 << 33, ""))


def group_limits(mounted: Path, groups: str) -> list[tuple[int, str]]:
    """Return the limits of memory of the control groups of a process, outer ones first.

    Parameters
    ----------
    mounted : path
        Where control groups are.
    groups : str
        What the system says of a process, a line for each hierarchy.
    """
    limits = []
    for line in groups.splitlines():  # a number, which kinds, and the group
        _, kinds, group = line.split(":", 2)
        if kinds not in ("", "memory"):
            continue
        top, file = mounted / kinds, "memory.limit_in_bytes" if kinds else "memory.max"
        inside = Path(group.lstrip("/"))
        for part in [*reversed(inside.parents), inside]:
            with suppress(OSError, ValueError):  # no such limit, or the word "max"
                limits.append((int((top / part / file).read_text()), str(top / part)))
    return limits


def instruction_set() -> str:
    """Return the name of the kernels in use: the best this processor runs.

    `CARBONFLOWS_ISA` asks for a lower one: "avx512", "avx2" or "baseline".

    Raises
    ------
    InputError
        If the kernels asked for do not run on this processor.
    """
    wanted = getattr(_PINNED, "kernels", os.environ.get("CARBONFLOWS_ISA", "").strip().lower())
    name = _core.kernel_name(wanted)
    if name is None:
        raise InputError.about(
            "CARBONFLOWS_ISA",
            expected="avx512, avx2 or baseline, as this processor allows",
            got=repr(wanted),
            remedy=f"unset it to use {_core.kernel_name('')}",
        )
    return name


def build_info() -> dict[str, Any]:
    """Return the version, the compiler, the instruction set in use and the number of threads.

    Returns
    -------
    dict
        Keys `version`, `compiler`, `instruction_set`, `instruction_sets` (all that run here) and
        `threads`.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> sorted(cf.build_info())
    ['compiler', 'instruction_set', 'instruction_sets', 'threads', 'version']
    """
    return {
        "version": _core.version,
        "compiler": _core.compiler,
        "instruction_set": instruction_set(),
        "instruction_sets": [
            name for name in ("avx512", "avx2", "baseline") if _core.kernel_name(name)
        ],
        "threads": thread_count(),
    }
