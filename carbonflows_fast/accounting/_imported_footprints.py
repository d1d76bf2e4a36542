"""D_imp: the part of each consumer's footprint that is emitted outside its borders.

It takes the factors of I − A and their inverses, or a right-hand side for every stressor and
consumer, or one for every row that is bought. What goods from home emit at home is left out of the
sums, never subtracted, so that a small part of a large footprint is as accurate as any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._footprint_bounds import (
    demanded,
    of_bought,
    of_inverse,
    reached,
)
from carbonflows_fast.accounting._imports_by_factors import Rows, imports_by_factors
from carbonflows_fast.accounting._solves import BLOCK, FOOTPRINT_RTOL, solve_certified
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import added_up, rounding
from carbonflows_fast.leontief._dense_lu import inverse_cost, solve_costs
from carbonflows_fast.leontief._of_table import release_dense

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["Imported", "imported_footprints"]

SUMMED = 192
"""Columns solved for and summed at a time: stressors × regions × these are kept."""
AROUND = 1.25
"""Cost of pairs over that of their solves: sides to make, multipliers to add up."""
# A bound that holds before anything is solved, of the sum over all rows; errors are far smaller.
FACTORS_RTOL = 1e-10  # where FOOTPRINT_RTOL is asked for


@dataclass(frozen=True, slots=True, eq=False)
class Imported:
    """What is emitted abroad, and what comes with it.

    Attributes
    ----------
    values : ndarray, shape (k, R P)
        D_imp.
    bounds : ndarray, shape (k,)
        On the sum of the errors of a stressor.
    m : ndarray, shape (k, n), or None
        Multipliers, not proved. None if some region is not a consumer, or the only one. By columns
        they are 0 for rows that nobody buys.
    x : ndarray, shape (n, R), or None
        Outputs by consumer, not proved, where they come with it.
    """

    values: FloatArray
    bounds: FloatArray
    m: FloatArray | None
    x: FloatArray | None = None


def imported_footprints(
    table: Table,
    S: FloatArray,
    Y: FloatArray,
    weights: tuple[FloatArray, FloatArray],
    rtol: float,
) -> Imported:
    """Solve whichever is cheaper: by factors, for pairs of stressor and consumer, or for rows.

    Parameters
    ----------
    table, S, Y, rtol
        The table, intensities, final demand by consumer, and the tolerance: see `_by_pairs`.
    weights : (ndarray, ndarray), each of shape (n,)
        b, in which multipliers are certified, and t, in which outputs are.
    """
    (k, n), nnz, p = S.shape, system(table).tiles.nnz, table.content
    pairs = k * int(Y.any(axis=0).sum())
    if inverse_cost(n, k) < AROUND * min(solve_costs(n, nnz, pairs, single=True)):
        factors = system(table).factor_inverses(weights[1], FACTORS_RTOL * (rtol / FOOTPRINT_RTOL))
        if factors is not None:
            rows = Rows(p.region_codes, p.sector_codes, len(p.sectors))
            found = imports_by_factors(factors, S, Y, rows)
            demand, weight = demanded(table), weights[1]
            # Evaluating S U V Y rounds less than the bound of U V, which is 3 γ scale · c |U||V|.
            relative = 2.0 * factors.bound / (1.0 - factors.bound)
            certified = relative * reached(table, weight, demand)
            bounds = of_inverse(table, S, certified, weight, demand)
            return Imported(found.imports.reshape(k, -1), bounds, found.m, found.x)
    if pairs <= int(Y.any(axis=1).sum()):
        return _by_pairs(table, S, Y, weights[0], rtol)
    return _by_columns(table, S, Y, weights[1], rtol)


def _by_pairs(
    table: Table, S: FloatArray, Y: FloatArray, weight: FloatArray, rtol: float
) -> Imported:
    """Solve for each (stressor, consumer): multipliers of what is emitted outside the consumer.

    Parameters
    ----------
    table : Table
    S : ndarray, shape (k, n)
    Y : ndarray, shape (n, R)
        Final demand by consuming region.
    weight : ndarray, shape (n,)
        b, in which multipliers are certified.
    rtol : float
    """
    p = table.content
    out = np.zeros((len(S), len(p.regions), len(p.sectors)))
    total, bounds, demand = np.zeros(S.shape), np.zeros(len(S)), demanded(table)
    consumers = np.flatnonzero(Y.any(axis=0))
    pairs = np.array([(e, q) for e in range(len(S)) for q in consumers], dtype=np.int32)
    for first in range(0, len(pairs), BLOCK):
        e, q = np.ascontiguousarray(pairs[first : first + BLOCK].T)
        abroad = np.where(p.region_codes == q[:, None], 0.0, S[e])
        solution = solve_certified(table, abroad, by_row=True, weight=weight, rtol=rtol)
        m = solution.values
        sizes = [added_up(weight, np.abs(one)) for one in m]
        inexact = solution.report.error_bounds * sizes * (1 + rounding(table.n))
        np.add.at(bounds, e, of_bought(m, inexact, demand))
        out[e, q] = sums.sector_sums_paired(m, Y, q, p.sector_codes, len(p.sectors))
        np.add.at(total, e, m)
    release_dense(table)
    others = len(p.regions) - 1
    known = others > 0 and consumers.size == len(p.regions)
    bounds *= 1 + rounding(consumers.size)
    return Imported(out.reshape(len(S), -1), bounds, total / others if known else None)


def _by_columns(
    table: Table, S: FloatArray, Y: FloatArray, weight: FloatArray, rtol: float
) -> Imported:
    """Solve for each row bought: the output for a unit of it, and where that emits.

    Parameters
    ----------
    table, S, Y, rtol
        The table, intensities, final demand by consumer, and the tolerance: see `_by_pairs`.
    weight : ndarray, shape (n,)
        t, in which outputs are certified.
    """
    p, k = table.content, len(S)
    sectors, regions = len(p.sectors), len(p.regions)
    out, m = np.zeros((k, regions * sectors)), np.zeros((k, len(weight)))
    demand, inexact = demanded(table), 0.0
    rows_of = [np.flatnonzero(p.region_codes == r) for r in range(regions)]
    bought = np.flatnonzero(Y.any(axis=1))
    for first in range(0, bought.size, SUMMED):
        rows = bought[first : first + SUMMED]
        units = np.zeros((table.n, rows.size))
        units[rows, np.arange(rows.size)] = 1.0
        solution = solve_certified(table, units, by_row=False, weight=weight, rtol=rtol)
        X = solution.values
        sizes = solution.report.error_bounds * (weight @ np.abs(X))
        inexact += float(sizes @ demand.size[rows]) * (1 + rounding(table.n))
        emitted = np.stack([S[:, own] @ X[own] for own in rows_of], axis=1)
        bought_here, products = Y[rows].T.copy(), p.sector_codes[rows]
        m[:, rows] = sums.add_imports(emitted, bought_here, products, sectors, out)
    release_dense(table)
    certified = inexact * (1 + rounding(bought.size))
    bounds = of_inverse(table, S, certified, weight, demand)
    return Imported(out, bounds, m)
