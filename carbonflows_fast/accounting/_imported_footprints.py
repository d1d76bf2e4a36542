"""D_imp: the part of each consumer's footprint that is emitted outside its borders.

It takes a right-hand side for every stressor and consumer, or one for every row that is bought;
what is emitted at home is left out of the sums, never subtracted, so that a small part of a large
footprint is as accurate as any other.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import repeat
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast._base.threads import ThreadPool
from carbonflows_fast.accounting._solves import BLOCK, FOOTPRINT_RTOL, solve_certified
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._dense_lu import DenseFactors, choose_method, solve_costs, unit_cost
from carbonflows_fast.leontief._of_table import release_dense
from carbonflows_fast.leontief._tiles import IntArray

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["imported_footprints"]

UNITS = 576
"""Columns solved for at a time."""
SUMMED = 96
"""Columns summed at a time: stressors × regions × these are kept."""
AROUND = 1.25
"""Cost of pairs over that of their solves: sides to make, multipliers to add up."""
# A bound that holds before anything is solved, of the sum over all rows; errors are far smaller.
UNIT_RTOL = 1e-10  # where FOOTPRINT_RTOL is asked for


def imported_footprints(
    table: Table,
    S: FloatArray,
    Y: FloatArray,
    weights: tuple[FloatArray, FloatArray],
    rtol: float,
) -> tuple[FloatArray, FloatArray | None]:
    """Solve whichever is cheaper: for pairs of stressor and consumer, or for rows bought.

    Parameters
    ----------
    table, S, Y, rtol
        The table, intensities, final demand by consumer, and the tolerance: see `_by_pairs`.
    weights : (ndarray, ndarray), each of shape (n,)
        b, in which multipliers are certified, and t, in which outputs are.

    Returns
    -------
    imports, m
        As from `_by_pairs`.
    """
    (k, n), nnz = S.shape, system(table).tiles.nnz
    pairs = k * int(Y.any(axis=0).sum())
    bought = int(Y.any(axis=1).sum())
    factors = None
    if unit_cost(n, bought, k) < AROUND * min(solve_costs(n, nnz, pairs, single=True)):
        factors = _unit_factors(table, bought, weights[1], rtol)
    if factors is None and pairs <= bought:
        return _by_pairs(table, S, Y, weights[0], rtol)
    return _by_columns(table, S, Y, weights[1], rtol, factors)


def _by_pairs(
    table: Table, S: FloatArray, Y: FloatArray, weight: FloatArray, rtol: float
) -> tuple[FloatArray, FloatArray | None]:
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

    Returns
    -------
    imports : ndarray, shape (k, R P)
    m : ndarray, shape (k, n), or None
        The multipliers: a region's emissions are in the solutions for all consumers but itself.
        None if some region is not a consumer, or the only one.
    """
    p = table.content
    out = np.zeros((len(S), len(p.regions), len(p.sectors)))
    total = np.zeros(S.shape)
    consumers = np.flatnonzero(Y.any(axis=0))
    pairs = np.array([(e, q) for e in range(len(S)) for q in consumers], dtype=np.int32)
    for first in range(0, len(pairs), BLOCK):
        e, q = np.ascontiguousarray(pairs[first : first + BLOCK].T)
        abroad = np.where(p.region_codes == q[:, None], 0.0, S[e])
        m = solve_certified(table, abroad, by_row=True, weight=weight, rtol=rtol).values
        out[e, q] = sums.sector_sums_paired(m, Y, q, p.sector_codes, len(p.sectors))
        np.add.at(total, e, m)
    release_dense(table)
    others = len(p.regions) - 1
    known = others > 0 and consumers.size == len(p.regions)
    return out.reshape(len(S), -1), total / others if known else None


def _by_columns(
    table: Table,
    S: FloatArray,
    Y: FloatArray,
    weight: FloatArray,
    rtol: float,
    factors: DenseFactors | None = None,
) -> tuple[FloatArray, FloatArray]:
    """Solve for each row bought: the output for a unit of it, and where that emits.

    Parameters
    ----------
    table, S, Y, rtol
        The table, intensities, final demand by consumer, and the tolerance: see `_by_pairs`.
    weight : ndarray, shape (n,)
        t, in which outputs are certified.
    factors : DenseFactors, optional
        Dense LU that is accurate beyond doubt; without it the iterations are taken.

    Returns
    -------
    imports : ndarray, shape (k, R P)
    m : ndarray, shape (k, n)
        The multipliers, which are the sums over all regions; 0 for rows that nobody buys.
    """
    from carbonflows_fast.leontief import _blas

    p, k, threads = table.content, len(S), thread_count()
    sectors, regions = len(p.sectors), len(p.regions)
    out, m = np.zeros((k, regions * sectors)), np.zeros((k, len(weight)))
    buffer = np.empty(k * regions * SUMMED)
    rows_of = [np.flatnonzero(p.region_codes == r) for r in range(regions)]
    parts = [S[:, rows].T.copy(order="F") for rows in rows_of]
    shares = np.array_split(np.arange(k), threads)

    def add(share: IntArray, here: FloatArray, rows: IntArray) -> None:
        if share.size:
            some = slice(share[0], share[-1] + 1)
            demand, products = Y[rows].T.copy(), p.sector_codes[rows]
            m[some, rows] = sums.add_imports(here[some], demand, products, sectors, out[some])

    with ThreadPool(threads) as pool:
        for rows, X in _unit_outputs(table, np.flatnonzero(Y.any(axis=1)), weight, rtol, factors):
            for first in range(0, rows.size, SUMMED):
                some = rows[first : first + SUMMED]
                here = buffer[: k * regions * some.size].reshape(k, regions, some.size)
                for r, own in enumerate(rows_of):
                    x = np.asfortranarray(X[own, first : first + SUMMED])
                    _blas.multiply_transposed(x, parts[r], here[:, r].T)
                list(pool.map(add, shares, repeat(here), repeat(some)))
    return out, m


def _unit_factors(
    table: Table, bought: int, weight: FloatArray, rtol: float
) -> DenseFactors | None:
    """Return dense LU for units of all rows that are bought, where it is cheaper, fits, and is
    accurate beyond doubt."""
    prepared = system(table)
    method, _ = choose_method("auto", len(weight), prepared.tiles.nnz, bought, None)
    return (
        prepared.sure_factors(weight, UNIT_RTOL * (rtol / FOOTPRINT_RTOL))
        if method == "direct"
        else None
    )


def _unit_outputs(
    table: Table, rows: IntArray, weight: FloatArray, rtol: float, factors: DenseFactors | None
) -> Iterator[tuple[IntArray, FloatArray]]:
    """Yield some of the rows at a time, and the output (n, some) for a unit of each of them."""
    n, order = len(weight), system(table).tiles.order
    place = np.arange(n) if order is None else np.argsort(order)
    for first in range(0, rows.size, UNITS):
        some = rows[first : first + UNITS]
        if factors is None:
            units = np.zeros((n, some.size))
            units[some, np.arange(some.size)] = 1.0
            yield some, solve_certified(table, units, by_row=False, weight=weight, rtol=rtol).values
        else:
            X = factors.unit_solutions(place[some])
            yield some, X if order is None else X[place]
    release_dense(table)
