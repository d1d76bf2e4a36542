"""The solves behind accounts and flows, and the weights in which they are certified.

Whatever is asked per consuming region is one forward solve with R right-hand sides; whatever is
asked per product bought is an adjoint solve.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
import pandas as pd

from carbonflows_fast.errors import ConvergenceError, InputError, shorten, wrong
from carbonflows_fast.leontief import LeontiefSystem, Solution, system
from carbonflows_fast.leontief._certificate import added_up, rounding
from carbonflows_fast.leontief._right_hand_sides import raised
from carbonflows_fast.leontief._subsystems import reach
from carbonflows_fast.leontief._system import release_dense
from carbonflows_fast.table._content import CodeArray, FloatArray
from carbonflows_fast.table._selection import Demand, Stressor, select_demand, select_stressor
from carbonflows_fast.table._small import require_normal
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.leontief import SolveReport
    from carbonflows_fast.table import Table

__all__ = [
    "BLOCK",
    "RegionFlows",
    "StressorBlock",
    "Stressors",
    "account_weight",
    "accurate_multipliers",
    "adjoint",
    "demand_size",
    "demand_weight",
    "positive_output",
    "purchase_weight",
    "region_flows",
    "solved",
    "solved_by",
    "source_multipliers",
    "stressor_block",
    "stressor_frame",
    "summed_by_group",
    "unknown_consumers",
]

# What `multipliers` and `footprints` take: all, some, or one stressor (made by a mapping, perhaps).
Stressors: TypeAlias = str | Mapping[str, float] | Sequence[str] | None

# Right-hand sides solved at a time where their number grows with the table: enough to pay for dense
# factors once, few enough for a few arrays of (n, BLOCK) to fit anywhere.
BLOCK = 1200
FEW = 4
"""Right-hand sides for which it does not pay to copy the tiles in float32."""

TINY = 5e-324
"""What a product too small for float64 may lose."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class RegionFlows:
    """E and what it was made from; `trade.Flows` and `accounts` both read it.

    Attributes
    ----------
    stressor, demand
        The resolved arguments.
    x : ndarray, shape (n, q)
        Output of every row for each consumer.
    matrix : ndarray, shape (R, q)
        E, emitting region by consumer, in the stressor's unit.
    households : ndarray, shape (R,)
        F_Y of the selected demand, by region.
    unallocated : ndarray, shape (R,), or None
        ΣF − ΣE by region; only where the whole of Y is demanded.
    error_bound : float
        Bound on the sum of the absolute errors of all entries of E, in the stressor's unit.
    report
        Of the solve.
    """

    stressor: Stressor
    demand: Demand
    x: FloatArray
    matrix: FloatArray
    households: FloatArray
    unallocated: FloatArray | None
    error_bound: float
    report: SolveReport


@dataclass(frozen=True, slots=True, kw_only=True)
class StressorBlock:
    """Several stressors at once: S and F_Y with one row each."""

    names: tuple[str, ...]
    units: tuple[str, ...]
    S: FloatArray  # (k, n)
    F_Y: FloatArray  # (k, m)


def positive_output(table: Table) -> FloatArray:
    """Return x with the smallest positive output in place of every output that is not positive."""
    x = table.x.to_numpy()
    positive = x[x > 0]
    return np.where(x > 0, x, positive.min() if positive.size else 1.0)


def account_weight(s: FloatArray, x: FloatArray) -> FloatArray:
    """Return the weight t in which the accounts of a stressor are certified.

    t_j = |s_j| + 0.01 E / (n x_j), with E = Σ|s|x: a number per unit of output, positive and
    independent of the rows' units (docs/explanation/certified_bounds.md). An error bounded in this
    weight bounds the error of every account of the stressor, for Σ|s||x̃ − x| ≤ Σ t|x̃ − x|.

    Parameters
    ----------
    s : ndarray, shape (n,)
        Emissions per unit of output.
    x : ndarray, shape (n,)
        Output. The smallest positive one stands for outputs that are not positive.

    Returns
    -------
    ndarray, shape (n,)
        All ones where the stressor is zero everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> account_weight(np.array([0.5, 1.0]), np.array([100.0, 50.0]))
    array([0.505, 1.01 ])
    """
    positive = x > 0
    if not positive.any():
        return np.abs(s) + 1.0
    with np.errstate(over="ignore"):  # emissions and outputs that the solve refuses anyway
        total = float(np.abs(s[positive]) @ x[positive])
        if total == 0:
            return raised(np.abs(s) + 1.0)
        t = np.abs(s) + 0.01 * total / (s.size * np.where(positive, x, x[positive].min()))
    return raised(t)


