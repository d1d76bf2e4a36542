"""Derivatives of accounts and flows, in the terms that sums over cells are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import CodeArray, FloatArray
from carbonflows_fast.uncertainties._spread import Point

__all__ = ["ACCOUNTS", "Answers", "Derivative", "account_derivatives"]

ACCOUNTS = ("production", "consumption", "imports", "exports", "net_imports", "households")
WITH_DIRECT = ("production", "consumption", "households")
"""Accounts that the emissions of final users belong to."""


def account_derivatives(total: FloatArray, own: FloatArray) -> dict[str, tuple[Any, Any]]:
    """Return each account's derivatives: what multiplies ξ^q, and what their sum over q.

    `total` (n, 1) belongs to what all regions emit, `own` (n, R) to what each does.
    """
    return {
        "production": (0.0, own),
        "consumption": (total, 0.0),
        "imports": (total - own, 0.0),
        "exports": (-own, own),
        "net_imports": (total, -own),
        "households": (0.0, 0.0),
    }


@dataclass(frozen=True, slots=True, eq=False)
class Derivative:
    """Derivatives of an account, or of the flows from a region, for each region q.

    Attributes
    ----------
    along, beyond : ndarray, shape (n, 1) or (n, R)
        What multiplies ξ_j^q − ξ_i^q, and Σ_q of it, where z_ij changes by a share of x_i.
    emitted : ndarray, shape (n, R)
        That of what row i emits.
    direct : bool
        Whether emissions of final users belong to it.
    """

    along: FloatArray
    beyond: FloatArray
    emitted: FloatArray
    direct: bool

    def about(self, region: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return those of one region: along and beyond (n, 1), emitted (n,)."""
        along, beyond = (
            one if one.shape[1] == 1 else one[:, region, None] for one in (self.along, self.beyond)
        )
        return along, beyond, self.emitted[:, region]


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """The cells of a frame of accounts or flows, and their derivatives, made when asked for.

    Attributes
    ----------
    of : str
        "accounts" or "flows".
    at : Point
    codes : ndarray, shape (n,)
        Region of each row.
    """

    of: str
    at: Point
    codes: CodeArray

    def __len__(self) -> int:
        """Return how many derivatives there are: accounts, or emitting regions."""
        return len(ACCOUNTS) if self.of == "accounts" else self.at.shares.shape[1]

    def __getitem__(self, which: int) -> Derivative:
        """Return the derivative of an account, or of an emitting region."""
        shares, carried = self.at.shares, self.at.carried
        n = len(shares)
        if self.of == "flows":
            emitted = (self.codes == which)[:, None] * shares
            return Derivative(carried[:, [which]], np.zeros((n, 1)), emitted, direct=False)
        here = (self.codes[:, None] == np.arange(shares.shape[1])).astype(np.float64)
        everyone = shares.sum(axis=1, keepdims=True)
        name = ACCOUNTS[which]
        along, beyond = account_derivatives(carried.sum(axis=1, keepdims=True), carried)[name]
        by_share, by_sum = account_derivatives(np.ones((n, 1)), here)[name]
        along, beyond = (one + np.zeros((n, 1)) for one in (along, beyond))
        emitted = by_share * shares + by_sum * everyone
        return Derivative(along, beyond, emitted, direct=name in WITH_DIRECT)

    def find(self, row: int, column: int) -> tuple[Derivative, int]:
        """Return the derivative of a cell of the frame, and which region q it is about."""
        which, region = (column, row) if self.of == "accounts" else (row, column)
        return self[which], region
