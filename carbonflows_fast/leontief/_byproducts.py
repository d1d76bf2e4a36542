"""Proofs for by-products: negative inputs too large for the proof by sizes, w'(I − |A|) > 0.

Stone's method records a by-product of a sector as a negative input.
Such a table may be sound, its outputs positive and I − A well conditioned, though |A| has a
spectral radius above 1. The proof needs only scale · h' ≥ t'|L|, and finds it by computing R ≈ L a
few columns at a time, none of which is kept: with E = I − (I − A) R and h' ≥ t'|R|,

    h'|E| ≤ θ h',  θ < 1   implies   t'|L| ≤ h' / (1 − θ),

for L = R + L E, hence t'|L| ≤ h' + t'|L||E|, again and again. R need not be exact: E is checked,
rounding included. That costs 8 n³ operations, which is why it has a limit.

Source: Rump (2010), Verification methods, Acta Numerica 19, ch. 10; Stone (1961), Input-Output and
National Accounts (by-products).
"""

from __future__ import annotations

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.leontief._certificate import Certificate, rounding
from carbonflows_fast.leontief._dense_lu import DenseFactors
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = ["MOST_ROWS", "certificate_by_columns", "productive_without"]

MOST_ROWS = 10_000
"""Rows up to which it is tried: a minute or so, and 0.8 GB for the factors."""
COLUMNS = 256
"""Columns of R at a time."""
MOST_LEFT = 0.5
"""θ above which the factors are too inaccurate to build on."""


def productive_without(
    tiles: RegionTiles, t: FloatArray, threads: int, *, part: bool = False
) -> bool:
    """Return whether I − A⁺, A without its negative entries, is proved to be an M-matrix.

    Then no sector needs more than it delivers, and negative entries are by-products. Otherwise the
    table is not productive, even if a solve gives numbers. A sector all of whose inputs are
    negative has a negative output instead, which is a fault of the table. In a `part` of a table it
    may be that its other inputs are elsewhere.
    """
    ones = np.ones((tiles.n, 1))
    sums, around = (
        tiles.product(ones, adjoint=True, absolute=absolute, threads=threads)[:, 0]
        for absolute in (False, True)
    )
    if not part and ((around > 0.0) & (sums == -around)).any():  # both are rounded in the same way
        return False
    factors = DenseFactors(tiles, positive=True)
    w = np.ascontiguousarray(factors.solve(t[:, None], adjoint=True)[:, 0])
    if not np.isfinite(w).all() or w.min(initial=1.0) <= 0.0:
        return False
    # A⁺ = (A + |A|) / 2.
    signed, sizes = (
        tiles.product(w[:, None], adjoint=True, absolute=absolute, threads=threads)[:, 0]
        for absolute in (False, True)
    )
    least = w - (signed + sizes) / 2 - rounding(tiles.additions) * (w + sizes)
    return bool(least.min(initial=1.0) > 0.0)


def certificate_by_columns(
    tiles: RegionTiles, factors: DenseFactors, t: FloatArray, *, adjoint: bool, threads: int
) -> Certificate | None:
    """Return a certificate for errors weighted by t > 0, shape (n,), in tile order, or None.

    Parameters
    ----------
    factors : DenseFactors
        Of I − A in float64.
    """
    n = tiles.n
    guard, kept, left = np.empty(n), np.empty(n), np.empty(n)

    def columns(first: int) -> tuple[slice, FloatArray, FloatArray]:
        here = slice(first, min(first + COLUMNS, n))
        units = np.zeros((n, here.stop - first))
        units[np.arange(first, here.stop), np.arange(here.stop - first)] = 1.0
        return here, units, np.ascontiguousarray(factors.solve(units, adjoint=adjoint))

    with np.errstate(all="ignore"):  # an overflow proves nothing, and is noticed below
        for first in range(0, n, COLUMNS):
            here, _, R = columns(first)
            guard[here] = (1 + rounding(n)) * (t @ np.abs(R))
        for first in range(0, n, COLUMNS):
            here, units, R = columns(first)
            sizes = np.abs(R)
            error = np.abs((units - R) + tiles.product(R, adjoint=adjoint, threads=threads))
            around = tiles.product(sizes, adjoint=adjoint, absolute=True, threads=threads)
            error += rounding(tiles.additions) * (units + sizes + around) + 1e-300
            left[here] = (guard @ error) / guard[here]
            kept[here] = (t @ sizes) / guard[here]
        theta = float(left.max(initial=0.0)) * (1 + rounding(n))
        scale = float(kept.max(initial=0.0)) * (1 + rounding(n)) / (1.0 - theta)
    sound = np.isfinite(guard).all() and guard.min(initial=1.0) > 0.0
    if not sound or not theta <= MOST_LEFT or not np.isfinite(scale):
        return None
    return Certificate(t, guard, scale * (1 + rounding(4)), absolute=False)
