"""Emissions that incomes enable: everything downstream of value added (Ghosh).

Value added v pays for what industries sell on, so that all output follows from it: x' = v'(I − B)⁻¹
with B = x̂⁻¹ Z. What v_i enables is v_i Σ_j g_ij s_j, G = (I − B)⁻¹. Since B = x̂⁻¹ A x̂, the sums
G s are x̂⁻¹ w with (I − A) w = x̂ s: one ordinary solve, and no division by x, for
v_i / x_i = 1 − Σ_k a_ki.

Source: Ghosh (1958), Economica 25:58; Marques, Rodrigues, Lenzen & Domingos (2012), Ecological
Economics 84:57 (income-based responsibility).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray, locked
from carbonflows_fast.accounting._weights import account_weight, positive_output
from carbonflows_fast.errors import InputError, shorten
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A, reach
from carbonflows_fast.table._selection import Stressor, select_stressor
from carbonflows_fast.table._table import table_from
from carbonflows_fast.table._table_argument import required_table

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "VALUE_ADDED",
    "Enabled",
    "enabled",
    "enabled_by_row",
    "require_one_unit",
    "value_added_share",
    "with_value_added",
]

VALUE_ADDED = "value added"
EXTENSION = "primary inputs"  # of value added in all formats


@dataclass(frozen=True, slots=True, eq=False)
class Enabled:
    """What each row's value added enables, (n,); the row's value added over its output, (n,).

    error_bound : of Σ|errors of values|.
    """

    values: FloatArray
    share: FloatArray
    error_bound: float


def require_one_unit(table: Table) -> str:
    """Return the unit of all rows; value added is what is left of outputs after inputs.

    It is asked first, so it sees to it that this is a table.

    Raises
    ------
    InputError
        If there are several.
    """
    required_table("table", table)
    units = table.content.row_units
    if len(units) > 1:
        raise InputError.about(
            "table",
            expected="rows in one unit, so that inputs can be subtracted from outputs",
            got=f"the units {shorten(units)}",
            remedy="take a table in money",
        )
    return units[0] if units else ""


def value_added_share(table: Table) -> tuple[FloatArray, FloatArray]:
    """Return 1 − Σ_i a_ij of every column, 0 without output, and a bound of its error."""
    prepared, ones = system(table), np.ones(table.n)
    x = table.x.to_numpy()
    bought = pass_through_A(prepared, ones, adjoint=True)
    sizes = pass_through_A(prepared, ones, adjoint=True, absolute=True)
    share: FloatArray = np.where(x == 0.0, 0.0, 1.0 - bought)
    return share, rounding(prepared.tiles.additions + 1) * (1.0 + sizes)


def _flow(table: Table, share: FloatArray) -> FloatArray:
    """Return x_j − Σ_i z_ij; what a column without output buys has no share of anything."""
    x = table.x.to_numpy()
    flow: FloatArray = share * x
    idle = x == 0.0
    if idle.any() and table.content.kind == "Z":
        flow[idle] = -np.asarray(table.Z.sum(axis=0)).ravel()[idle]
    return flow


def enabled_by_row(table: Table, stressor: Stressor, rtol: float) -> Enabled:
    """Return what the value added of each row enables downstream."""
    require_one_unit(table)
    prepared, x = system(table), table.x.to_numpy()
    share, inexact = value_added_share(table)
    weight = account_weight(share, positive_output(table))
    emitted = stressor.s * x
    solution = prepared.solve(emitted, weight=weight, rtol=rtol)
    w: FloatArray = solution.values
    size = np.abs(w)
    bound = solution.report.error_bound * float(weight @ size)
    bound += float(inexact @ size) + rounding(table.n + 2) * float(np.abs(share) @ size)
    # x̂ s is rounded once, and w is linear in it.
    output = positive_output(table)
    emitting = reach(prepared, output, adjoint=True) * seen_through(emitted, output)
    bound += rounding(2) * float(weight @ emitting)
    return Enabled(share * w, share, bound * (1 + rounding(table.n)) + table.n * TINY)


def enabled(table: Table, stressor: Any = None, *, rtol: float = 1e-10) -> pd.DataFrame:
    """Return the emissions that the value added of each sector enables, all the way downstream.

    Parameters
    ----------
    table : Table
        With rows in one unit.
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    rtol : float, optional
        Relative error that the solve is certified to.

    Returns
    -------
    DataFrame, index (region, sector)
        - value_added: x_j − Σ_i z_ij, in the unit of the rows;
        - enabled: emissions of all industries that this income pays for, in the stressor's unit;
          they add up to the emissions of all industries;
        - per_unit: enabled / value_added, NaN where there is none.

        `attrs` has stressor, unit and error_bound, of any sum of `enabled`.

    Raises
    ------
    LabelError
        If a stressor is unknown.
    InputError
        If rows have several units, or an argument is of the wrong kind.
    NotProductiveError, ConvergenceError
        If the table cannot be solved, or not to `rtol`.

    Notes
    -----
    v_i Σ_j g_ij s_j with G = (I − x̂⁻¹Z)⁻¹, the inverse of Ghosh, solved as (I − A) w = x̂ s.
    Source: Ghosh (1958), Economica 25:58; Marques et al. (2012), Ecological Economics 84:57.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.synthetic.world(regions=3, sectors=4)
    >>> found = cf.enabled(table)
    >>> bool(abs(found.enabled.sum() - cf.flows(table).total) < 1e-9 * found.enabled.sum())
    True
    """
    rtol = tolerance(rtol)
    chosen = select_stressor(table, stressor)
    found = enabled_by_row(table, chosen, rtol)
    added = found.share * table.x.to_numpy()
    with np.errstate(divide="ignore", invalid="ignore"):
        per_unit = np.where(added == 0.0, np.nan, found.values / added)
    frame = pd.DataFrame(
        {"value_added": added, "enabled": found.values, "per_unit": per_unit}, index=table.rows
    )
    frame.attrs = {
        "stressor": chosen.name,
        "unit": chosen.unit,
        "error_bound": found.error_bound,
    }
    return frame


def with_value_added(table: Table, *, name: str = VALUE_ADDED) -> Table:
    """Return a table that has value added as a stressor, for any question about it.

    Parameters
    ----------
    table : Table
        With rows in one unit.
    name : str, optional
        What to call the stressor.

    Returns
    -------
    Table
        With v_j = x_j − Σ_i z_ij, what is left of outputs after all inputs of the table, as its
        last stressor, in the extension "primary inputs" and the unit of the rows. Taxes and
        transport that the table has outside of Z are in it. Final users have none.

    Raises
    ------
    InputError
        If rows have several units, or the table has a stressor of this name.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> table = cf.with_value_added(cf.synthetic.world(regions=3, sectors=4))
    >>> accounts = cf.accounts(table, "value added")  # net_imports: of value added in trade
    >>> bool(abs(accounts.consumption.sum() - table.Y.to_numpy().sum()) < 1e-9 * table.x.sum())
    True
    """
    unit = require_one_unit(table)
    if not isinstance(name, str) or not name.strip() or name in table.stressors:
        raise InputError.about(
            "name",
            expected="the name of a stressor that the table does not have",
            got=repr(name),
            remedy="ask for the one that it has, or give another name",
        )
    share, _ = value_added_share(table)
    p = table.content
    row = share if p.emissions_kind == "S" else _flow(table, share)
    F_Y = None if p.F_Y is None else np.vstack([p.F_Y, np.zeros(len(p.demand_codes))])
    parts = replace(
        p,
        emissions=locked(np.vstack([p.emissions, row])),
        F_Y=None if F_Y is None else locked(F_Y),
        stressors=(*p.stressors, name),
        extensions=(*p.extensions, EXTENSION),
        stressor_units=(*p.stressor_units, unit),
    )
    return table_from(parts, kept=table.kept.after(p, parts))