def demand_weight(y: FloatArray, x: FloatArray) -> FloatArray:
    """Return the weight b = |y| + 0.01 x in which multipliers are certified.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Final demand that the multipliers will meet, or the sum of the sizes of its parts.
    x : ndarray, shape (n,)
        Positive outputs.

    Returns
    -------
    ndarray, shape (n,)
        Σ b|m̃ − m| bounds the error of m'y.
    """
    return raised(np.abs(y) + 0.01 * x)


def demand_size(table: Table, demand: Demand) -> tuple[FloatArray, int]:
    """Return Σ|Y| over the columns of a demand, shape (n,), and how many these are.

    What adding them up may round is relative to that, where they cancel.
    """
    if demand.columns is None:
        return np.abs(demand.values).sum(axis=1), 1
    return np.abs(table._parts.Y[:, demand.columns]).sum(axis=1), int(demand.columns.sum())


def stressor_block(table: Table, stressors: Stressors) -> StressorBlock:
    """Return S and F_Y of all, some or one stressor, C-contiguous, one row each."""
    required_table("table", table)
    if stressors is None:
        require_normal(table, range(len(table.stressors)))
        S = np.ascontiguousarray(table.S.to_numpy())
        F_Y = np.ascontiguousarray(table.F_Y.to_numpy())
        units = tuple(str(unit) for unit in table.stressor_units)
        return StressorBlock(names=table.stressors, units=units, S=S, F_Y=F_Y)
    several = not isinstance(stressors, (str, Mapping))
    if several and (not isinstance(stressors, Iterable) or getattr(stressors, "ndim", 1) == 0):
        raise InputError(
            wrong("stressors", expected="None, a stressor, or a list of different stressors",
                  got=repr(stressors), remedy="name stressors of the table")
        )  # fmt: skip
    asked: list[Any] = list(stressors) if several else [stressors]
    texts = [one for one in asked if isinstance(one, str)]
    if not asked or (several and len(set(texts)) < len(texts)):
        raise InputError(
            wrong(
                "stressors",
                expected="None, a stressor, or a list of different stressors",
                got=f"[{shorten(asked)}]",
                remedy="name each stressor once, or leave the argument out for all",
            )
        )
    chosen = [select_stressor(table, one) for one in asked]
    return StressorBlock(
        names=tuple(one.name for one in chosen),
        units=tuple(one.unit for one in chosen),
        S=np.stack([one.s for one in chosen]),
        F_Y=np.stack([one.F_Y for one in chosen]),
    )


def region_flows(table: Table, stressor: Any = None, demand: Any = None) -> RegionFlows:
    """Solve (I − A) x^(q) = y^(q) for every consumer q and sum s_i x_i^(q) by region of i.

    The result for the whole demand is kept with the table, the last stressor's only, so that
    accounts and flows of one stressor share one solve.
    """
    one = select_stressor(table, stressor)
    kept = table._cache.get("region_flows") if demand is None else None
    if kept is not None and kept[0] == stressor:
        return kept[1]  # type: ignore[no-any-return]
    result = _solve_region_flows(table, one, select_demand(table, demand))
    if demand is None and (stressor is None or isinstance(stressor, str)):
        table._cache["region_flows"] = (stressor, result)
    return result


def _solve_region_flows(table: Table, stressor: Stressor, demand: Demand) -> RegionFlows:
    from carbonflows_fast._base import kernels

    parts, s, regions = table._parts, stressor.s, len(table.regions)
    weight = account_weight(s, table.x.to_numpy())
    solution = solved(table, demand.values, by_row=False, weight=weight)
    x = np.ascontiguousarray(solution.values)
    matrix = kernels.weighted_sums(x, s, parts.region_codes, regions)

    # An array of demand has no columns of Y, hence no final users of the table.
    F_Y = np.where(False if demand.columns is None else demand.columns, stressor.F_Y, 0.0)
    households = summed_by_group(F_Y, parts.demand_codes, regions)
    unallocated: FloatArray | None = None
    if demand.complete:
        emitted = summed_by_group(stressor.F, parts.region_codes, regions)
        unallocated = emitted - matrix.sum(axis=1)

    # Solver's bound; what adding up the columns of Y may have rounded, along all chains; and what
    # adding up here may have: every term passes through at most all rows, consumers and columns.
    inexact = float(solution.report.error_bounds @ (weight @ np.abs(x)))
    size, columns = demand_size(table, demand)
    inexact += rounding(columns) * added_up(reach(system(table), weight), size)
    additions = table.n + 2 * regions + F_Y.size
    summed = float(np.abs(s) @ np.abs(x).sum(axis=1) + np.abs(F_Y).sum() + np.abs(stressor.F).sum())
    for array in (x, matrix, households, unallocated):
        if array is not None:
            array.flags.writeable = False
    return RegionFlows(
        stressor=stressor,
        demand=demand,
        x=x,
        matrix=matrix,
        households=households,
        unallocated=unallocated,
        error_bound=(inexact + 2 * rounding(additions) * summed) * (1 + rounding(additions))
        + (x.size + 8) * TINY,
        report=solution.report,
    )


