"""The weights in which the errors of accounts are bounded."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.leontief._right_hand_sides import raised

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = [
    "account_weight",
    "demand_weight",
    "positive_output",
    "purchase_weight",
]


def positive_output(table: Table) -> FloatArray:
    """Return x with the smallest positive output in place of every output that is not positive."""
    x = table.x.to_numpy()
    positive = x[x > 0]
    return np.where(x > 0, x, positive.min() if positive.size else 1.0)


def account_weight(s: FloatArray, x: FloatArray) -> FloatArray:
    """Return the weight t in which the accounts of a stressor are certified.

    t_j = |s_j| + 0.01 E / (n x_j), with E = Σ|s|x: a number per unit of output, positive and
    independent of the rows' units (docs/explanation/certified_bounds.md). An error bounded in this
    weight bounds the error of every account of the stressor, for Σ|s||x̃ − x| ≤ Σ t|x̃ − x|.

    Parameters
    ----------
    s : ndarray, shape (n,)
        Emissions per unit of output.
    x : ndarray, shape (n,)
        Output. The smallest positive output replaces those that are not positive.

    Returns
    -------
    ndarray, shape (n,)
        All ones where the stressor is zero everywhere.

    Examples
    --------
    >>> import numpy as np
    >>> account_weight(np.array([0.5, 1.0]), np.array([100.0, 50.0]))
    array([0.505, 1.01 ])
    """
    positive = x > 0
    if not positive.any():
        return np.abs(s) + 1.0
    with np.errstate(over="ignore"):  # emissions and outputs that the solve refuses anyway
        total = float(np.abs(s[positive]) @ x[positive])
        if total == 0:
            return raised(np.abs(s) + 1.0)
        t = np.abs(s) + 0.01 * total / (s.size * np.where(positive, x, x[positive].min()))
    return raised(t)


def demand_weight(y: FloatArray, x: FloatArray) -> FloatArray:
    """Return the weight b = |y| + 0.01 x in which multipliers are certified.

    Parameters
    ----------
    y : ndarray, shape (n,)
        Final demand that the multipliers will meet, or the sum of the sizes of its parts.
    x : ndarray, shape (n,)
        Positive outputs.

    Returns
    -------
    ndarray, shape (n,)
        Σ b|m̃ − m| bounds the error of m'y.
    """
    return raised(np.abs(y) + 0.01 * x)


def purchase_weight(table: Table) -> FloatArray:
    """Return b = x + |Y|, the weight that bounds errors of purchases, intermediate and final.

    No final demand, and nothing that some rows deliver to the others, is more than that.
    """
    return raised(positive_output(table) + np.abs(table.content.Y).sum(axis=1))
