"""A table of three regions, and how far its flows may be from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

import carbonflows_fast as cf


def three_regions(**changes: Any) -> cf.Table:
    """Three regions that differ in their sectors; BB has no mining."""
    rng = np.random.default_rng(7)
    arguments: dict[str, Any] = {
        "Z": rng.uniform(0.0, 10.0, (5, 5)),
        "Y": rng.uniform(5.0, 40.0, (5, 3)),
        "F": rng.uniform(1.0, 90.0, (1, 5)),
        "F_Y": np.array([[10.0, 20.0, 0.0]]),
        "regions": ["AA", "AA", "BB", "CC", "CC"],
        "sectors": ["goods", "mining", "goods", "mining", "goods"],
        "stressors": "CO2",
        "stressor_units": "kt",
    }
    return cf.Table(**(arguments | changes))


def slack(flows: cf.Flows) -> float:
    """Twice the bound (the reference rounds too), and what adding up small tables may lose."""
    emitted = flows._table.F.loc[flows.stressor].abs().sum()
    return 2 * flows.error_bound + 1e-11 * float(emitted) + 1e-12
