"""Footprints of all products of a table with changed cells, from a dense Leontief inverse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from support.references.uncertainty_reference import UncertaintyReference

__all__ = ["FootprintReference"]


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
