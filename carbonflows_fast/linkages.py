"""Layers, elasticities and betweenness: every sector and transaction, from two solves.

With x = L y the output that a demand calls for and m = L's the multipliers, E = s'x = m'y are the
emissions, and m_i a_ij x_j is what flows through the purchase of i by j, all paths together.

Source: Miller & Blair (2009), Input-Output Analysis, ch. 2 and 6 (layers, sensitivities); Liang, Qu
& Xu (2016), Environmental Science & Technology 50 (betweenness of sectors); Hanaka et al. (2017),
Energy Economics 68 (betweenness of transactions).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from carbonflows_fast._base.arguments import whole
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.accounting._region_flows import region_flows
from carbonflows_fast.accounting._solves import (
    accurate_multipliers,
    demand_size,
    solve_certified,
    solve_multipliers,
)
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output
from carbonflows_fast.leontief import LeontiefSystem, system
from carbonflows_fast.leontief._certificate import TINY, added_up, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.table._selection import Stressor, select_demand, select_stressor

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "elasticities",
    "layers_of",
    "production_layers",
    "sector_betweenness",
    "seen_in_layers",
    "transaction_betweenness",
]

MOST_LAYERS = 100_000
ROWS = 512
"""Rows of transactions looked through at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class _Chain:
    """A stressor, a demand, and the two solves between them, in table order."""

    stressor: Stressor
    s: FloatArray
    y: FloatArray
    x: FloatArray
    m: FloatArray
    total: float
    doubt: float  # no less than the error of the total

    @classmethod
    def of(cls, table: Table, stressor: Any, demand: Any) -> _Chain:
        chosen = select_stressor(table, stressor)
        wanted = select_demand(table, demand)
        y = wanted.values.sum(axis=1)
        if wanted.complete:  # `accounts` and `flows` need the same solve, and keep it
            x = region_flows(table, stressor).x.sum(axis=1)
        else:
            weight = account_weight(chosen.s, table.x.to_numpy())
            x = solve_certified(table, y[:, None], by_row=False, weight=weight).values[:, 0]
        weight = demand_weight(y, positive_output(table))
        found, bounds = solve_multipliers(table, chosen.s[None], weight)
        m, (size, columns) = found[0], demand_size(table, wanted)
        terms = table.n + columns + len(table.regions)
        doubt = float(bounds[0]) + rounding(terms) * float(np.abs(m) @ size)
        return cls(chosen, chosen.s, y, x, m, float(m @ y), doubt)

    def part(self, values: FloatArray) -> FloatArray:
        """Return values over the total, NaN where it may be nothing but rounding."""
        return _share(values, self.total if abs(self.total) > self.doubt else 0.0)

    def frame(self, columns: dict[str, FloatArray], index: pd.Index) -> pd.DataFrame:
        frame = pd.DataFrame(columns, index=index)
        frame.attrs = {
            "stressor": self.stressor.name,
            "unit": self.stressor.unit,
            "total": self.total,
        }
        return frame


def _share(values: FloatArray, total: float) -> FloatArray:
    return values / total if total else np.full(values.shape, np.nan)


def production_layers(
    table: Table, stressor: Any = None, *, demand: Any = None, layers: int = 10
) -> pd.DataFrame:
    """Return emissions by the number of purchases between emitter and final user.

    E_k = s'A^k y: layer 0 is emitted by the makers of the final products, layer 1 by their
    suppliers, and so on. The remainder beyond layer k is exactly m'A^(k+1) y.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.
    layers : int
        Last layer, at least 0.

    Returns
    -------
    DataFrame, index layer 0 to `layers`
        - emissions: E_k, in the stressor's unit;
        - cumulative: of this layer and those before it;
        - remainder: of all layers beyond it;
        - share, cumulative_share: of the total, plain numbers (NaN if the total is zero). If layers
          have both signs, of Σ|emissions| over these layers plus |remainder| of the last.

        `attrs` has stressor, unit, total (without F_Y) and error_bound, on any entry of emissions,
        cumulative and remainder.

    Raises
    ------
    LabelError, InputError
        If an argument is wrong.
    NotProductiveError, ConvergenceError
        If the table cannot be solved.

    Notes
    -----
    Source: Miller & Blair (2009), Input-Output Analysis, ch. 2.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> layers = cf.production_layers(cf.synthetic.world(2, 3), layers=2)
    >>> bool(abs(layers.cumulative + layers.remainder - layers.attrs["total"]).max() < 1e-6)
    True
    """
    layers = whole("layers", layers, 0, MOST_LAYERS, remedy="leave it out for 10")
    chosen, wanted = select_stressor(table, stressor), select_demand(table, demand)
    size, columns = demand_size(table, wanted)
    weight = demand_weight(size, positive_output(table))
    prepared = system(table)
    multipliers, bound = accurate_multipliers(prepared, chosen.s, weight)
    doubt = rounding(columns + len(table.regions)) * size  # adding up the columns of Y
    seen = seen_in_layers(prepared, chosen.s, np.abs(multipliers) + bound / weight, layers)
    bought = wanted.values.sum(axis=1), added_up(seen, doubt)
    return layers_of(prepared, chosen, bought, (multipliers, bound, weight), layers)


