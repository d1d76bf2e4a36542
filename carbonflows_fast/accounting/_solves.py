"""The solves behind accounts and flows, and the weights in which they are certified.

A question per consuming region is one forward solve with R right-hand sides. A question per
product bought is an adjoint solve.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._weights import purchase_weight
from carbonflows_fast.errors import ConvergenceError, InputError
from carbonflows_fast.leontief import LeontiefSystem, Solution, system
from carbonflows_fast.leontief._certificate import rounding
from carbonflows_fast.leontief._dense_lu import ROUNDED_ENTRIES, choose_method
from carbonflows_fast.leontief._of_table import release_dense
from carbonflows_fast.table._kept import Key
from carbonflows_fast.table._selection import Demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

Result = TypeVar("Result")

__all__ = [
    "ACCURATE_OF_TWO",
    "BLOCK",
    "FOOTPRINT_RTOL",
    "OF_FOOTPRINTS",
    "accurate_multipliers",
    "demand_size",
    "most_accurate",
    "solve_certified",
    "solve_multipliers",
    "solve_on",
    "source_multipliers",
]

SOURCE_MULTIPLIERS = Key("multipliers by source", "matrix Y x")

# Right-hand sides solved at a time where their number grows with the table: enough to pay for dense
# factors once, few enough for a few arrays of (n, BLOCK) to fit anywhere.
BLOCK = 1200
SLAB = 16_384
"""Entries of Y that are looked at together."""
FEW = 4
"""Right-hand sides for which it does not pay to make dense factors in float32."""

ACCURATE = (1e-12, 1e-10, 1e-8, 1e-6)
"""Tolerances of single solves that much is computed from, as far as rounding lets them go."""
ACCURATE_OF_TWO = (1e-12, 1e-11, 1e-10, 1e-8)
"""The same where two tables are compared: differences need more."""
FOOTPRINT_RTOL = 1e-11
"""The certificate is relative to the whole table, while a cell is a small part of it: a digit more
than elsewhere, one pass over A, keeps single cells to 1e-9 on published tables."""
OF_FOOTPRINTS = (FOOTPRINT_RTOL, 1e-10, 1e-8, 1e-6)
"""The first of these that rounding lets be reached."""


def demand_size(table: Table, demand: Demand) -> tuple[FloatArray, int]:
    """Return Σ|Y| over the columns of a demand, shape (n,), and how many these are.

    What adding them up may round is relative to that, where they cancel.
    """
    if demand.columns is None:
        return np.abs(demand.values).sum(axis=1), 1
    Y, columns = table.content.Y, demand.columns
    chosen, size = slice(None) if columns.all() else columns, np.empty(table.n)
    # A few rows at a time, so that no copy of Y is made.
    step = max(1, SLAB // Y.shape[1])
    for first in range(0, table.n, step):
        rows = slice(first, first + step)
        np.abs(Y[rows, chosen]).sum(axis=1, out=size[rows])
    return size, int(columns.sum())


def solve_certified(
    table: Table,
    sides: FloatArray,
    *,
    by_row: bool,
    weight: FloatArray,
    rtol: float = 1e-10,
    x0: FloatArray | None = None,
) -> Solution:
    """Solve for final demands (n, q), or, `by_row`, the adjoint for stressors (q, n).

    Several at once are solved in float32 and refined, where A is fit for that: it is faster, and
    the certificate is the same. Dense LU needs the float32 twin for it, and small tables afford it;
    the tiles of large ones are rounded as they are read.
    """
    single = partial(system, table, dtype="float32")
    arguments = {"weight": weight, "rtol": rtol, "x0": x0}
    return solve_on(system(table), single, sides, by_row=by_row, **arguments)


def solve_on(
    prepared: LeontiefSystem,
    single: Callable[[], LeontiefSystem],
    sides: FloatArray,
    *,
    by_row: bool,
    **arguments: Any,
) -> Solution:
    """Do the same with a system, whose float32 twin `single` makes."""

    def by(chosen: LeontiefSystem) -> Solution:
        return (chosen.solve_adjoint if by_row else chosen.solve)(sides, **arguments)

    k, n, nnz = sides.size // prepared.n, prepared.n, prepared.tiles.nnz
    direct = choose_method("auto", n, nnz, k, None, single=True)[0] == "direct"
    if k > FEW and (direct or nnz < ROUNDED_ENTRIES):
        with contextlib.suppress(InputError, ConvergenceError):
            return by(single())
    return by(prepared)


def solve_multipliers(
    table: Table,
    S: FloatArray,
    weight: FloatArray,
    rtol: float = 1e-10,
    x0: FloatArray | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Solve (I − A)'m = s for every row of S, a block at a time.

    Parameters
    ----------
    table : Table
    S : ndarray, shape (k, n)
    weight : ndarray, shape (n,)
        b, in which the error is certified.
    rtol : float
        Largest certified Σ b|m̃ − m| / Σ b|m̃|.
    x0 : ndarray, shape (k, n), optional
        Start values; good ones cost the pass that proves them.

    Returns
    -------
    m : ndarray, shape (k, n)
    bounds : ndarray, shape (k,)
        Of Σ b|m̃ − m|, row by row.
    """
    blocks, bounds = [], []
    for first in range(0, len(S), BLOCK):
        here = slice(first, first + BLOCK)
        start = None if x0 is None else x0[here]
        solution = solve_certified(table, S[here], by_row=True, weight=weight, rtol=rtol, x0=start)
        blocks.append(solution.values)
        totals = [float(np.abs(m) @ weight) for m in solution.values]
        bounds.append(solution.report.error_bounds * totals * (1 + rounding(table.n)))
    release_dense(table)
    m = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    m.flags.writeable = False
    return m, np.concatenate(bounds)


