"""Start under limits of memory or threads, as set by `ulimit`.

OpenBLAS, a part of NumPy and SciPy, asks for ever for memory that it does not get,
so a process hangs if it has too little room while OpenBLAS is loaded. Without threads, OpenBLAS
raises SIGINT. Without memory, LLVM ends the process. This module checks the room and loads both.
"""

from __future__ import annotations

import os
import sys
from importlib import import_module

__all__ = ["cause_of", "load_blas", "load_compiler"]

BUFFER = 1 << 25  # bytes of each thread of OpenBLAS
STACK = 1 << 23  # stack of a thread, if the system does not say
LIBRARY = 1 << 27  # more than the other files that are loaded
COMPILER = 1 << 28
THREADS = 64  # most threads of OpenBLAS as built for wheels


def limit() -> int | None:
    """Return how many bytes of addresses this process may have; None where there is no limit."""
    try:
        import resource
    except ImportError:  # Windows
        return None
    most = resource.getrlimit(resource.RLIMIT_AS)[0]
    return None if most == resource.RLIM_INFINITY else int(most)


def load_blas(*modules: str) -> None:
    """Load modules that contain a BLAS, if there is a limit, or report that there is no room.

    Where there are too few threads for BLAS, it gets none but the one that calls it.

    Raises
    ------
    MemoryError
    """
    wanted = 2 * (_threads() - 1) + 2  # those of NumPy and SciPy, and some reserve
    if "numpy" not in sys.modules and not _can_start(wanted):
        os.environ["OPENBLAS_NUM_THREADS"] = "1"
    if limit() is None:
        return
    for name in modules:
        if name in sys.modules:
            continue
        _require(_threads() * (BUFFER + _stack()) + LIBRARY, name)
        import_module(name)
    if "numpy" in modules:
        import numpy as np

        np.ones((64, 64)) @ np.ones((64, 64))  # takes the buffer of this thread
    if "scipy.linalg" in modules:
        import numpy as np
        from scipy.linalg import blas

        blas.dgemm(1.0, np.ones((64, 64)), np.ones((64, 64)))


def load_compiler() -> None:
    """Compile, or load, all loops where there is a limit, or say that there is no room.

    Raises
    ------
    MemoryError
    """
    if limit() is None or "carbonflows_fast.decomposition._path_kernels" in sys.modules:
        return
    load_blas("numpy", "scipy.linalg")
    _require(COMPILER, "numba")
    import_module("carbonflows_fast.decomposition._path_kernels")


def cause_of(error: BaseException) -> str | None:
    """Return a sentence if memory or threads were what an error is due to.

    >>> cause_of(RuntimeError("can't start new thread"))[:42]
    'no more threads can be started; ask for fe'
    >>> cause_of(ValueError("no")) is None
    True
    """
    said = f"{error} {error.__cause__ or ''} {error.__context__ or ''}"
    if isinstance(error, RuntimeError) and "start new thread" in said:
        return (
            "no more threads can be started; ask for fewer (--threads 1, OPENBLAS_NUM_THREADS=1), "
            "or raise what limits them (ulimit -u, ulimit -v)"
        )
    short = any(
        text in said.lower() for text in ("cannot allocate memory", "failed to map segment")
    )
    if isinstance(error, MemoryError):
        return _too_little(" ".join(str(error).replace("std::bad_alloc", "").split()))
    if isinstance(error, ImportError | OSError) and short:
        return _too_little("a library cannot be loaded")
    if isinstance(error, ImportError | OSError | SystemError) and limit() and _of_library(said):
        return _too_little("a library cannot be loaded, perhaps for want of it")
    return None


def _of_library(said: str) -> bool:
    return any(text in said for text in (".so", "shared object", "import", "returned NULL"))


def _too_little(detail: str) -> str:
    most = limit()
    said = f"not enough memory{f' ({detail})' if detail else ''}"
    if most is None:
        return said
    allowed = f"this process may have {most / 1e9:.1f} GB of address space (ulimit -v)"
    return f"{said}; {allowed}: raise that, or lower OPENBLAS_NUM_THREADS"


def _require(size: int, what: str) -> None:
    import mmap

    try:
        mmap.mmap(-1, size).close()
    except (OSError, MemoryError) as error:
        raise MemoryError(f"{what} takes {size / 1e9:.1f} GB to load") from error


def _can_start(threads: int) -> bool:
    """Whether the system can start that number of threads, tried for a moment."""
    import threading

    gate, started = threading.Event(), []
    try:
        for _ in range(threads):
            thread = threading.Thread(target=gate.wait, daemon=True)
            thread.start()
            started.append(thread)
    except (RuntimeError, MemoryError):
        return False
    finally:
        gate.set()
        for thread in started:
            thread.join()
    return True


def _threads() -> int:
    for variable in ("OPENBLAS_NUM_THREADS", "GOTO_NUM_THREADS", "OMP_NUM_THREADS"):
        text = os.environ.get(variable, "").split(",")[0].strip()
        if text.isdigit() and int(text):
            return min(int(text), THREADS)
    return min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, THREADS)


def _stack() -> int:
    import resource

    size = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return STACK if size in (resource.RLIM_INFINITY, 0) else int(size)