def layers_of(
    prepared: LeontiefSystem,
    stressor: Stressor,
    bought: tuple[FloatArray, float],
    known: tuple[FloatArray, float, FloatArray],
    layers: int,
) -> pd.DataFrame:
    """Return the same for y (n,), with multipliers that are known.

    `bought` are y, and Σ seen |error of y| with the weights of `seen_in_layers`; `known` the
    multipliers (n,), the bound of Σ b|error|, and b (n,).
    """
    y, missed = bought
    multipliers, bound, weight = known
    order = prepared.tiles.table_rows
    s, m, b, p = stressor.s[order], multipliers[order], weight[order], y[order]
    size = np.abs(p)  # |A|^k |y|: what rounding can do is relative to it
    emissions, remainder = np.empty(layers + 1), np.empty(layers + 1)
    error, total, doubt = 0.0, float(m @ p), 0.0
    terms = prepared.n + layers
    for k in range(layers + 1):
        emissions[k] = s @ p
        terms += prepared.tiles.additions + 8
        doubt += rounding(terms) * float(np.abs(s) @ size)
        p, size = _bought(prepared, p, size)
        remainder[k] = m @ p
        left = bound * seen_through(p, b)
        left += rounding(terms + prepared.tiles.additions) * float((np.abs(m) + bound / b) @ size)
        error = max(error, doubt, left)
    cumulative = np.cumsum(emissions)
    gross = float(np.abs(emissions).sum() + abs(remainder[-1]))
    frame = pd.DataFrame(
        {
            "emissions": emissions,
            "cumulative": cumulative,
            "remainder": remainder,
            "share": _share(emissions, gross),
            "cumulative_share": _share(cumulative, gross),
        },
        index=pd.RangeIndex(layers + 1, name="layer"),
    )
    frame.attrs = {
        "stressor": stressor.name,
        "unit": stressor.unit,
        "total": total,
        "error_bound": (error + missed) * (1 + rounding(terms)) + (layers + 1) * s.size * TINY,
    }
    return frame


def seen_in_layers(
    prepared: LeontiefSystem, s: FloatArray, multipliers: FloatArray, layers: int
) -> FloatArray:
    """Return weights (n,) through which any layer, sum of layers and remainder sees an error of y.

    None is off by more than Σ weights |error of y|. The multipliers (n,) are no less than the sizes
    of the exact ones.
    """
    # They are |s|'|A|^k, their sums, and |m|'|A|^k. If nothing is negative, these are parts of
    # m' = s'(I + A + A² + …), and none of them is larger.
    if prepared.nonnegative and bool((s >= 0).all()):
        return multipliers
    emitted, most = np.abs(s), np.zeros(s.size)
    raised = 1 + rounding(prepared.tiles.additions + layers)
    layer = np.column_stack([emitted, multipliers])
    for k in range(layers + 1):
        layer = pass_through_A(prepared, layer, adjoint=True, absolute=True) * raised
        most = np.maximum(most, layer[:, 1])
        if k < layers:
            emitted = emitted + layer[:, 0]
    return np.maximum(emitted, most)


