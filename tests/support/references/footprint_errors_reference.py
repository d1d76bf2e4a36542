"""Footprints of all products of a table with changed cells, from a dense Leontief inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from support.references.uncertainty_reference import UncertaintyReference
from support.worlds.uncertain_tables import allowed

__all__ = ["FootprintReference", "nothing_beside"]


@dataclass
class FootprintReference(UncertaintyReference):
    """Footprints (n, R) of every product by consumer, then multipliers (n,), as one vector."""

    def answers(self, **changes: Any) -> Any:
        table, cells = self.table, self.cells | changes
        consumer = np.array(table.demand.get_level_values("region"))
        x = table.x.to_numpy()
        moved = [cells[s].sum(axis=1) - self.cells[s].sum(axis=1) for s in ("Z", "Y")]
        after = x + sum(moved)
        inverse_x = np.array([1.0 / a if b != 0 else 0.0 for a, b in zip(after, x, strict=True)])
        weights = np.array([self.weights.get(name, 0.0) for name in table.stressors])
        s = (weights @ cells["F"]) * inverse_x
        m = s @ np.linalg.inv(np.eye(table.n) - cells["Z"] * inverse_x)
        bought = [cells["Y"][:, consumer == q].sum(axis=1) for q in table.regions]
        return np.concatenate([(m[:, None] * np.array(bought).T).ravel(), m])


def nothing_beside(slow: FootprintReference, V: Any = None) -> Any:
    """What counts as nothing: squares of what carries more than is emitted are rounded more.

    V : (P, n), what is bought, for one number each; else what every product alone carries.
    """
    table, n = slow.table, slow.table.n
    x = table.x.to_numpy()
    inverse_x = np.divide(1.0, x, out=np.zeros(n), where=x != 0.0)
    L = np.linalg.inv(np.eye(n) - slow.cells["Z"] * inverse_x)
    sides = np.diag(x) if V is None else V.T * (V @ np.abs(x))
    shares = np.abs(L @ sides * inverse_x[:, None]).max(axis=None if V is None else 0)
    carried = np.abs(slow.answers()[-n:] * x).sum()
    return allowed(slow, table) + 2e-8 * shares * carried
