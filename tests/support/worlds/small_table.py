"""The small table that many tests of `Table` change one thing in."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

SENTENCE = re.compile(r"^(.+?): expected (.+), got (.+); (.+)$", re.DOTALL)


def small(**changes: Any) -> dict[str, Any]:
    """Arguments of a table with two regions and two sectors; None removes one."""
    arguments: dict[str, Any] = {
        "Z": np.array(
            [[1.0, 2, 3, 4], [5, 6, 7, 8], [1, 0, 1, 0], [0, 0, 0, 0]],
        ),
        "Y": np.array([[10.0, 1, 2, 3], [4, 5, 6, 7], [1, 1, 1, -1], [0, 0, 0, 0]]),
        "F": np.array([[1.0, 2, 3, 4], [5, 6, 7, 8]]),
        "regions": ["DE", "DE", "NA", "NA"],
        "sectors": ["coal", "steel", "coal", "steel"],
        "demand": [(r, c) for r in ("DE", "NA") for c in ("households", "inventories")],
        "stressors": ["CO2", "CH4"],
        "stressor_units": ["kt", "t"],
        "row_units": "M.EUR",
        "population": {"DE": 80.0, "NA": 3.0},
        "year": 2009,
        "name": "small",
    }
    arguments |= changes
    return {name: value for name, value in arguments.items() if value is not None}


def replaced(array: Any, position: tuple[int, ...], value: Any) -> Any:
    copy = array.astype(object) if isinstance(value, str) else array.copy()
    copy[position] = value
    return copy


ROWS = pd.MultiIndex.from_arrays([["DE", "DE", "NA", "NA"], ["coal", "steel"] * 2])
SWAPPED = ROWS[[1, 0, 2, 3]]
OTHER_REGIONS = pd.MultiIndex.from_product([["NA", "DE"], ["households", "inventories"]])
OTHER_CATEGORIES = pd.MultiIndex.from_product([["DE", "NA"], ["inventories", "households"]])
