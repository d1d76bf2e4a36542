"""Emissions embodied in bilateral trade: what a region emits at home for what it exports.

EEBT_rs = Σ_{i∈r} m_i e_is, (I − A_rr)'m = s_r: domestic multipliers times gross exports, to whom
they are sold next, not who consumes in the end. Chains that return home through another region's
exports count at each of their borders.

Source: Peters (2008), Ecological Economics 65:13.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.accounting._region_flows import RegionFlows
from carbonflows_fast.accounting._solves import demand_size
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A, split_by_group

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["GrossTrade", "gross_trade"]


@dataclass(frozen=True, slots=True, eq=False)
class GrossTrade:
    """Gross exports of every row, and what they embody.

    Attributes
    ----------
    m : ndarray, shape (n,)
        Domestic multipliers: emissions of the exporter per unit of the row delivered.
    intermediate, final : ndarray, shape (n, R)
        Exports to each region as inputs of its sectors, and to its final users; 0 at home.
    error_bound : float
        Of the sum of the absolute errors of all m_i e_is, in the stressor's unit.
    """

    m: FloatArray
    intermediate: FloatArray
    final: FloatArray
    error_bound: float


def gross_trade(
    table: Table, flow: RegionFlows, group_of_region: CodeArray, rtol: float
) -> GrossTrade:
    """Return the trade between groups of regions that a demand calls for.

    Parameters
    ----------
    table : Table
    flow : RegionFlows
        Of a demand whose consumers are known. Of the whole demand: trade as the table has it.
    group_of_region : ndarray of int32, shape (R,)
        Regions of one group are at home in each other.
    rtol : float
        Of the solve for the multipliers.
    """
    p, prepared, Y = table.content, system(table), flow.demand.values
    x = table.x.to_numpy() if flow.demand.complete else flow.x.sum(axis=1)
    groups = group_of_region[p.region_codes]
    abroad = groups[:, None] != group_of_region
    bought = np.where(p.region_codes[:, None] == np.arange(len(p.regions)), x[:, None], 0.0)
    intermediate = np.where(abroad, pass_through_A(prepared, bought), 0.0)
    final = np.where(abroad, Y, 0.0)

    exports = (np.abs(intermediate) + np.abs(final)).sum(axis=1)
    weight = demand_weight(exports, positive_output(table))
    at_home = split_by_group(prepared, groups)
    solution = at_home.solve_adjoint(flow.stressor.s, weight=weight, rtol=rtol)
    m: FloatArray = solution.values
    bound = solution.report.error_bound * float(np.abs(m) @ weight) * (1 + rounding(table.n))
    size = np.abs(m) + bound / weight  # no less than the exact ones
    buyers = pass_through_A(prepared, size, adjoint=True, absolute=True)
    sold, columns = demand_size(table, flow.demand)
    terms = prepared.tiles.additions + table.n + len(p.regions) + columns
    bound += rounding(terms) * float(size @ (exports + sold) + buyers @ np.abs(x))
    if not flow.demand.complete:
        # The possible error of x, seen through the inputs of the missing output.
        t = account_weight(flow.stressor.s, table.x.to_numpy())
        bound += flow.error_bound * seen_through(buyers, t)
    bound = bound * (1 + rounding(terms)) + exports.size * len(p.regions) * TINY
    for array in (m, intermediate, final):
        array.flags.writeable = False
    return GrossTrade(m, intermediate, final, bound)
