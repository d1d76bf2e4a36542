"""Hypothetical extraction: what would not be made, and not emitted, without some sectors.

Source: Miller & Blair (2009), Input-Output Analysis, section 12.2.6; Dietzenbacher, van Burken &
Kondo (2019), Economic Systems Research 31:4.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import one_of, share, tolerance
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._weights import account_weight, positive_output
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._certificate import TINY, rounding
from carbonflows_fast.leontief._subsystems import reach, shrunk
from carbonflows_fast.table._selection import select_rows, select_stressor
from carbonflows_fast.viewpoints._enabled import require_one_unit, value_added_share

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["extraction"]

DIRECTIONS = ("total", "backward", "forward")


def extraction(
    table: Table,
    rows: Any,
    *,
    stressor: Any = None,
    direction: str = "total",
    part: float = 1.0,
    rtol: float = 1e-10,
) -> pd.DataFrame:
    """Return what every sector makes and emits, with some sectors and without them.

    Parameters
    ----------
    table : Table
    rows : str, tuple, list or boolean mask of shape (n,)
        The sectors T that are taken out: a sector name (in every region), a pair (region, sector)
        of which either may be None, a list of these, or a mask.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    direction : {"total", "backward", "forward"}, optional
        - total: T sells nothing, to industries or final users, and so makes nothing;
        - backward: T makes what it is asked for, but buys nothing (columns of A);
        - forward: T makes what it did from its own income, but sells no inputs (rows of Ghosh's
          B = x̂⁻¹Z). Needs rows in one unit.
    part : float, optional
        How much of it is taken out, above 0 and at most 1.
    rtol : float, optional
        Relative error that every solve is certified to.

    Returns
    -------
    DataFrame, index (region, sector)
        - output, output_left, output_lost: with T, without, and the difference, in the unit of the
          rows;
        - emissions, emissions_left, emissions_lost: the same, in the stressor's unit.

        What is bought in place of the missing goods, and from whom, is not in it. `attrs` has
        stressor, unit and error_bound, of any sum of a column of emissions.

    Raises
    ------
    LabelError
        If a stressor, region or sector is unknown.
    InputError
        If `direction` or `part` is something else, or rows have several units for "forward".
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    With D = 1 − part on T and 1 elsewhere: total (I − D A) x = D y; backward (I − A D) x = y;
    forward x' = v'(I − D B)⁻¹, v the value added x − Z'1. Source: Miller & Blair (2009), section
    12.2.6; Dietzenbacher, van Burken & Kondo (2019), Economic Systems Research 31:4.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> found = cf.extraction(table, ("AT", "Wheat"))
    >>> float(found.loc[("AT", "Wheat"), "output_left"])
    0.0
    >>> bool((found[["output_lost", "emissions_lost"]] >= -1e-6).all(axis=None))
    True
    """
    one_of("direction", direction, DIRECTIONS)
    remedy = "give 1 for all of it, 0.5 for half"
    taken = share("part", part, all_of_it=True, remedy=remedy)
    rtol = tolerance(rtol)
    chosen = select_stressor(table, stressor)
    D: FloatArray = np.where(select_rows(table, rows, "rows"), 1.0 - taken, 1.0)
    if direction == "forward":
        made = _forward(table, D, chosen.s, rtol)
    else:
        made = _demanded(table, D, chosen.s, direction, rtol)
    (before, after), missed = made
    s = chosen.s
    frame = pd.DataFrame(
        {
            "output": before,
            "output_left": after,
            "output_lost": before - after,
            "emissions": s * before,
            "emissions_left": s * after,
            "emissions_lost": s * (before - after),
        },
        index=table.rows,
    )
    summed = float(np.abs(s) @ (np.abs(before) + np.abs(after)))
    bound = missed + 2 * rounding(table.n + 4) * summed
    frame.attrs = {
        "stressor": chosen.name,
        "unit": chosen.unit,
        "error_bound": bound * (1 + rounding(table.n)) + table.n * TINY,
    }
    return frame


def _demanded(
    table: Table, D: FloatArray, s: FloatArray, direction: str, rtol: float
) -> tuple[tuple[FloatArray, FloatArray], float]:
    """Return output with and without T for final demand, and a bound of Σ|s||errors|."""
    prepared, y = system(table), table.content.Y.sum(axis=1)
    weight, ones = account_weight(s, table.x.to_numpy()), np.ones(table.n)
    sizes = D if direction == "total" else ones
    without = shrunk(prepared, sizes, ones if direction == "total" else D)
    before, lost = _solved(prepared, y, weight, table.x.to_numpy(), rtol)
    after, lost_after = _solved(without, sizes * y, weight, None, rtol)
    return (before, after), lost + lost_after


def _solved(
    prepared: LeontiefSystem, y: FloatArray, weight: FloatArray, start: Any, rtol: float
) -> tuple[FloatArray, float]:
    solution = prepared.solve(y, weight=weight, x0=start, rtol=rtol)
    x: FloatArray = solution.values
    return x, solution.report.error_bound * float(weight @ np.abs(x))


def _forward(
    table: Table, D: FloatArray, s: FloatArray, rtol: float
) -> tuple[tuple[FloatArray, FloatArray], float]:
    """Return output that incomes pay for: x̂ z with (I − (D A)')z = v / x, v/x = 1 − A'1."""
    require_one_unit(table)
    x = table.x.to_numpy()
    income, inexact = value_added_share(table)
    weight = account_weight(s * x, positive_output(table))
    without = shrunk(system(table), D, np.ones(table.n))
    solution = without.solve_adjoint(income, weight=weight, rtol=rtol)
    z: FloatArray = solution.values
    missed = solution.report.error_bound * float(weight @ np.abs(z))
    # Income shares are rounded; no entry of this inverse is larger than one of |L|.
    missed += float(inexact @ reach(system(table), weight, adjoint=True))
    return (x, x * z), missed
