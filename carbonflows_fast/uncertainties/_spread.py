"""What independent errors of Z and Y do to all flows at once: squares of derivatives, summed.

With p_i = m_i x_i the emissions that row i's output carries and ξ_i^q the share of it that serves
consumer q, a relative change of z_ij changes E by p_i (z_ij / x_i)(ξ_j^q − ξ_i^q). A column of Y is
a buyer like another, whose ξ^q is 1 for its own region and 0 for all others. So variances are

    Q_i(a, b) = Σ_j v_ij (a_j − a_i)(b_j − b_i)
              = (V ab)_i − a_i (V b)_i − b_i (V a)_i + a_i b_i (V 1)_i,   v_ij = (d_ij z_ij / x_i)²

for a and b among the ξ^q and their sum: one pass of V over two columns for each consumer, and over
a third one where the table does not balance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.uncertainties._error_model._cells import Cells

__all__ = ["Buyers", "FinalBuyers", "Industries", "Point", "Spread", "paired", "spread_of"]


BALANCED = 1e-8
"""Of a row's output: less than that is left over by solves, not by the table."""

AT_ONCE = 24
"""Consumers whose columns are passed over together: a panel of the passes, and little memory."""


@dataclass(frozen=True, slots=True, eq=False)
class Point:
    """The solved table that derivatives are taken at.

    Attributes
    ----------
    shares : ndarray, shape (n, R)
        ξ_i^q = x_i^(q) / x_i, 0 without output.
    centre : ndarray, shape (R,)
        Subtracted from ξ^q where only differences count, so that less cancels.
    carried : ndarray, shape (n, R)
        m_i^r x_i over `scale`, for the emissions of each region r.
    scale : float
        The largest of these, and of F and F_Y: squares of the rest stay in float64.
    """

    shares: FloatArray
    centre: FloatArray
    carried: FloatArray
    scale: float

    @property
    def centred(self) -> FloatArray:
        return self.shares - self.centre

    @property
    def surplus(self) -> FloatArray:
        """Σ_q ξ_i^q − 1, (n, 1): 0 where the table balances but for what solves leave."""
        found = self.shares.sum(axis=1, keepdims=True) - 1.0
        surplus: FloatArray = np.where(np.abs(found) > BALANCED, found, 0.0)
        return surplus


class Buyers(Protocol):
    """Who buys, with the variances of what they buy."""

    def of_surplus(self, at: Point) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return V 1, V f and V f², f the surplus."""
        ...

    def of_shares(self, at: Point, a: FloatArray, here: slice) -> tuple[FloatArray, ...]:
        """Return V a, V a² and V af for a the centred shares of these consumers."""
        ...

    def pairs(self, at: Point, weight: FloatArray) -> FloatArray:
        """Return Σ_i w_i Σ_j v_ij a_j^q a_j^s, shape (R, R), for a weight (n,)."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Industries:
    """The columns of Z, with v_ij as cells to multiply with."""

    cells: Cells

    def of_surplus(self, at: Point) -> tuple[FloatArray, FloatArray, FloatArray]:
        f = at.surplus
        one, nothing = np.ones_like(f), np.zeros_like(f)
        if not f.any():
            return self.cells.times(one), nothing, nothing
        wide = self.cells.times(np.concatenate([one, f, f * f], axis=1))
        return wide[:, :1], wide[:, 1:2], wide[:, 2:]

    def of_shares(self, at: Point, a: FloatArray, here: slice) -> tuple[FloatArray, ...]:
        f = at.surplus
        columns = [a, a * a, a * f] if f.any() else [a, a * a]
        parts = np.split(self.cells.times(np.concatenate(columns, axis=1)), len(columns), axis=1)
        return (*parts, np.zeros_like(a)) if len(columns) == 2 else tuple(parts)

    def pairs(self, at: Point, weight: FloatArray) -> FloatArray:
        a = at.centred
        return paired(a, self.cells.times(weight[:, None], adjoint=True) * a)


