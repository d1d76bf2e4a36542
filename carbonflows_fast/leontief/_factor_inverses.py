"""The inverses of the two triangular factors of I − A, for sums over all of L = (I − A)⁻¹.

I − A = L̂ Û takes 2/3 n³ operations, and U = Û⁻¹ and V = L̂⁻¹ take 1/3 n³ each: half of what L
itself takes, since numpy's inverse spends 8/3 n³. Both lie in the memory of the factors, and sums
of the form S U V Y need no product U V.

Rows that neither buy nor sell among industries are left out: for them L is that of I.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.leontief._certificate import Certificate, rounding
from carbonflows_fast.leontief._tiles import IntArray, RegionTiles

__all__ = ["FactorInverses", "factor_inverses"]

WIDTH = 256
"""Rows of an inverse that are solved for at a time."""


@dataclass(frozen=True, slots=True, eq=False)
class FactorInverses:
    """U and V with (I − A)⁻¹ ≈ d⁻¹ U V d on some rows, within a proved bound.

    values : shape (m, m), columns in a row; U on and above the diagonal, V below it, where V has
    ones on the diagonal.
    rows : the rows of the table, shape (m,), in tile order.
    others : the rows left out, where I − A is I.
    scale : d, shape (m,); None for ones.
    bound : the proved bound, relative to Σ t (U V |y|).
    """

    values: FloatArray
    rows: IntArray
    others: IntArray
    scale: FloatArray | None
    bound: float


def factor_inverses(
    tiles: RegionTiles, certificate: Certificate, rtol: float, threads: int
) -> FactorInverses | None:
    """Return them if Σ t|x̃ − x| ≤ rtol Σ t (U V |y|) for every y, with t of the certificate.

    None if that cannot be proved: where rows had to be exchanged, or signs differ too much.

    The bound: with |L̂ Û − (I − A)|, |L̂ V − I| and |Û U − I| at most γ times the product of the
    sizes (Higham 2002, theorems 9.3 and 8.5), the residual of R = U V is

        |I − (I − A) R| ≤ γ (|L̂||Û||U||V| + |L̂||Û||U||V| + |L̂||V|) ≤ 3 γ |L̂||Û||U||V|,

    for |L̂| ≤ (1 + γ) |L̂||Û||U|. With a' = w'|L̂||Û| ≤ c t', t'|R − L| ≤ scale · 3 γ c t'|U||V|.
    """
    from scipy.linalg import lapack

    ones = np.ones((tiles.n, 1))
    sold, bought = (
        tiles.product(ones, adjoint=adjoint, absolute=True, threads=threads)[:, 0]
        for adjoint in (False, True)
    )
    rows = np.flatnonzero((sold > 0.0) | (bought > 0.0))
    # Where no column of A adds up to 1, I − A has dominant columns, and LU exchanges no rows.
    scale = certificate.guard[rows] if bought.max(initial=0.0) >= 1.0 else None
    values = _matrix(tiles, rows, scale, threads)
    if rows.size:
        values, pivots, failed = lapack.dgetrf(values, overwrite_a=True)
        if failed or (pivots != np.arange(rows.size)).any():
            return None
    d = np.ones(rows.size) if scale is None else scale
    with np.errstate(over="ignore", invalid="ignore"):
        sizes = sums.lu_sizes(values.T, certificate.guard[rows] / d)
        weight = certificate.weight[rows] / d
        # 3 n for factors and both substitutions; the rest for I − A, divisions and these sums.
        rounded = rounding(5 * rows.size // 2 + 32)
        bound = float(certificate.scale * rounded * np.max(sizes / weight, initial=0.0))
        if not bound <= rtol:
            return None
        _invert(values)
        bound *= _cancelled(values, weight)
    if not bound <= rtol:
        return None
    table_rows = np.arange(tiles.n) if tiles.order is None else tiles.order
    others = np.delete(table_rows, rows)
    return FactorInverses(values, table_rows[rows], others, scale, bound)


def _matrix(
    tiles: RegionTiles, rows: IntArray, scale: FloatArray | None, threads: int
) -> FloatArray:
    """Return d (I − A) d⁻¹ on these rows, columns in a row; with d = w columns are dominant."""
    n, m = tiles.n, rows.size
    dense = np.empty((n, n), order="F")
    tiles.core.to_dense(False, dense, threads)
    if m < n:  # one column after the other, to the left in the same memory
        flat = dense.reshape(-1, order="F")
        for to, column in enumerate(rows):
            flat[to * m : (to + 1) * m] = dense[rows, column]
        dense = flat[: m * m].reshape((m, m), order="F")
    # It holds −A. Scaling leaves the diagonal as it is, where a rounding of a_jj would be a large
    # part of 1 − a_jj.
    diagonal = 1.0 + dense.diagonal()
    if scale is not None:
        dense *= scale[:, None]
        dense /= scale
    dense[np.diag_indices(m)] = diagonal
    return dense


def _invert(values: FloatArray) -> None:
    """Overwrite factors L and U, which share an array, with their inverses, some rows at a time.

    Row i of an inverse X is −(row i of T without the diagonal) X, divided by T_ii: substitution, in
    the memory of T, which needs no row of T again.
    """
    from carbonflows_fast.leontief import _blas

    m = len(values)
    starts = range(0, m, WIDTH)
    for lower in (True, False):
        for first in starts if lower else reversed(starts):
            here = slice(first, min(first + WIDTH, m))
            corner, done = values[here, here], slice(0, first) if lower else slice(here.stop, m)
            if done.start < done.stop:
                _blas.multiply_triangular(values[here, done], values[done, done], lower=lower)
                _blas.solve_triangular(corner, values[here, done], lower=lower)
            X = np.eye(len(corner), order="F")
            _blas.solve_triangular(corner, X, lower=lower)
            below = np.tri(len(corner), k=-1, dtype=bool)
            np.copyto(corner, X, where=below if lower else ~below)


def _cancelled(values: FloatArray, weight: FloatArray) -> float:
    """Return max t'|U||V| / |t' U V|: 1 where nothing in them is negative."""
    if values.min(initial=0.0) >= 0.0:
        return 1.0
    signed, sizes = weight, weight
    for upper in (True, False):
        signed = _times(signed, values, upper)
        sizes = _times(sizes, np.abs(values), upper)
    with np.errstate(divide="ignore"):
        return float(np.max(sizes / np.abs(signed), initial=1.0)) * (1 + rounding(2 * weight.size))


def _times(w: FloatArray, values: FloatArray, upper: bool) -> FloatArray:
    """Return w'U, or w'V."""
    out = np.empty_like(w) if upper else w.copy()
    for first in range(0, w.size, WIDTH):
        here = slice(first, first + WIDTH)
        part = np.triu(values[:, here], -first) if upper else np.tril(values[:, here], -first - 1)
        out[here] = w @ part if upper else out[here] + w @ part
    return out
