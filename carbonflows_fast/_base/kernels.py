"""Array loops in Numba: sums by region, by sector, and by both at once.

Every kernel runs its loops in the order in which they are written, on one thread, without
re-association, so that the same input always gives the same bits. They release the GIL, accept
read-only arrays, and trust their input: all arrays are C-contiguous, float64 values and int32
codes, and every code lies in range.

Letters as in the rest of the library: n rows of the table, R regions, P distinct sector labels,
k stressors.

Importing this module imports Numba; callers do it inside the function that needs a kernel.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

__all__ = [
    "add_imports",
    "lu_sizes",
    "merged_rows",
    "sector_sums",
    "sector_sums_paired",
    "sum_by_group",
    "sum_columns_by_group",
    "sum_other_regions",
    "three_step_sums",
    "weighted_sums",
]

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
    """Without a home folder, Numba would make one of the name "~" in the current folder."""
    named = os.environ.get("NUMBA_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME")
    home = os.path.isabs(os.path.expanduser("~")) or os.access(os.path.dirname(__file__), os.W_OK)
    if not named and not home:
        raise OSError("this user has no home folder")


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


@kernel(OUT_MATRIX, MATRIX, CODES, COUNT)
def sum_by_group(values: Floats, codes: Codes, groups: int) -> Floats:
    """Return out[g, c] = Σ_{i in g} values[i, c]; values (n, c), codes (n,), out (groups, c)."""
    out = np.zeros((groups, values.shape[1]))
    for i in range(values.shape[0]):
        for c in range(values.shape[1]):
            out[codes[i], c] += values[i, c]
    return out


@kernel(OUT_MATRIX, MATRIX, CODES, COUNT)
def sum_columns_by_group(values: Floats, codes: Codes, groups: int) -> Floats:
    """Return out[e, g] = Σ_{c in g} values[e, c]; values (k, m), codes (m,), out (k, groups)."""
    out = np.zeros((values.shape[0], groups))
    for e in range(values.shape[0]):
        for c in range(values.shape[1]):
            out[e, codes[c]] += values[e, c]
    return out


@kernel(OUT_MATRIX, MATRIX, VECTOR, CODES, COUNT)
def weighted_sums(x: Floats, s: Floats, codes: Codes, groups: int) -> Floats:
    """Return E[g, q] = Σ_{i in g} s[i] x[i, q]: emissions in g for consumer q.

    x (n, q), s (n,), codes (n,), E (groups, q).
    """
    out = np.zeros((groups, x.shape[1]))
    for i in range(x.shape[0]):
        for q in range(x.shape[1]):
            out[codes[i], q] += s[i] * x[i, q]
    return out


@kernel(OUT_MATRIX, MATRIX, MATRIX, CODES, COUNT)
def sector_sums(m: Floats, Y: Floats, codes: Codes, sectors: int) -> Floats:
    """Return D[e, q P + p] = Σ_{i in p} m[e, i] Y[i, q]: what consumer q causes by buying p.

    m (k, n), Y (n, R), codes (n,) of sectors, D (k, R P): product p of every origin together.
    """
    consumers = Y.shape[1]
    out = np.zeros((m.shape[0], consumers * sectors))
    for e in range(m.shape[0]):
        for i in range(m.shape[1]):
            for q in range(consumers):
                out[e, q * sectors + codes[i]] += m[e, i] * Y[i, q]
    return out


@kernel(OUT_MATRIX, MATRIX, MATRIX, CODES, CODES, COUNT)
def sector_sums_paired(m: Floats, Y: Floats, consumer: Codes, codes: Codes, sectors: int) -> Floats:
    """Return D[b, p] = Σ_{i in p} m[b, i] Y[i, consumer[b]]: row b of m meets one consumer only.

    m (b, n), Y (n, R), consumer (b,), codes (n,) of sectors, D (b, P).
    """
    out = np.zeros((m.shape[0], sectors))
    for b in range(m.shape[0]):
        for i in range(m.shape[1]):
            out[b, codes[i]] += m[b, i] * Y[i, consumer[b]]
    return out


@kernel(OUT_VECTOR, MATRIX, CODES)
def sum_other_regions(x: Floats, codes: Codes) -> Floats:
    """Return out[i] = Σ_{q ≠ region of i} x[i, q]: output of row i that others finally use.

    x (n, R), codes (n,) of regions, out (n,).
    """
    out = np.zeros(x.shape[0])
    for i in range(x.shape[0]):
        for q in range(x.shape[1]):
            if q != codes[i]:
                out[i] += x[i, q]
    return out


@kernel(OUT_MATRIX, types.float64[:, :, ::1], MATRIX, CODES, COUNT, OUT_MATRIX)
def add_imports(E: Floats, Y: Floats, codes: Codes, sectors: int, out: Floats) -> Floats:
    """Add Σ_{b in p} Y[q, b] Σ_{r ≠ q} E[e, r, b] to out[e, q P + p]; return Σ_r E[e, r, b].

    E (k, R, b): emissions in region r for a unit of b; Y (R, b); codes (b,) of sectors;
    out (k, R P). Sums from either side leave q out, so that nothing cancels.
    """
    regions, units = E.shape[1], E.shape[2]
    before = np.zeros((regions + 1, units))
    after, part = np.zeros(units), np.zeros(units)
    totals = np.empty((E.shape[0], units))
    for e in range(E.shape[0]):
        for q in range(regions):
            for b in range(units):
                before[q + 1, b] = before[q, b] + E[e, q, b]
        totals[e] = before[regions]
        after[:] = 0.0
        for q in range(regions - 1, -1, -1):
            for b in range(units):
                part[b] = (before[q, b] + after[b]) * Y[q, b]
                after[b] += E[e, q, b]
            for b in range(units):
                out[e, q * sectors + codes[b]] += part[b]
    return totals


@kernel(OUT_VECTOR, MATRIX, VECTOR)
def lu_sizes(lu: Floats, w: Floats) -> Floats:
    """Return w'|L||U| for factors that share the array lu', L with ones on its diagonal.

    lu (n, n): the columns of the factors as rows; w (n,), out (n,).
    """
    n = w.size
    left, out = np.empty(n), np.empty(n)
    for j in range(n):
        total = w[j]
        for i in range(j + 1, n):
            total += abs(lu[j, i]) * w[i]
        left[j] = total
        total = 0.0
        for i in range(j + 1):
            total += left[i] * abs(lu[j, i])
        out[j] = total
    return out


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


@kernel(types.float64[:, :, ::1], MATRIX, MATRIX, CODES, COUNT)
def three_step_sums(m: Floats, z: Floats, codes: Codes, regions: int) -> Floats:
    """Return E[p, r, q] = Σ_{j in r} m[p, j] z[j, q]: emitted in p, made in r, consumed in q.

    m (R, t), z (t, q), codes (t,) of the regions where j is made, E (R, R, q).
    """
    out = np.zeros((m.shape[0], regions, z.shape[1]))
    for p in range(m.shape[0]):
        for j in range(z.shape[0]):
            for q in range(z.shape[1]):
                out[p, codes[j], q] += m[p, j] * z[j, q]
    return out