@dataclass(frozen=True, slots=True, eq=False)
class FinalBuyers:
    """The columns of Y, with v_ip summed by consumer, (n, R)."""

    variances: FloatArray

    def of_surplus(self, at: Point) -> tuple[FloatArray, FloatArray, FloatArray]:
        one = self.variances.sum(axis=1, keepdims=True)
        return one, np.zeros_like(one), np.zeros_like(one)

    def of_shares(self, at: Point, a: FloatArray, here: slice) -> tuple[FloatArray, ...]:
        V, c = self.variances[:, here], at.centre[here]
        one = self.variances.sum(axis=1, keepdims=True)
        return V - c * one, V * (1.0 - 2.0 * c) + c * c * one, np.zeros_like(a)

    def pairs(self, at: Point, weight: FloatArray) -> FloatArray:
        a = np.eye(at.centre.size) - at.centre
        return paired(a, (self.variances * weight[:, None]).sum(axis=0)[:, None] * a)


@dataclass(frozen=True, slots=True, eq=False)
class Spread:
    """Q_i for the shares a and the surplus f, and the covariance of consumption accounts.

    Attributes
    ----------
    aa, af : ndarray, shape (n, R)
    ff : ndarray, shape (n, 1)
    consumption : ndarray, shape (R, R)
        Σ_i p_i² Q_i(ξ^q, ξ^s), p of all emitting regions, for an error of a cell is shared by all.
    """

    aa: FloatArray
    af: FloatArray
    ff: FloatArray
    consumption: FloatArray

    def flows(self, at: Point) -> FloatArray:
        """Return the variances of E_rq, (R, R)."""
        return paired(np.square(at.carried), self.aa)

    def variance(self, along: FloatArray | float, beyond: FloatArray | float) -> FloatArray:
        """Return Σ_i Q_i of the derivative along × ξ^q + beyond × Σ_q ξ^q, for each q."""
        squares = along * along * self.aa + beyond * beyond * self.ff
        square = squares + 2.0 * along * beyond * self.af
        total: FloatArray = np.maximum(square.sum(axis=0), 0.0)
        return total

    def production(self, at: Point) -> FloatArray:
        """Return the covariance of production accounts, (R, R)."""
        return paired(at.carried, at.carried * self.ff)

    def net_imports(self, at: Point) -> FloatArray:
        """Return the covariance of consumption less production, (R, R)."""
        both = paired(at.carried.sum(axis=1, keepdims=True) * self.af, at.carried)
        return self.consumption - both - both.T + self.production(at)


def spread_of(buyers: Buyers, at: Point) -> Spread:
    """Pass over the variances, some consumers at a time, and put the squares together."""
    centred, f = at.centred, at.surplus
    one, Vf, Vff = buyers.of_surplus(at)
    weight = np.square(at.carried.sum(axis=1))
    aa, af = np.empty(centred.shape), np.empty(centred.shape)
    size = centred.shape[1]
    mixed = np.empty((size, size))
    for first in range(0, size, AT_ONCE):
        here = slice(first, first + AT_ONCE)
        a = centred[:, here]
        Va, Vaa, Vaf = buyers.of_shares(at, a, here)
        mixed[:, here] = paired(centred, weight[:, None] * Va)
        aa[:, here] = np.maximum(Vaa - 2.0 * a * Va + a * a * one, 0.0)
        af[:, here] = Vaf - a * Vf - f * Va + a * f * one
    pairs = buyers.pairs(at, weight) + paired(centred, weight[:, None] * one * centred)
    ff = np.maximum(Vff - 2.0 * f * Vf + f * f * one, 0.0)
    return Spread(aa, af, ff, consumption=pairs - mixed - mixed.T)


def paired(left: FloatArray, right: FloatArray) -> FloatArray:
    """Return left' right with the same bits for any number of threads, as BLAS has not."""
    out: FloatArray = np.einsum("ir,iq->rq", left, right)
    return out
