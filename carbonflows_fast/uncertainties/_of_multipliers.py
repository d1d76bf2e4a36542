"""What errors of cells do to sums of multipliers, m'v, for some vectors of purchases v.

With (I − A)'m = s and ξ = (L v) / x, an error of z_ij moves m'v by m_i (ξ_j − ξ_i), one of y_ip by
−m_i ξ_i, and one of f_i by ξ_i. L v is solved for one column a vector. A vector that is as large as
the outputs it buys of gives ξ of about 1 at most, without unit.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base.arguments import tolerance
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._solves import solve_certified, solve_multipliers
from carbonflows_fast.accounting._weights import account_weight, demand_weight, positive_output
from carbonflows_fast.table._stressors import select_stressor
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
)
from carbonflows_fast.uncertainties._error_model._errors import Errors, SharedError, named

if TYPE_CHECKING:
    from carbonflows_fast.table import Table

__all__ = ["MOST_PRODUCTS", "Moved", "deviations"]

MOST_PRODUCTS = 1_000
"""Columns of L that are kept at once."""
AT_ONCE = 24
"""Vectors whose columns are passed over together: a panel of the passes, and little memory."""

ROUNDED = 2e-15
"""Of the squares that cancel: less than that is what rounding leaves where buyers are alike."""


def deviations(
    table: Table, stressor: Any, errors: Errors, V: sp.csr_array, rtol: float
) -> FloatArray:
    """Return standard deviations of V m, (P,), V (P, n) being exact.

    P is at most MOST_PRODUCTS.

    Raises
    ------
    LabelError, InputError
        If the errors do not fit the table.
    NotProductiveError, ConvergenceError
    """
    sizes = abs(V) @ np.abs(table.x.to_numpy())
    sides = (V * sizes[:, None]).toarray().T
    found = Moved(table, select_stressor(table, stressor), errors, sides, tolerance(rtol))
    variances = np.zeros(V.shape[0])
    with named(errors):
        for by_row in found.rows_of_sources().values():
            for here in found.groups():
                variances[here] += by_row(here).sum(axis=0)
    for one in errors.shared:
        variances += np.square(found.by_shared(one))
    sd = np.zeros(V.shape[0])
    np.divide(np.sqrt(variances) * found.scale, sizes, out=sd, where=sizes > 0.0)
    return sd


class Moved:
    """The solved columns of vectors, over the scale of what rows carry, and what errors do to them.

    Attributes
    ----------
    m, bounds : ndarray, shape (n,) and (1,)
        Multipliers, and what bounds their weighted errors.
    count : int
        P, the number of vectors.
    shares : ndarray, shape (n, P)
        ξ of each vector; 0 for rows without output.
    scale : float
        The largest that a row carries or emits, in the stressor's unit.
    carried : ndarray, shape (n,)
        m x / scale.
    """

    def __init__(
        self, table: Table, stressor: Any, errors: Errors, sides: FloatArray, rtol: float
    ) -> None:
        self.table, self.stressor, self.errors = table, stressor, errors
        self.count: int = sides.shape[1]
        x = table.x.to_numpy()
        weight = demand_weight(np.abs(table.content.Y).sum(axis=1), positive_output(table))
        multipliers, self.bounds = solve_multipliers(table, stressor.s[None], weight, rtol)
        self.m = multipliers[0]
        tight = account_weight(stressor.s, x)
        made = solve_certified(table, sides, by_row=False, weight=tight, rtol=rtol).values
        self.shares = np.zeros(made.shape)
        np.divide(made, x[:, None], out=self.shares, where=x[:, None] != 0.0)
        carried = self.m * x
        largest = [np.abs(one).max(initial=0.0) for one in (carried, stressor.F)]
        self.scale = max(largest) or 1.0
        self.carried = carried / self.scale
        for given in (errors, *errors.shared):  # those of final users move no product, but must fit
            with named(given):
                self._emissions("F_Y", given)

    def _emissions(self, source: str, given: Errors | SharedError) -> FloatArray | None:
        deviations = getattr(given, source)
        if deviations is None:
            return None
        return cells_of_stressor(self.table, self.stressor, source, deviations) / self.scale

    def groups(self) -> list[slice]:
        """Return the vectors, some at once."""
        return [slice(at, at + AT_ONCE) for at in range(0, self.count, AT_ONCE)]

    def by_shared(self, one: SharedError) -> FloatArray:
        """Return how a shared error of one standard deviation moves m'v, (P,), over scale."""
        p, a = self.carried[:, None], self.shares
        moved = np.zeros(self.count)
        with named(one):
            if one.Z is not None:
                cells = cells_of_Z(self.table, one.Z, 1)
                row = cells.times(np.ones((self.table.n, 1)))
                for here in self.groups():
                    moved[here] += (p * (cells.times(a[:, here]) - a[:, here] * row)).sum(axis=0)
            if one.Y is not None:
                row = cells_of_Y(self.table, one.Y).sum(axis=1, keepdims=True)
                for here in self.groups():
                    moved[here] -= (p * row * a[:, here]).sum(axis=0)
            if (emitted := self._emissions("F", one)) is not None:
                total = emitted.sum(axis=0)[:, None]
                for here in self.groups():
                    moved[here] += (total * a[:, here]).sum(axis=0)
        return one.sd * moved

    def rows_of_sources(self) -> dict[str, Callable[[slice], FloatArray]]:
        """Return what gives variances of m'v by row for some vectors, (n, some), over scale²."""
        found: dict[str, Callable[[slice], FloatArray]] = {}
        squares = np.square(self.carried)[:, None]
        if (emitted := self._emissions("F", self.errors)) is not None:
            of_row = np.square(emitted).sum(axis=0)[:, None]
            found["F"] = lambda here: of_row * np.square(self.shares[:, here])
        if self.errors.Y is not None:
            cells_Y = cells_of_Y(self.table, self.errors.Y)
            bought = squares * np.square(cells_Y).sum(axis=1, keepdims=True)
            found["Y"] = lambda here: bought * np.square(self.shares[:, here])
        if self.errors.Z is not None:
            cells = cells_of_Z(self.table, self.errors.Z, 2)
            one = cells.times(np.ones((self.table.n, 1)))

            def by_deliveries(here: slice) -> FloatArray:
                a = self.shares[:, here]
                Va, Vaa = np.split(cells.times(np.concatenate([a, a * a], axis=1)), 2, axis=1)
                apart, common = Vaa + a * a * one, 2.0 * a * Va
                found = apart - common
                by_row: FloatArray = squares * np.where(found > ROUNDED * apart, found, 0.0)
                return by_row

            found["Z"] = by_deliveries
        return found
