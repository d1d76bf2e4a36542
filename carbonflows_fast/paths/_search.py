"""Structural path analysis: the chains of purchases that lead from final products to emitters.

A path buys product i0 finally, its maker buys from i1, and so on to the emitter ik; it carries
v = y(i0) a(i1, i0) ··· s(ik). All of them together are the footprint. The search is exact: it
expands the prefixes of the paths that it reports, and no others, and states what it left out.

Source: Treloar (1997), Economic Systems Research 9 (the method); Defourny & Thorbecke (1984),
Economic Journal 94:111 (structural paths); the search keeps to the bound
h_j = max(s_j, max_i a_ij h_i), the largest completion of a path, as best-first search with a
perfect estimate does.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.accounting._solves import demand_size
from carbonflows_fast.errors import InputError
from carbonflows_fast.paths._limits import search_limits
from carbonflows_fast.paths._network import SMALLEST, network_of
from carbonflows_fast.paths._path_errors import path_errors
from carbonflows_fast.paths._result import Paths
from carbonflows_fast.paths._stages import stage_totals
from carbonflows_fast.table._selection import select_demand, select_rows, select_stressor
from carbonflows_fast.uncertainties._error_model._errors import Errors, required_errors

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Paths", "structural_paths"]


def structural_paths(
    table: Table,
    stressor: Any = None,
    *,
    demand: Any = None,
    top: int | None = None,
    threshold: float | None = None,
    min_share: float | None = None,
    coverage: float | None = None,
    max_paths: int | None = None,
    max_stage: int | None = None,
    start: Any = None,
    through: Any = None,
    end: Any = None,
    rtol: float | None = None,
    threads: int | None = None,
    errors: Errors | None = None,
) -> Paths:
    """Return the supply chains that carry most of a footprint, exactly.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.
    top : int, optional
        The number of largest paths; 1,000 if none of these four is given. The result is shorter
        if the table has fewer, or if the rest is below 1e-280 of the largest conceivable path.
    threshold : float, optional
        All paths of at least this size, in the stressor's unit.
    min_share : float, optional
        All paths of at least this share of the gross total, in (0, 1].
    coverage : float, optional
        The fewest paths, largest first, whose absolute values add up to this share of the gross
        total, in (0, 1).
    max_paths : int, optional
        Return at most this number, the largest. Without it, a search that finds more than 10
        million paths is refused before it takes more than some 4 GB.
    max_stage : int, optional
        Longest path, in purchases. 0 gives only the direct emissions of the makers of final
        products.
    start : rows, optional
        The product bought finally is one of these: a sector name, a pair (region, sector) of which
        either may be None, a list of these, or a Boolean mask of shape (n,). A region is a label
        of the table, a country by name or ISO code, or a group such as "EU27".
    through : rows, optional
        One of these is on the path at least once, at an end or between.
    end : rows, optional
        The emitter is one of these.
    rtol : float, optional
        Relative error that the solves behind `total`, `gross` and `remainder` are certified to;
        `error_bound` says what comes of it. The default is 1e-12, or the first of 1e-10, 1e-8 and
        1e-6 that rounding allows. Paths and their values do not depend on it, except for how many
        make up a share of `gross`.
    threads : int, optional
    errors : Errors, optional
        How wrong the cells of the table may be. Paths have then standard deviations, and say which
        of two is surely larger. Which paths are found does not depend on it.

    Returns
    -------
    Paths
        Ordered by absolute value; ties by fewer stages, then by the positions of their rows.
        `total` is the exact value of all paths of any length that match demand, start, through and
        end. `remainder` is the value of the paths not returned, summed independently from the
        subtrees left out. The bits are the same for any number of threads.

    Raises
    ------
    InputError, LabelError
        If an argument is wrong.
    MemoryLimitError
        If there are more paths than may be kept.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    Entries of y, A or s may be negative: paths are bounded and ranked by absolute value, and keep
    their sign. Shares are of the gross total Σ|v| of all matching paths. It equals the total if all
    have one sign; if sinks cancel sources, a share of the net total would mean nothing.
    Emissions of final users themselves (F_Y) belong to no path.

    With errors, sd is that of the first order: a path's relative change is Σ dz / z + dy / y +
    df / f − Σ dx / x over the cells that it is made of and the outputs of the rows that it visits,
    which follow Z and Y. A demand of one's own has no error.

    E = Σ v over all paths, v = y_{i0} a_{i1,i0} … a_{ik,ik−1} s_{ik}; a beginning of weight w that
    ends at j leads to no path above w h_j, h_j = max(s_j, max_i a_ij h_i). Source: Treloar (1997),
    Economic Systems Research 9; Defourny & Thorbecke (1984), Economic Journal 94:111.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> paths = cf.structural_paths(cf.synthetic.world(2, 3), top=3)
    >>> paths.to_frame().path[0]
    'AT: Cereal grains nec'
    >>> bool(abs(paths.value.sum() + paths.remainder - paths.total) < 1e-9 * paths.total)
    True
    """
    rtol = None if rtol is None else tolerance(rtol)
    given = None if errors is None else required_errors(errors)
    limits = search_limits(top, threshold, min_share, coverage, max_paths, max_stage)
    chosen = select_stressor(table, stressor)
    bought = select_demand(table, demand)
    y, (size, columns) = bought.values.sum(axis=1), demand_size(table, bought)
    if float(np.abs(y).max(initial=0.0)) > 1.0 / SMALLEST:
        raise InputError.about(
            "demand",
            expected=f"numbers up to {1.0 / SMALLEST:.0e}",
            got=f"{np.abs(y).max():.1e}",
            remedy="give it in another unit",
        )
    if start is not None:
        first = select_rows(table, start, "start")
        y, size = np.where(first, y, 0.0), np.where(first, size, 0.0)
    s = chosen.s if end is None else np.where(select_rows(table, end, "end"), chosen.s, 0.0)
    met = None if through is None else select_rows(table, through, "through")
    count = thread_count(threads)
    network = network_of(table, s, met, limits.max_stage, count, rtol=rtol)
    values, starts, rows, pruned, nodes = network.find(y, limits, count)
    total = network.total(y)
    found = Paths(
        value=values,
        starts=starts,
        rows=rows,
        stressor=chosen.name,
        unit=chosen.unit,
        total=total,
        gross=network.gross(y),
        remainder=float(pruned.sum()),
        error_bound=network.error_bound(size, columns),
        pruned=pruned,
        nodes=nodes,
        _stage_totals=partial(stage_totals, table, s, met, y),
        _table=table,
    )
    if given is None:
        return found
    sure = path_errors(table, chosen, bought, given, found.starts, found.rows, found._blocks())
    return replace(found, _errors=sure)