def solved(
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
    the certificate is the same.
    """
    single = partial(system, table, dtype="float32")
    arguments = {"weight": weight, "rtol": rtol, "x0": x0}
    return solved_by(system(table), single, sides, by_row=by_row, **arguments)


def solved_by(
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

    if sides.size > FEW * prepared.n:
        with contextlib.suppress(InputError, ConvergenceError):
            return by(single())
    return by(prepared)


def adjoint(
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
        solution = solved(table, S[here], by_row=True, weight=weight, rtol=rtol, x0=start)
        blocks.append(solution.values)
        totals = [float(np.abs(m) @ weight) for m in solution.values]
        bounds.append(solution.report.error_bounds * totals * (1 + rounding(table.n)))
    release_dense(table)
    m = blocks[0] if len(blocks) == 1 else np.concatenate(blocks)
    m.flags.writeable = False
    return m, np.concatenate(bounds)


def purchase_weight(table: Table) -> FloatArray:
    """Return b = x + |Y|, in which the errors of whatever is bought, finally or not, are bounded.

    No final demand, and nothing that some rows deliver to the others, is more than that.
    """
    return raised(positive_output(table) + np.abs(table._parts.Y).sum(axis=1))


def source_multipliers(table: Table, s: FloatArray) -> tuple[FloatArray, float]:
    """Return the multipliers of what each region emits, and the bound of all Σ b|error| together.

    (I − A)'m^(r) = s restricted to region r, shape (R, n); b is the purchase weight, so that flows
    and sector studies share one solve. The last stressor's are kept with the table.
    """
    p, key = table._parts, hashlib.blake2b(s.tobytes(), digest_size=16).digest()
    kept: tuple[bytes, FloatArray, float] | None = table._cache.get("source multipliers")
    if kept is None or kept[0] != key:
        source = np.arange(len(p.regions))[:, None] == p.region_codes
        m, bounds = adjoint(table, np.where(source, s, 0.0), purchase_weight(table))
        kept = table._cache["source multipliers"] = (key, m, float(bounds.sum()))
    return kept[1], kept[2]


def accurate_multipliers(
    prepared: LeontiefSystem, s: FloatArray, weight: FloatArray
) -> tuple[FloatArray, float]:
    """Solve (I − A)'m = s as accurately as rounding lets it be on this table.

    Returns
    -------
    m : ndarray, shape (n,)
    bound : float
        Of Σ b|m̃ − m|, b the weight.
    """

    def solve(rtol: float) -> tuple[FloatArray, float]:
        solution = prepared.solve_adjoint(s, weight=weight, rtol=rtol)
        m: FloatArray = solution.values
        bound = solution.report.error_bound * float(np.abs(m) @ weight)
        return m, bound * (1 + rounding(prepared.n))

    for rtol in (1e-12, 1e-10, 1e-8):
        with contextlib.suppress(ConvergenceError):
            return solve(rtol)
    return solve(1e-6)


def stressor_frame(values: FloatArray, stressors: Sequence[str], columns: pd.Index) -> pd.DataFrame:
    values.flags.writeable = False
    index = pd.Index(stressors, name="stressor")
    return pd.DataFrame(values, index=index, columns=columns, copy=False)


def summed_by_group(values: FloatArray, codes: CodeArray, groups: int) -> FloatArray:
    """Return the sum of the values (n,) in each group, shape (groups,)."""
    from carbonflows_fast._base import kernels

    sums: FloatArray = kernels.sum_columns_by_group(values[None], codes, groups)[0]
    return sums


def unknown_consumers(remedy: str) -> str:
    """Return the complaint that a demand given as an array does not say who consumes."""
    return wrong(
        "demand",
        expected="regions or (region, category) pairs, which say who consumes",
        got="an array",
        remedy=remedy,
    )
