"""The solves behind a ledger, certified for what it buys."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._solves import solve_multipliers
from carbonflows_fast.accounting._weights import demand_weight, positive_output, purchase_weight
from carbonflows_fast.leontief import system
from carbonflows_fast.leontief._certificate import TINY, added_up, rounding, seen_through
from carbonflows_fast.leontief._subsystems import pass_through_A
from carbonflows_fast.linkages import layers_of, seen_in_layers

if TYPE_CHECKING:
    import pandas as pd

    from carbonflows_fast.table import Table
    from carbonflows_fast.table._selection import Stressor

__all__ = ["Solved"]


@dataclass(frozen=True, slots=True, eq=False)
class Solved:
    """Multipliers by the region that emits, and how wrong they and their sums may be.

    Attributes
    ----------
    table : Table
    stressor : Stressor
    M : ndarray, shape (R, n)
    first : ndarray, shape (n,)
        A's, what the first suppliers emit.
    bound : float
        Of Σ weight |error of M|, all regions together.
    weight : ndarray, shape (n,)
    sizes : ndarray, shape (n,)
        No less than Σ_r |M_r|, of the exact ones too.
    bought : ndarray, shape (n,)
        The sizes of all that is bought of each row, refunds included.
    terms : int
        Additions on the way from lines to sums.
    """

    table: Table
    stressor: Stressor
    M: FloatArray
    first: FloatArray
    bound: float
    weight: FloatArray
    sizes: FloatArray
    bought: FloatArray
    terms: int

    @classmethod
    def of(
        cls, table: Table, stressor: Stressor, bought: FloatArray, lines: int, rtol: float
    ) -> Solved:
        """Solve (I − A)'m = s restricted to each region."""
        p, s, prepared = table.content, stressor.s, system(table)
        weight = _weight(table, bought)
        source = np.arange(len(p.regions))[:, None] == p.region_codes
        M, bounds = solve_multipliers(table, np.where(source, s, 0.0), weight, rtol)
        bound = float(bounds.sum())
        return cls(
            table=table,
            stressor=stressor,
            M=M,
            first=pass_through_A(prepared, s, adjoint=True),
            bound=bound,
            weight=weight,
            sizes=np.abs(M).sum(axis=0) + bound / weight,
            bought=bought,
            terms=lines + 2 * table.n + len(p.regions) + prepared.tiles.additions + 64,
        )

    @property
    def error_bound(self) -> float:
        """Bound on the error of any sum of what parts of the ledger cause, direct ones included."""
        s, prepared = np.abs(self.stressor.s), system(self.table)
        direct = s + pass_through_A(prepared, s, adjoint=True, absolute=True)
        rounded = added_up(np.maximum(self.sizes, direct), self.bought)
        missed = self.bound * seen_through(self.bought, self.weight)
        missed += 3 * rounding(self.terms) * rounded
        return missed * (1 + rounding(self.terms)) + (self.bought.size + 8) * TINY

    def tiers(self, y: FloatArray, last: int) -> pd.DataFrame:
        """Return the production layers of what was bought, y (n,), up to the last."""
        prepared = system(self.table)
        seen = seen_in_layers(prepared, self.stressor.s, self.sizes, last)
        doubt = added_up(seen, rounding(self.terms) * self.bought)
        known = (self.M.sum(axis=0), self.bound, self.weight)
        frame = layers_of(prepared, self.stressor, (y, doubt), known, last)
        frame.index.name = "tier"
        return frame


def _weight(table: Table, bought: FloatArray) -> FloatArray:
    """Return the weight in which multipliers are certified, by what the ledger buys.

    A ledger is small beside the economy; brought to its size, the bound is relative to the ledger.
    """
    x = positive_output(table)
    if not bought.any():
        return purchase_weight(table)
    return demand_weight(bought * (float(x.sum()) / float(bought.sum())), x)
