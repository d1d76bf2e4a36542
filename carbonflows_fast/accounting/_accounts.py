"""Multipliers, national accounts and footprints.

The region a flow comes from is where the emission happens; the region it goes to is where the
final product is bought. What final users emit themselves (F_Y: driving, heating) crosses no
border and enters no matrix here: it is added, in its own column, where an account says so.

No inverse is formed: `_solves` solves, for consuming regions or for stressors.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._footprints import Footprints
from carbonflows_fast.accounting._per_head import asked_per_head, for_each_head
from carbonflows_fast.accounting._region_flows import region_flows, unknown_consumers
from carbonflows_fast.accounting._solves import OF_FOOTPRINTS, solve_multipliers
from carbonflows_fast.accounting._stressor_block import Stressors, stressor_block, stressor_frame
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "Footprints",
    "account_columns",
    "account_weight",
    "accounts",
    "footprints",
    "multipliers",
    "produced_by_size",
]


def accounts(
    table: Table,
    stressor: Any = None,
    *,
    demand: Any = None,
    per_head: bool = False,
    rtol: float = 1e-10,
) -> pd.DataFrame:
    """Return what each region emits, what it consumes, and what crosses its border.

    E_rq = Σ_{i∈r} s_i x_i^(q), (I − A) x^(q) = y^(q): emissions in r for what q finally buys.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), or list of these, optional
        Count only what this final demand causes (and emits itself). The default is all final
        demand. A region is a label of the table, a country by name or ISO code, or a group such as
        "EU27".
    per_head : bool, optional
        Divide by the heads of each region, from the table's `population`. NaN where these are
        unknown.
    rtol : float, optional
        Relative error that every solve is certified to. A looser one takes fewer passes over A,
        and `error_bound` says how accurate the result is.

    Returns
    -------
    DataFrame, index region, in the stressor's unit (per head)
        - production: Σ_q E_rq + households;
        - consumption: Σ_r E_rq + households;
        - imports, exports: the same sums without E_rr;
        - net_imports: consumption − production;
        - net_share: net_imports / production, a plain number (NaN without production; where a
          region has sinks, production counts by size, Σ_q |E_rq| + |households|);
        - households: F_Y, emitted by the final users themselves;
        - unallocated: ΣF − ΣE, emissions that no final demand accounts for (sectors without
          output, tables that do not balance). In no other column. Only for the whole demand.

        `attrs` has stressor, unit and error_bound, an absolute bound on the error of any entry in
        the stressor's unit (net_share excepted) and of any sum of a column.

    Raises
    ------
    LabelError
        If a stressor, region or category is unknown.
    InputError
        If `demand` is an array: it does not say who consumes. If `per_head` is asked of a table
        without population.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    Source: Peters (2008), Ecological Economics 65:13 (production and consumption accounts).

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=np.array([[20.0, 10.0], [5.0, 30.0]]), Y=np.array([[60.0, 10.0], [5.0, 60.0]]),
    ...     F=np.array([[50.0, 100.0]]), F_Y=np.array([[10.0, 20.0]]),
    ...     regions=["AA", "BB"], sectors=["goods", "goods"], stressors=["CO2"],
    ... )
    >>> cf.accounts(table)[["production", "consumption", "net_imports"]].round(3)
            production  consumption  net_imports
    region
    AA            60.0       60.901        0.901
    BB           120.0      119.099       -0.901
    """
    heads = asked_per_head(per_head)
    flow = region_flows(table, stressor, demand, rtol)
    if flow.demand.columns is None:
        raise unknown_consumers("select it by region and category")
    columns = account_columns(flow.matrix, flow.households, flow.unallocated)
    made = produced_by_size(flow.matrix, flow.households)
    frame = pd.DataFrame(columns, index=pd.Index(table.regions, name="region"))
    after = list(columns).index("net_imports") + 1
    frame.insert(after, "net_share", columns["net_imports"] / made)
    frame.attrs = {
        "stressor": flow.stressor.name,
        "unit": flow.stressor.unit,
        "error_bound": flow.error_bound,
    }
    return for_each_head(table, frame, ["net_share"]) if heads else frame


def account_columns(
    E: FloatArray, households: FloatArray, unallocated: FloatArray | None
) -> dict[str, FloatArray]:
    """Return the accounts that are sums of flows, by column: all but net_share."""
    production, consumption = E.sum(axis=1) + households, E.sum(axis=0) + households
    foreign = E.copy()
    np.fill_diagonal(foreign, 0.0)
    columns = {
        "production": production,
        "consumption": consumption,
        "imports": foreign.sum(axis=0),
        "exports": foreign.sum(axis=1),
        "net_imports": consumption - production,
        "households": households,
    }
    return columns if unallocated is None else columns | {"unallocated": unallocated}


def produced_by_size(E: FloatArray, own: FloatArray) -> FloatArray:
    """Return Σ_q |E_rq| + |households|, which shares of a region's production are of.

    It is production where all have one sign; NaN where nothing is emitted.
    """
    base: FloatArray = np.abs(E).sum(axis=1) + np.abs(own)
    return np.where(base > 0.0, base, np.nan)


def multipliers(table: Table, stressors: Stressors = None, *, rtol: float = 1e-10) -> pd.DataFrame:
    """Return emissions along the whole supply chain per unit of final demand.

    M = S (I − A)⁻¹, solved as (I − A)'m = s, one right-hand side per stressor.

    Parameters
    ----------
    table : Table
    stressors : None, str, list of str, or mapping of str to float
        One stressor, a list of them, or weights of several in one unit. The default is all.
    rtol : float, optional
        Relative error that every solve is certified to. A looser one takes fewer passes over A,
        and `error_bound` says how accurate the result is.

    Returns
    -------
    DataFrame, stressor × (region, sector)
        Unit of the stressor per unit of the row. `attrs["error_bound"]` maps each stressor to a
        bound on Σ_j (Σ|Y_j| + 0.01 x_j)·|error of m_j|, in the stressor's unit: they make no
        footprint m'y of the table's own demand, or of a part of it, wrong by more.
        `attrs["unit"]` maps each to its unit.

    Raises
    ------
    LabelError
        If a stressor is unknown.
    InputError
        If the list is empty or names a stressor twice, or `rtol` is not between 0 and 1.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    Source: Miller & Blair (2009), Input-Output Analysis, ch. 2 and 10.

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     A=np.array([[0.15, 0.25], [0.20, 0.05]]), x=np.array([1000.0, 2000.0]),
    ...     Y=np.array([[350.0], [1700.0]]), S=np.array([[1.0, 0.0]]),
    ...     regions="AA", sectors=["one", "two"], stressors=["CO2"],
    ... )
    >>> cf.multipliers(table).round(3)
    region       AA
    sector      one   two
    stressor
    CO2       1.254  0.33
    """
    rtol = tolerance(rtol)
    block = stressor_block(table, stressors)
    weight = demand_weight(np.abs(table.content.Y).sum(axis=1), positive_output(table))
    m, bounds = solve_multipliers(table, block.S, weight, rtol)
    frame = stressor_frame(m, block.names, table.rows)
    frame.attrs = {
        "unit": dict(zip(block.names, block.units, strict=True)),
        "error_bound": dict(zip(block.names, bounds.tolist(), strict=True)),
    }
    return frame


def footprints(
    table: Table, stressors: Stressors = None, *, rtol: float | None = None
) -> Footprints:
    """Return the accounts that pymrio calls D_cba, D_pba, D_imp and D_exp, without its L.

    Parameters
    ----------
    table : Table
    stressors : None, str, list of str, or mapping of str to float
        One stressor, a list of them, or weights of several in one unit. The default is all.
    rtol : float, optional
        Relative error that every solve is certified to (D_imp, where dense factors are cheaper, to
        ten times it). By default 1e-11, a digit more than elsewhere, since cells are small parts of
        what is solved for; where rounding does not allow that, 1e-10, 1e-8 or 1e-6.

    Returns
    -------
    Footprints
        Each property is solved when first asked for, and kept. Its `attrs["error_bound"]` says for
        each stressor how wrong all its cells are together at most.

    Raises
    ------
    LabelError
        If a stressor is unknown.
    InputError
        If the list is empty or names a stressor twice, or `rtol` is not between 0 and 1.

    Notes
    -----
    D_cba = M Ŷ and D_pba = S x̂ by region and product, in the unit of each stressor; the rest is in
    :class:`Footprints`. Source: Stadler (2021), Journal of Open Research Software 9:8 (pymrio).

    Examples
    --------
    >>> import numpy as np
    >>> import carbonflows_fast as cf
    >>> table = cf.Table(
    ...     Z=np.array([[20.0, 10.0], [5.0, 30.0]]), Y=np.array([[60.0, 10.0], [5.0, 60.0]]),
    ...     F=np.array([[50.0, 100.0]]), F_Y=np.array([[10.0, 20.0]]),
    ...     regions=["AA", "BB"], sectors=["goods", "goods"], stressors=["CO2"],
    ... )
    >>> cf.footprints(table).D_cba_reg.round(3)
    region        AA       BB
    stressor
    CO2       60.901  119.099
    """
    tolerances = OF_FOOTPRINTS if rtol is None else (tolerance(rtol),)
    return Footprints(table, stressor_block(table, stressors), tolerances)
