"""Inputs as requirement × origin, final demand as level × mix × origin: parts of their changes.

The parts of a change add up to it. A share is one of a sum, and a sum whose terms cancel has none
that mean anything: 5 and −4.9 would be shares of 50 and −49, a rounding more or less is a share of
1e16. How far a split holds is `clear`: all of it where at least half of what a sum is made of
remains, none of it where at most a quarter does, in proportion between the two, so that rounding
decides nothing. What is not split moves as a whole: inputs to technology; cells of final demand to
level and mix, each as if it were a product; where a consumer's whole demand cancels, level and mix
to the level. A product that is bought in one year only has no change of origin, by the same rule.

With sums clear by a quarter at least, all shares are 4 in sum at most, and no part of a change is
larger than 8 times the sum of all |cells| of both years, consumer by consumer and buyer by buyer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.machine import thread_count
from carbonflows_fast.decomposition._two_tables import TwoTables, Year
from carbonflows_fast.leontief import system

__all__ = [
    "DemandParts",
    "clear",
    "clear_slopes",
    "demand_parts",
    "parts_of_cells",
    "requirements",
    "requirements_of_years",
    "trade_of_shares",
    "trade_part",
    "trade_parts",
]

LEAST, FULL = 0.25, 0.5
"""|Σ| / Σ|terms| of a sum at and below which nothing is split, and from which on all is."""
AT_ONCE = 1 << 16  # entries whose parts are worked out while they are in cache


def clear(sums: FloatArray, sizes: FloatArray) -> FloatArray:
    """Return how far sums are clear of terms that cancel, from 0 to 1; 0 of no terms at all.

    Parameters
    ----------
    sums, sizes : ndarray
        Σ and Σ|·| of the same terms.

    Examples
    --------
    >>> clear(np.array([3.0, 2.0, 1.5, 1.0, 0.0]), np.array([3.0, 4.0, 4.0, 4.0, 0.0])).tolist()
    [1.0, 1.0, 0.5, 0.0, 0.0]
    """
    kept = np.divide(np.abs(sums), sizes, out=np.zeros_like(sums), where=sizes > 0)
    held: FloatArray = np.clip((kept - LEAST) / (FULL - LEAST), 0.0, 1.0)
    return held


def clear_slopes(sums: FloatArray, sizes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the derivatives of `clear` to sums and to sizes; 0 where it is 0 or 1."""
    held = clear(sums, sizes)
    inside = (held > 0.0) & (held < 1.0)
    over = np.divide(1.0 / (FULL - LEAST), sizes, out=np.zeros_like(sums), where=inside)
    return np.sign(sums) * over, -np.abs(sums) * over * _share(np.ones_like(sizes), sizes, inside)


