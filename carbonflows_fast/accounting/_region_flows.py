"""Output by consuming region: the solve behind accounts and flows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.accounting._solves import demand_size, solve_certified
from carbonflows_fast.accounting._weights import account_weight
from carbonflows_fast.errors import InputError
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, added_up, rounding
from carbonflows_fast.leontief._subsystems import reach
from carbonflows_fast.table._kept import Key
from carbonflows_fast.table._selection import Demand, Stressor, select_demand, select_stressor

if TYPE_CHECKING:
    from carbonflows_fast.leontief import SolveReport
    from carbonflows_fast.table import Table

__all__ = [
    "RegionFlows",
    "region_flows",
    "summed_by_group",
    "unknown_consumers",
]

REGION_FLOWS = Key("region flows", "matrix Y x emissions F_Y stressors stressor_units")


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


def region_flows(
    table: Table, stressor: Any = None, demand: Any = None, rtol: float = 1e-10
) -> RegionFlows:
    """Solve (I − A) x^(q) = y^(q) for every consumer q and sum s_i x_i^(q) by region of i.

    The result for the whole demand is kept with the table, the last stressor's only, so that
    accounts and flows of one stressor share one solve.
    """
    rtol = tolerance(rtol)
    one = select_stressor(table, stressor)

    def solve() -> RegionFlows:
        return _solve_region_flows(table, one, select_demand(table, demand), rtol)

    if demand is None and (stressor is None or isinstance(stressor, str)):
        found: RegionFlows = table.kept.get(REGION_FLOWS, solve, stressor, rtol)
        return found
    return solve()


def _solve_region_flows(
    table: Table, stressor: Stressor, demand: Demand, rtol: float
) -> RegionFlows:
    parts, s, regions = table.content, stressor.s, len(table.regions)
    weight = account_weight(s, table.x.to_numpy())
    solution = solve_certified(table, demand.values, by_row=False, weight=weight, rtol=rtol)
    x = np.ascontiguousarray(solution.values)
    matrix = sums.weighted_sums(x, s, parts.region_codes, regions)

    # An array of demand has no columns of Y, hence no final users of the table.
    F_Y = np.where(False if demand.columns is None else demand.columns, stressor.F_Y, 0.0)
    households = summed_by_group(F_Y, parts.demand_codes, regions)
    unallocated: FloatArray | None = None
    if demand.complete:
        emitted = summed_by_group(stressor.F, parts.region_codes, regions)
        unallocated = emitted - matrix.sum(axis=1)

    # The bound of the solve, plus rounding of the sums over columns of Y along all chains, plus
    # rounding of the sums here: every term passes through at most all rows, consumers and columns.
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


def summed_by_group(values: FloatArray, codes: CodeArray, groups: int) -> FloatArray:
    """Return the sum of the values (n,) in each group, shape (groups,)."""
    by_group: FloatArray = sums.sum_columns_by_group(values[None], codes, groups)[0]
    return by_group


def unknown_consumers(remedy: str) -> InputError:
    """Return the error that a demand given as an array does not say who consumes."""
    return InputError.about(
        "demand",
        expected="regions or (region, category) pairs, which say who consumes",
        got="an array",
        remedy=remedy,
    )