def _bought(
    prepared: LeontiefSystem, p: FloatArray, size: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return A p and |A| size: the inputs of the next layer."""

    def through(v: FloatArray, *, absolute: bool) -> FloatArray:
        product = prepared.tiles.product
        return product(v[:, None], adjoint=False, absolute=absolute, threads=thread_count())[:, 0]

    same = prepared.nonnegative and bool((p >= 0).all())
    further = through(p, absolute=False)
    return further, further if same else through(size, absolute=True)


def elasticities(table: Table, stressor: Any = None, *, demand: Any = None) -> pd.DataFrame:
    """Return by how many per cent emissions change if a row changes by one per cent.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.

    Returns
    -------
    DataFrame, rows of the table × four elasticities of E, plain numbers
        - intensity: of its emissions per unit of output, s_i x_i / E;
        - demand: of the final demand for it, m_i y_i / E;
        - inputs: of all its input coefficients, Σ_k m_k a_ki x_i / E = (m_i − s_i) x_i / E;
        - sales: of all coefficients with which others buy it, m_i (x_i − y_i) / E.

        Intensities and demands sum to 1 each, inputs and sales to the same number. `attrs` has
        stressor, unit and total (E without F_Y). If the total is zero, or no larger than its
        possible error, all are NaN.

    Raises
    ------
    LabelError, InputError
        If an argument is wrong.
    NotProductiveError, ConvergenceError
        If the table cannot be solved.

    Notes
    -----
    ∂E/∂s_i = x_i, ∂E/∂y_j = m_j and ∂E/∂a_ij = m_i x_j. Source: Miller & Blair (2009),
    Input-Output Analysis, ch. 6.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> found = cf.elasticities(cf.synthetic.world(2, 3))
    >>> bool(abs(found[["intensity", "demand"]].sum() - 1).max() < 1e-9)
    True
    """
    c = _Chain.of(table, stressor, demand)
    columns = {
        "intensity": c.part(c.s * c.x),
        "demand": c.part(c.m * c.y),
        "inputs": c.part((c.m - c.s) * c.x),
        "sales": c.part(c.m * (c.x - c.y)),
    }
    return c.frame(columns, table.rows)


def sector_betweenness(table: Table, stressor: Any = None, *, demand: Any = None) -> pd.DataFrame:
    """Return the emissions that pass through each row between emitter and final user.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.

    Returns
    -------
    DataFrame, rows of the table × two counts, in the stressor's unit
        - interior: each path once for every visit that is neither its first nor its last row,
          (m_i − s_i)(x_i − y_i);
        - visits: each path once for every visit, ends included, m_i x_i.

        A path that visits a row twice counts twice: neither is a share of the total. `attrs` has
        stressor, unit and total.

    Raises
    ------
    LabelError, InputError
        If an argument is wrong.
    NotProductiveError, ConvergenceError
        If the table cannot be solved.

    Notes
    -----
    interior = (s'T)_i (T y)_i with T = L A. Source: Liang, Qu & Xu (2016), Environmental Science &
    Technology 50.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> found = cf.sector_betweenness(cf.synthetic.world(2, 3))
    >>> bool((found.interior <= found.visits).all())
    True
    """
    c = _Chain.of(table, stressor, demand)
    columns = {"interior": (c.m - c.s) * (c.x - c.y), "visits": c.m * c.x}
    return c.frame(columns, table.rows)


def transaction_betweenness(
    table: Table, stressor: Any = None, *, demand: Any = None, top: int = 1000
) -> pd.DataFrame:
    """Return the purchases through which most emissions pass.

    Parameters
    ----------
    table : Table
    stressor : str or mapping of str to float, optional
        A stressor of the table, weights of several in one unit, {"CO2": 1, "CH4": 28}, or
        "GWP100_AR6". Not needed if the table has only one.
    demand : region, (region, category), list of these, or array of shape (n,), optional
        Count only what this final demand causes. The default is all final demand.
    top : int
        How many, at least 1. The result is shorter if the table has fewer purchases.

    Returns
    -------
    DataFrame
        - seller_region, seller, buyer_region, buyer: the purchase;
        - value: m_i a_ij x_j, all paths through it, in the stressor's unit;
        - elasticity: of E with respect to a_ij, value / E; NaN if E is zero, or no larger than its
          possible error.

        The exact top by size, ties in the order of the table; sign kept. `attrs` has stressor,
        unit and total.

    Raises
    ------
    LabelError, InputError
        If an argument is wrong.
    NotProductiveError, ConvergenceError
        If the table cannot be solved.

    Notes
    -----
    m_i a_ij x_j = a_ij ∂E/∂a_ij. Source: Hanaka et al. (2017), Energy Economics 68.

    Examples
    --------
    >>> import carbonflows_fast as cf
    >>> found = cf.transaction_betweenness(cf.synthetic.world(2, 3), top=5)
    >>> len(found), bool(found.value.is_monotonic_decreasing)
    (5, True)
    """
    top = whole("top", top, remedy="leave it out for 1,000")
    c = _Chain.of(table, stressor, demand)
    place, values = _largest(table.A, c.m, c.x, top)
    sellers, buyers = place // table.n, place % table.n
    regions, sectors = (table.rows.get_level_values(level) for level in ("region", "sector"))
    columns: dict[str, Any] = {
        "seller_region": regions[sellers],
        "seller": sectors[sellers],
        "buyer_region": regions[buyers],
        "buyer": sectors[buyers],
        "value": values,
        "elasticity": c.part(values),
    }
    return c.frame(columns, pd.RangeIndex(values.size))


def _largest(
    A: Any, m: FloatArray, x: FloatArray, top: int
) -> tuple[npt.NDArray[np.int64], FloatArray]:
    """Return the cells (i n + j) of the largest |m_i a_ij x_j|, and their values, in order."""
    n = A.shape[0]
    place, values = np.empty(0, dtype=np.int64), np.empty(0)
    for first in range(0, n, ROWS):
        last = min(first + ROWS, n)
        here = slice(A.indptr[first], A.indptr[last])
        rows = np.repeat(np.arange(first, last), np.diff(A.indptr[first : last + 1]))
        columns = A.indices[here].astype(np.int64)
        found = m[rows] * A.data[here] * x[columns]
        place = np.concatenate([place, (rows * n + columns)[found != 0.0]])
        values = np.concatenate([values, found[found != 0.0]])
        if values.size > top:
            size = np.abs(values)
            keep = np.flatnonzero(size >= np.partition(size, -top)[-top])
            place, values = place[keep], values[keep]
    best = np.lexsort((place, -np.abs(values)))[:top]
    return place[best], values[best]
