"""How far off footprints may be: for each stressor, a bound on the sum of all errors of a frame.

Multipliers are certified in b ≥ Σ|Y|, so that the errors of m'y for all parts y of final demand
add up to no more than Σ b|m̃ − m|. Outputs are certified in a weight t that all stressors share; a
stressor's intensities are at most max |s|/t times that. To both come the roundings of the sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._solves import demand_size
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, added_up, rounding
from carbonflows_fast.leontief._subsystems import reach
from carbonflows_fast.table._selection import select_demand

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "Demanded",
    "add_direct",
    "demanded",
    "of_bought",
    "of_emitted",
    "of_inverse",
    "of_outputs",
    "reached",
]


@dataclass(frozen=True, slots=True, eq=False)
class Demanded:
    """What all of final demand is made of: Σ|Y| of each row (n,), and how many numbers."""

    size: FloatArray
    columns: int
    consumers: int


def demanded(table: Table) -> Demanded:
    """Return the size of all final demand."""
    return Demanded(*demand_size(table, select_demand(table)), len(table.regions))


def of_bought(m: FloatArray, errors: FloatArray, demand: Demanded) -> FloatArray:
    """Bound the sum of errors of Σ_j m_j y_j over all consumers and products.

    Parameters
    ----------
    m : ndarray, shape (k, n)
        Multipliers.
    errors : ndarray, shape (k,)
        Bounds on Σ b|m̃ − m| with b ≥ Σ|Y|.
    demand : Demanded

    Returns
    -------
    ndarray, shape (k,)
    """
    sums = np.array([added_up(np.abs(one), demand.size) for one in m])
    return _rounded(errors, sums, len(demand.size) + demand.columns, _products(demand))


def _over(S: FloatArray, weight: FloatArray) -> FloatArray:
    """Return max_i |s_i| / t_i of each stressor, (k,): errors in t, times that, are emissions."""
    with np.errstate(over="ignore", divide="ignore", invalid="ignore"):
        largest = [np.where(s != 0.0, np.abs(s) / weight, 0.0).max(initial=0.0) for s in S]
    return np.array(largest) * (1 + rounding(1))


def of_outputs(table: Table, weight: FloatArray, certified: float, demand: Demanded) -> float:
    """Bound Σ t|x̃ − x| over rows and consumers, the sums over columns of Y included."""
    return certified + rounding(demand.columns) * reached(table, weight, demand)


def of_emitted(S: FloatArray, x: FloatArray, inexact: float, weight: FloatArray) -> FloatArray:
    """Bound the sum of errors of s_i Σ_q x_i^q over rows, for some or all consumers q.

    Parameters
    ----------
    S : ndarray, shape (k, n)
    x : ndarray, shape (n, R)
    inexact : float
        Bound on Σ t|x̃ − x|, from `of_outputs`.
    weight : ndarray, shape (n,)
        t.

    Returns
    -------
    ndarray, shape (k,)
    """
    sizes = np.abs(x).sum(axis=1)
    sums = np.array([added_up(np.abs(s), sizes) for s in S])
    return _rounded(_over(S, weight) * inexact, sums, sum(x.shape), x.size)


def of_inverse(
    table: Table, S: FloatArray, certified: float, weight: FloatArray, demand: Demanded
) -> FloatArray:
    """Bound the sum of errors of D_imp made from columns of (I − A)⁻¹, or from its factors.

    Parameters
    ----------
    table : Table
    S : ndarray, shape (k, n)
    certified : float
        Bound on Σ_j |Y_j| Σ_i t_i |error of L_ij|.
    weight : ndarray, shape (n,)
        t.
    demand : Demanded

    Returns
    -------
    ndarray, shape (k,)
    """
    largest = _over(S, weight)
    sums = largest * (certified + reached(table, weight, demand))
    return _rounded(largest * certified, sums, 4 * table.n + demand.columns, _products(demand))


def reached(table: Table, weight: FloatArray, demand: Demanded) -> float:
    """Return at least Σ_j |Y_j| Σ_i t_i |L_ij|."""
    return added_up(reach(system(table), weight), demand.size) * (1 + rounding(table.n))


def add_direct(bounds: FloatArray, F_Y: FloatArray, values: FloatArray) -> FloatArray:
    """Add what sums over sectors and emissions of final users round, shape (k,).

    Parameters
    ----------
    bounds : ndarray, shape (k,)
        Of the errors of what is summed.
    F_Y : ndarray, shape (k, m)
    values : ndarray, shape (k, any)
        What is summed.
    """
    sums = np.array([np.abs(a).sum() + np.abs(b).sum() for a, b in zip(values, F_Y, strict=True)])
    return _rounded(bounds, sums, values.shape[1] + F_Y.shape[1], 0)


def _products(demand: Demanded) -> int:
    return len(demand.size) * demand.consumers


def _rounded(errors: FloatArray, sums: FloatArray, additions: int, products: int) -> FloatArray:
    """Add what sums of this size round, and what this many products lose where they underflow."""
    with np.errstate(over="ignore", invalid="ignore"):
        rounded = 2 * rounding(additions) * sums
        return (errors + rounded) * (1 + rounding(additions)) + (products + 8) * TINY
