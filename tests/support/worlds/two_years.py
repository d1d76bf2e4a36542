"""Two small tables to compare."""

from __future__ import annotations

from typing import Any

import numpy as np
from support.worlds.strategies import random_productive

import carbonflows_fast as cf


def year(rng: np.random.Generator, *, zeros: float = 0.3, **changes: Any) -> cf.Table:
    """A small world of three regions with two or three sectors each."""
    regions = ["DE", "DE", "FR", "FR", "US", "US", "US"]
    sectors = ["coal", "steel", "coal", "steel", "coal", "steel", "cars"]
    n = len(regions)
    A = 0.8 * random_productive(rng, n, density=1 - zeros)
    Y = rng.uniform(0.0, 10.0, (n, 3)) * (rng.random((n, 3)) > zeros)
    arguments: dict[str, Any] = {
        "A": A, "Y": Y, "x": np.linalg.solve(np.eye(n) - A, Y.sum(axis=1)) + 1e-3,
        "S": rng.uniform(0.0, 3.0, (1, n)) * (rng.random((1, n)) > zeros),
        "regions": regions, "sectors": sectors, "stressors": "CO2", "stressor_units": "kt",
    }  # fmt: skip
    return cf.Table(**(arguments | changes))


def pair(seed: int = 0) -> tuple[cf.Table, cf.Table]:
    rng = np.random.default_rng(seed)
    return year(rng, year=2000), year(rng, year=2009)


def in_units(table: cf.Table, unit: dict[str, float]) -> cf.Table:
    """The same table with other units: rows of one product share one, or sums would not be."""
    d = np.array([unit[sector] for sector in table.rows.get_level_values("sector")])
    A, Y = table.A.toarray() / d[:, None] * d, table.Y.to_numpy() / d[:, None]
    return table.with_changes(A=A, S=table.S * d, Y=Y)