def source_multipliers(
    table: Table, s: FloatArray, rtol: float = 1e-10
) -> tuple[FloatArray, float]:
    """Return the multipliers of what each region emits, and the bound of all Σ b|error| together.

    (I − A)'m^(r) = s restricted to region r, shape (R, n); b is the purchase weight, so that flows
    and sector studies share one solve. The last stressor's are kept with the table.
    """
    p = table.content

    def solve() -> tuple[FloatArray, float]:
        source = np.arange(len(p.regions))[:, None] == p.region_codes
        sides, weight = np.where(source, s, 0.0), purchase_weight(table)
        m, bounds = solve_multipliers(table, sides, weight, rtol)
        return m, float(bounds.sum())

    digest = hashlib.blake2b(s.tobytes(), digest_size=16).digest()
    found: tuple[FloatArray, float] = table.kept.get(SOURCE_MULTIPLIERS, solve, digest, rtol)
    return found


def accurate_multipliers(
    prepared: LeontiefSystem, s: FloatArray, weight: FloatArray, rtol: float | None = None
) -> tuple[FloatArray, float]:
    """Solve (I − A)'m = s to `rtol`, or as accurately as rounding lets it be on this table.

    Returns
    -------
    m : ndarray, shape (n,)
    bound : float
        Of Σ b|m̃ − m|, b the weight.
    """
    tolerances = ACCURATE if rtol is None else (rtol,)
    solution = most_accurate(partial(prepared.solve_adjoint, s, weight=weight), tolerances)
    m: FloatArray = solution.values
    bound = solution.report.error_bound * float(np.abs(m) @ weight)
    return m, bound * (1 + rounding(prepared.n))


def most_accurate(solve: Callable[..., Result], tolerances: Sequence[float]) -> Result:
    """Solve to the first of these tolerances that is reached.

    Raises
    ------
    ConvergenceError
        If not even the last one is.
    """
    *better, last = tolerances
    for rtol in better:
        with contextlib.suppress(ConvergenceError):
            return solve(rtol=rtol)
    return solve(rtol=last)