def requirements_of_years(
    pair: TwoTables,
) -> tuple[tuple[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]:
    """Return c of both years, and Σ|a| of the same terms; (P, n) each."""
    c0, c1 = (_by_product(pair, year) for year in pair.years)
    sizes = [_sizes(pair, year, c) for c, year in zip((c0, c1), pair.years, strict=True)]
    return (c0, c1), (sizes[0], sizes[1])


def _share(parts: Any, sums: Any, held: Any) -> Any:
    """Return parts / sums where a split holds, 0 elsewhere."""
    shape, kind = np.broadcast_shapes(parts.shape, sums.shape), np.result_type(parts, sums)
    where = np.broadcast_to(held.real > 0, shape)
    return np.divide(parts, sums, out=np.zeros(shape, kind), where=where)


def requirements(pair: TwoTables) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return c of both years (what column j needs of product p, from any origin), and how far
    inputs are split by origin; (P, n) each.
    """
    (c0, c1), sizes = requirements_of_years(pair)
    return c0, c1, clear(c0, sizes[0]) * clear(c1, sizes[1])


def _by_product(pair: TwoTables, year: Year) -> FloatArray:
    codes = pair.product_codes
    products = int(codes.max()) + 1
    sums: FloatArray = year.tiles.core.row_group_sums(codes, products, thread_count())
    return sums.reshape(products, pair.n)


def _sizes(pair: TwoTables, year: Year, c: FloatArray) -> FloatArray:
    """Return Σ|a| over origins: c and twice the negative entries, of which there are few."""
    if system(year.table).nonnegative:
        return c
    indptr, indices, a = year.tiles.core.to_csr(thread_count())
    negative = np.flatnonzero(a < 0)
    rows = np.searchsorted(indptr, negative, side="right") - 1
    sizes = c.copy()
    np.subtract.at(sizes, (pair.product_codes[rows], indices[negative]), 2.0 * a[negative])
    return sizes


def trade_part(a0: Any, a1: Any, c0: Any, c1: Any, split: Any) -> Any:
    """Return c̄·Δt of coefficients a with requirements c, t = a / c: the part of Δa due to origins.

    The rest, Δa less this, is Δc·t̄, due to technology. `split` is how far c has origins.
    """
    return trade_of_shares(c0, c1, _share(a0, c0, split), _share(a1, c1, split), split)


def trade_of_shares(c0: Any, c1: Any, t0: Any, t1: Any, split: Any) -> Any:
    """Return c̄·Δt as far as it is split; compiled by `_path_kernels`, too."""
    return split * 0.5 * (c0 + c1) * (t1 - t0)


def trade_parts(pair: TwoTables) -> FloatArray:
    """Return the trade part of the change of every entry of the union."""
    pattern, a0, a1 = pair.union
    needs = [values.ravel() for values in requirements(pair)]
    starts = np.repeat(pair.product_codes * np.int64(pair.n), np.diff(pattern.indptr))
    part = np.empty_like(a0)
    for first in range(0, part.size, AT_ONCE):
        some = slice(first, first + AT_ONCE)
        here = starts[some] + pattern.indices[some]
        part[some] = trade_part(a0[some], a1[some], *(values[here] for values in needs))
    return part


@dataclass(frozen=True, slots=True, eq=False)
class DemandParts:
    """Parts of ΔY, each (n, q) in tile order; they add up to it.

    level, mix, origin : by the three-factor Shapley average, as far as there are shares
    heads : the part of `level` that is due to population, or None
    """

    level: FloatArray
    mix: FloatArray
    origin: FloatArray
    heads: FloatArray | None


def demand_parts(pair: TwoTables, *, logarithmic: bool = False) -> DemandParts:
    """Split the change of final demand, consumer by consumer.

    Y = l·b·o where level and origins have shares, l·(Y/l) where only the level has, (l b)·o where
    only the origins have. The level is population × level per head: the mean of both orders, or
    by logarithms, where Δl is Λ(l) (ln P₁/P₀ + ln of the ratio of levels per head).
    """
    Y0, Y1 = pair.before.Y, pair.after.Y
    codes, products = pair.product_codes, int(pair.product_codes.max()) + 1
    B0, B1 = (sums.sum_by_group(Y, codes, products) for Y in (Y0, Y1))
    G0, G1 = (sums.sum_by_group(np.abs(Y), codes, products) for Y in (Y0, Y1))
    l0, l1 = B0.sum(axis=0), B1.sum(axis=0)
    whole = clear(l0, G0.sum(axis=0)) * clear(l1, G1.sum(axis=0))
    split = (clear(B0, G0) * clear(B1, G1))[codes]
    level, mix, origin, unit = parts_of_cells(Y0, Y1, B0[codes], B1[codes], l0, l1, split, whole)
    return DemandParts(level, mix, origin, _heads(pair, l0, l1, unit, logarithmic))


def parts_of_cells(
    Y0: Any, Y1: Any, B0: Any, B1: Any, l0: Any, l1: Any, split: Any, whole: Any
) -> tuple[Any, Any, Any, Any]:
    """Return level, mix and origin of the change of each cell, and what a unit of the level buys.

    Cells (n, q), what their consumer buys of the product from anywhere, (n, q), and of everything,
    (q,); and how far origins and the level have shares. Numbers may be complex, to differentiate.
    """
    o0, o1 = _share(Y0, B0, split), _share(Y1, B1, split)
    b0, b1 = _share(B0, l0, whole), _share(B1, l1, whole)
    cell0, cell1 = _share(Y0, l0, whole), _share(Y1, l1, whole)

    def mixed(of_all: Any, of_cells: Any) -> Any:
        return split * of_all + (1.0 - split) * of_cells

    unit = whole * mixed(_mean_of_two(b0, b1, o0, o1), 0.5 * (cell0 + cell1))
    bought = (1.0 - whole) * mixed((B1 - B0) * 0.5 * (o0 + o1), Y1 - Y0)
    level = (l1 - l0) * unit + bought
    mix = whole * mixed((b1 - b0) * _mean_of_two(l0, l1, o0, o1), 0.5 * (l0 + l1) * (cell1 - cell0))
    origin = (
        split * (o1 - o0) * (whole * _mean_of_two(l0, l1, b0, b1) + (1.0 - whole) * 0.5 * (B0 + B1))
    )
    return level, mix, origin, unit


def _mean_of_two(f0: Any, f1: Any, g0: Any, g1: Any) -> Any:
    """Return the Shapley mean of f g, two of three factors: ∫ f(t) g(t) dt on straight lines."""
    return (f0 * g0 + f1 * g1) / 3.0 + (f0 * g1 + f1 * g0) / 6.0


def _heads(
    pair: TwoTables, l0: FloatArray, l1: FloatArray, unit: FloatArray, logarithmic: bool
) -> FloatArray | None:
    """Return the part of the level that is due to population, if both tables know it."""
    if pair.heads is None:
        return None
    p0, p1 = pair.heads
    change = (p1 - p0) * 0.5 * (l0 / p0 + l1 / p1)
    if logarithmic:
        from carbonflows_fast.decomposition._logarithms import log_mean, log_ratio

        # A level that changes sign has no logarithm.
        change = np.where(l0 * l1 < 0, change, log_mean(l0, l1) * log_ratio(p0, p1))
    part: FloatArray = change * unit
    return part
