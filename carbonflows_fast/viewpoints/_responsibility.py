"""The emissions of regions told four ways, side by side.

Production counts where emissions occur, consumption whose final demand they serve, income whose
value added they enable, and technology-adjusted consumption corrects consumption for how cleanly a
region makes what it exports. All four share out the same total.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base import sums
from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._accounts import account_columns
from carbonflows_fast.accounting._per_head import asked_per_head, for_each_head
from carbonflows_fast.accounting._region_flows import RegionFlows, region_flows, summed_by_group
from carbonflows_fast.accounting._weights import account_weight
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.viewpoints._enabled import enabled_by_row, require_one_unit

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["responsibility"]

CANCELLED = 1e-9
"""Exports of a sector below this part of Σ|exports| have no average: their signs cancel."""


def responsibility(
    table: Table, stressor: Any = None, *, per_head: bool = False, rtol: float = 1e-10
) -> pd.DataFrame:
    """Return the emissions of each region told four ways: production, consumption, income, trade.

    Parameters
    ----------
    table : Table
        With rows in one unit.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    per_head : bool, optional
        Divide by the heads of each region, from the table's `population`. NaN where these are
        unknown.
    rtol : float, optional
        Relative error that every solve is certified to.

    Returns
    -------
    DataFrame, index region, in the stressor's unit (per head)
        - production: what its industries emit for any final demand, with households;
        - consumption: what the world's industries emit for its final demand, with households;
        - income: what the world's industries emit downstream of its value added, with households;
        - technology_adjusted: consumption, and what its exports emit above the world's average of
          exports of the same sectors (less than it: subtracted);
        - households: F_Y, in each of the four;
        - unallocated: emissions that no final demand accounts for, in none of the four but income,
          which shares them out as well.

        `attrs` has stressor, unit and error_bound, of any entry and of any sum of a column.

    Raises
    ------
    LabelError
        If a stressor is unknown.
    InputError
        If rows have several units, if `per_head` is asked of a table without population, or if an
        argument is of the wrong kind.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    Income: Σ_{i∈r} v_i Σ_j g_ij s_j, G = (I − x̂⁻¹Z)⁻¹, see :func:`enabled`. Technology-adjusted:
    C_r + Σ_k (s_kr − s̄_k) x_kr, where x_kr is the output of sector k of r that serves final demand
    of other regions, and s̄_k = Σ_r s_kr x_kr / Σ_r x_kr, so that the sum over regions is that of
    consumption. Sectors are the same where their labels are. Source: Marques et al. (2012),
    Ecological Economics 84:57; Kander, Jiborn, Moran & Wiedmann (2015), Nature Climate Change
    5:431.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> told = cf.responsibility(cf.synthetic.world(regions=3, sectors=4))
    >>> four = told[["production", "consumption", "income", "technology_adjusted"]].sum()
    >>> bool((four - four.iloc[0]).abs().max() < 1e-9 * four.iloc[0])
    True
    """
    rtol = tolerance(rtol)
    heads = asked_per_head(per_head)
    require_one_unit(table)
    flow = region_flows(table, stressor, None, rtol)
    regions, codes = len(table.regions), table.content.region_codes
    told = account_columns(flow.matrix, flow.households, flow.unallocated)
    income = enabled_by_row(table, flow.stressor, rtol)
    above, above_bound = _above_average(table, flow)
    columns = {
        "production": told["production"],
        "consumption": told["consumption"],
        "income": summed_by_group(income.values, codes, regions) + flow.households,
        "technology_adjusted": told["consumption"] + above,
        "households": flow.households,
        "unallocated": told["unallocated"],
    }
    frame = pd.DataFrame(columns, index=pd.Index(table.regions, name="region"))
    summed = float(np.abs(income.values).sum() + np.abs(flow.households).sum())
    frame.attrs = {
        "stressor": flow.stressor.name,
        "unit": flow.stressor.unit,
        "error_bound": flow.error_bound
        + max(income.error_bound, above_bound)
        + rounding(table.n + regions) * summed,
    }
    return for_each_head(table, frame) if heads else frame


def _above_average(table: Table, flow: RegionFlows) -> tuple[FloatArray, float]:
    """Return Σ_k (s_kr − s̄_k) x_kr by region, and a bound of all its errors together."""
    p, s = table.content, flow.stressor.s
    abroad = p.region_codes[:, None] != np.arange(len(p.regions))
    exported: FloatArray = np.where(abroad, flow.x, 0.0).sum(axis=1)
    sectors = len(p.sectors)
    emitted = summed_by_group(s * exported, p.sector_codes, sectors)
    made = summed_by_group(exported, p.sector_codes, sectors)
    size = summed_by_group(np.abs(exported), p.sector_codes, sectors)
    known = np.abs(made) > CANCELLED * size
    average = np.where(known, emitted / np.where(known, made, 1.0), 0.0)[p.sector_codes]
    difference = np.where(known[p.sector_codes], (s - average) * exported, 0.0)

    # An error of x counts by s, by the average, and through both sums that the average is of.
    t = account_weight(s, table.x.to_numpy())
    shares = np.where(known, size / np.where(known, np.abs(made), 1.0), 0.0)[p.sector_codes]
    seen = (np.abs(s) + np.abs(average)) * (1.0 + shares)
    bound = flow.error_bound * seen_through(seen, t)
    bound += 2 * rounding(table.n + 2 * len(p.regions)) * float(seen @ np.abs(flow.x).sum(axis=1))
    above = sums.sum_by_group(difference[:, None], p.region_codes, len(p.regions))[:, 0]
    return above, bound * (1 + rounding(table.n)) + table.n * TINY
