"""Certified error bounds: a proof of the error of a solve from its residual.

With B = |A| and any weight t > 0, a vector w > 0 with c' = w'(I − B) > 0 proves that I − A is
invertible and that, for the residual r = y − (I − A) x̃,

    Σ t_j |x̃ − x|_j  ≤  max_j (t_j / c_j) · Σ w_i |r_i| .

w need not be exact: it is checked, rounding included, and so is the residual. A small residual
alone proves nothing (a relative residual of 1e-8 has been seen with an error of 20 %).

All that is used of w is that scale · w' ≥ t'|L|, L = (I − A)⁻¹. Where by-products, which are
negative inputs, make |A| too large for such a w, `_byproducts` proves that in another way.

Source: Berman & Plemmons (1994), Nonnegative Matrices in the Mathematical Sciences, ch. 6
(M-matrices); Higham (2002), Accuracy and Stability of Numerical Algorithms, ch. 3 (rounding).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.leontief._tiles import RegionTiles

__all__ = [
    "TINY",
    "UNIT_ROUNDOFF",
    "Certificate",
    "Proof",
    "added_up",
    "checked_margin",
    "prove",
    "rounding",
    "seen_through",
    "weighted",
]

UNIT_ROUNDOFF = 2.0**-53
TINY = 5e-324
"""What a product too small for float64 may lose."""


def rounding(terms: int) -> float:
    """Return how wrong a sum of products may be, as a part of Σ|products|.

    Lemma (Higham 2002, ch. 3): where each term passes through at most k roundings, in any order
    and with or without fused multiply-add, the sum is off by at most γ Σ|terms|,
    γ = k u / (1 − k u), u = 2⁻⁵³. Here k is `terms`, the most additions that one passes through,
    and 4 for its product and for scalings; twice that, so that Σ|terms| may be a computed sum too,
    and so that 1 + rounding(terms) covers the evaluation of a bound. Every bound of this package
    takes its rounding from here.

    >>> rounding(4) == 2.0**-49
    True
    """
    return 2.0 * UNIT_ROUNDOFF * (terms + 4)


def seen_through(values: FloatArray, weight: FloatArray) -> float:
    """Return max |values| / weight: what Σ weight |error| ≤ 1 leaves of Σ |values error|."""
    with np.errstate(over="ignore"):  # infinite is a bound, too
        return float(np.max(np.abs(values) / weight, initial=0.0))


def added_up(weights: FloatArray, sizes: FloatArray) -> float:
    """Return Σ weights sizes, for both ≥ 0: infinite weights count only where there is a size."""
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.where(sizes > 0.0, weights * sizes, 0.0).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Certificate:
    """A checked weight vector for one direction and one weight of the error.

    weight : t, shape (n,); guard : w, shape (n,); scale : max t / c, so that scale w' ≥ t'|L|.
    absolute : whether w'(I − |A|) > 0, so that L of |A| may replace L; not with by-products.
    """

    weight: FloatArray
    guard: FloatArray
    scale: float
    absolute: bool = True


def checked_margin(tiles: RegionTiles, w: FloatArray, *, adjoint: bool, threads: int) -> FloatArray:
    """Return a lower bound on c, c' = w'(I − |A|), that holds in exact arithmetic.

    With `adjoint`, on u = (I − |A|) w instead.

    Parameters
    ----------
    w : ndarray, shape (n,)
        In tile order, positive.
    """
    product = tiles.product(w[:, None], adjoint=not adjoint, absolute=True, threads=threads)[:, 0]
    margin: FloatArray = (w - product * (1 + rounding(tiles.additions))) * (1 - 4 * UNIT_ROUNDOFF)
    return margin


def weighted(w: FloatArray, X: FloatArray) -> FloatArray:
    """Return w'X without BLAS, whose threads would go on spinning beside the next pass."""
    sums: FloatArray = np.einsum("i,ij->j", w, X)
    return sums


@dataclass(frozen=True, slots=True, eq=False)
class Proof:
    """What is proved about approximate solutions, one number a column.

    bounds : on Σ t|x̃ − x| / Σ t|x̃|; 0 for a column of zeros, infinite where x̃ alone is zero.
    rounding : the part of the bounds that no further iteration can remove.
    residuals : Σ|r| / Σ|y|, as computed.
    left : the residual y − (I − A) x̃ itself, shape (n, k).
    """

    bounds: FloatArray
    rounding: FloatArray
    residuals: FloatArray
    left: FloatArray

    @property
    def bound(self) -> float:
        """The largest bound."""
        return float(self.bounds.max(initial=0.0))


def prove(
    tiles: RegionTiles,
    certificate: Certificate,
    X: FloatArray,
    Y: FloatArray,
    *,
    adjoint: bool,
    threads: int,
) -> Proof:
    """Bound the error of X against the exact solution of (I − A) X = Y, column by column.

    One pass over A, with any signs: w'(I − |A|) > 0 implies w'|A||x| ≤ w'|x|, so the rounding of
    A x needs no product with |A|. With by-products this does not hold, and a second pass is needed.

    Parameters
    ----------
    X, Y : ndarray, shape (n, k)
        In tile order.
    """
    n, k = X.shape
    bounds, fixed, residuals = np.zeros(k), np.zeros(k), np.zeros(k)
    left = np.empty((n, k))
    slack = rounding(tiles.additions)
    final = certificate.scale * (1 + rounding(2 * n + 12))
    step = 64  # columns at a time, so that temporaries stay small
    for first in range(0, k, step):
        here = slice(first, min(first + step, k))
        x, y = X[:, here], Y[:, here]
        guard = certificate.guard
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            r = left[:, here] = (y - x) + tiles.product(x, adjoint=adjoint, threads=threads)
            size_x, size_r = np.abs(x), np.abs(r)
            total = weighted(certificate.weight, size_x)
            bought = size_x
            if not certificate.absolute:
                bought = tiles.product(size_x, adjoint=adjoint, absolute=True, threads=threads)
            doubt = slack * weighted(guard, np.abs(y) + size_x + bought)
            # Products too small for float64: of A and x, then of w and r.
            doubt += 1e-300 * guard.sum() + n * TINY
            bounds[here] = final * (weighted(guard, size_r) + doubt) / total
            # If only x̃ is zero, the next step decides the rounding.
            fixed[here] = np.where(total > 0.0, final * doubt / total, 0.0)
            residuals[here] = size_r.sum(axis=0) / np.abs(y).sum(axis=0)
        zero = ~y.any(axis=0) & ~x.any(axis=0)
        bounds[here][zero] = fixed[here][zero] = residuals[here][zero] = 0.0
    # NaN comes from overflow or from NaN itself, and proves nothing.
    bounds[np.isnan(bounds)] = np.inf
    return Proof(bounds, fixed, residuals, left)
