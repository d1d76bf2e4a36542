"""Compiled loops: how Numba compiles them and keeps them, and those that NumPy has no words for.

Every kernel runs its loops in the order in which they are written, on one thread, without
re-association, so that the same input always gives the same bits. They release the GIL, accept
read-only arrays, and trust their input: all arrays are C-contiguous, float64 values and int32
codes, and every code lies in range.

Importing this module imports Numba, so only decompositions do, when they are asked.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

__all__ = ["kernel", "merged_rows"]

Floats = NDArray[np.float64]
Codes = NDArray[np.int32]
Positions = NDArray[np.int64]
Kernel = TypeVar("Kernel", bound=Callable[..., Any])

log = logging.getLogger("carbonflows_fast")

# Read-only types: Numba passes a writable array where a read-only one is declared, not the other
# way round, so one compiled version serves both.
MATRIX = types.Array(types.float64, 2, "C", readonly=True)
VECTOR = types.Array(types.float64, 1, "C", readonly=True)
CODES = types.Array(types.int32, 1, "C", readonly=True)
_POSITIONS = types.Array(types.int64, 1, "C", readonly=True)
COUNT = types.int64
OUT_MATRIX = types.float64[:, ::1]
OUT_VECTOR = types.float64[::1]
_tuple: Any = types.Tuple


def kernel(result: Any, *arguments: Any) -> Callable[[Kernel], Kernel]:
    """Compile for one signature: `njit` with the settings that every kernel here shares.

    Numba keeps what it has compiled in a cache. It fails where it finds no place for one, and where
    one is full, damaged or somebody else's; then the kernel is compiled for this process alone.
    """

    def compile_now(function: Kernel) -> Kernel:
        place = ""
        try:
            _require_home()
            made: Any = njit(nogil=True, cache=True)(function)
            place = str(made.stats.cache_path)
            made.compile(result(*arguments))
        except Exception as error:  # a damaged file may raise any error
            made = njit(nogil=True)(function)
            made.compile(result(*arguments))  # fails again if not the cache
            _say_once(place, error)
        made.disable_compile()
        return cast("Kernel", made)

    return compile_now


def _require_home() -> None:
    """Complain if Numba would take a wrong place.

    Without a home folder, it would make one of the name "~" in the current folder. Where anybody
    can make folders, as in /tmp, it would run what another user has put into one of this name.
    """
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    home = os.path.isabs(os.path.expanduser("~")) or os.access(os.path.dirname(__file__), os.W_OK)
    if not named and not home:
        raise OSError("this user has no home folder")
    cache = os.path.abspath(os.environ.get("NUMBA_CACHE_DIR") or os.path.dirname(__file__))
    if hasattr(os, "getuid") and os.path.isdir(cache):
        anybody = os.stat(os.path.dirname(cache)).st_mode & stat.S_IWOTH
        if anybody and os.stat(cache).st_uid not in (0, os.getuid()):
            raise PermissionError(f"{cache} is another user's, whose code would be run")


_said: list[str] = []


def _say_once(place: str, error: Exception) -> None:
    if not _said:
        _said.append(place)
        at = f" in {place}" if place else ""
        remedy = "delete that folder, or let" if place else "let"
        log.warning(
            "compiled loops cannot be kept%s (%s: %s), so each process compiles them anew, "
            "which takes some seconds; %s NUMBA_CACHE_DIR name a folder that you can write",
            at,
            type(error).__name__,
            error,
            remedy,
        )


@kernel(
    _tuple((types.int64[::1], types.int64[::1], OUT_VECTOR, OUT_VECTOR)),
    *[_POSITIONS, _POSITIONS, VECTOR] * 2,
)
def merged_rows(
    starts: Positions,
    columns: Positions,
    values: Floats,
    other_starts: Positions,
    other_columns: Positions,
    other_values: Floats,
) -> tuple[Positions, Positions, Floats, Floats]:
    """Return two sparse matrices on their common pattern: row starts, columns, both values.

    Columns ascend within a row; an entry that one matrix lacks is 0 there.
    """
    size = columns.size + other_columns.size
    out_starts = np.zeros(starts.size, dtype=np.int64)
    out_columns = np.empty(size, dtype=np.int64)
    first, second = np.empty(size), np.empty(size)
    count = 0
    for row in range(starts.size - 1):
        p, q = starts[row], other_starts[row]
        while p < starts[row + 1] or q < other_starts[row + 1]:
            here = columns[p] if p < starts[row + 1] else np.int64(2**62)
            there = other_columns[q] if q < other_starts[row + 1] else np.int64(2**62)
            out_columns[count] = min(here, there)
            first[count] = values[p] if here <= there else 0.0
            second[count] = other_values[q] if there <= here else 0.0
            p += here <= there
            q += there <= here
            count += 1
        out_starts[row + 1] = count
    return out_starts, out_columns[:count], first[:count], second[:count]
