"""The invented proportions behind `synthetic.world`, and how its draws are made.

Products fall into fourteen kinds by their place in EXIOBASE 3's list; products beyond its 200 run
through the list again. All numbers are round figures made up for the purpose.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.classification import load

BASE_YEAR: Final = 2019

CATEGORIES: Final = (
    "Final consumption expenditure by households",
    "Final consumption expenditure by non-profit organisations serving households (NPISH)",
    "Final consumption expenditure by government",
    "Gross fixed capital formation",
    "Changes in inventories",
    "Changes in valuables",
    "Exports: Total (fob)",  # zero in a table of the whole world
)
CATEGORY_SHARES: Final = np.array([0.585, 0.01, 0.175, 0.215, 0.012, 0.003, 0.0])
INVENTORIES: Final = 4

# Kind of product: share imported relative to others, inputs per unit of output, kt CO2 per M.EUR,
# then what households, NPISH, government, investors, stocks and valuables buy of it.
_KINDS: Final[dict[str, tuple[float, ...]]] = {
    "agriculture": (0.30, 0.45, 0.10, 4.0, 0.0, 0.0, 0.5, 8.0, 0.0),
    "fossil": (0.80, 0.38, 0.35, 0.3, 0.0, 0.0, 0.3, 10.0, 0.0),
    "ores": (0.60, 0.42, 0.20, 0.1, 0.0, 0.0, 0.2, 6.0, 5.0),
    "food": (0.35, 0.68, 0.05, 16.0, 0.0, 0.0, 0.0, 9.0, 0.0),
    "light goods": (0.60, 0.62, 0.10, 8.0, 0.0, 0.0, 0.5, 9.0, 0.0),
    "fuels": (0.50, 0.72, 0.30, 4.0, 0.0, 0.0, 0.0, 8.0, 0.0),
    "chemicals": (0.60, 0.65, 0.30, 4.0, 0.0, 1.0, 0.5, 10.0, 0.0),
    "metals": (0.60, 0.68, 0.50, 0.3, 0.0, 0.0, 1.0, 10.0, 40.0),
    "machinery": (0.70, 0.64, 0.02, 10.0, 0.0, 0.5, 35.0, 25.0, 50.0),
    "energy": (0.08, 0.55, 0.40, 5.0, 0.0, 0.0, 0.0, 2.0, 0.0),
    "building": (0.04, 0.58, 0.03, 1.0, 0.0, 1.0, 50.0, 0.0, 0.0),
    "trade and transport": (0.20, 0.50, 0.15, 17.0, 0.0, 2.0, 6.0, 0.0, 0.0),
    "services": (0.12, 0.45, 0.01, 42.0, 99.0, 93.0, 10.0, 0.0, 0.0),
    "waste": (0.10, 0.55, 0.40, 0.5, 0.0, 2.0, 0.0, 1.0, 0.0),
}
KINDS: Final = len(_KINDS)
_BY_KIND: Final = np.array(list(_KINDS.values()))
TRADABLE: Final = _BY_KIND[:, 0]
INPUTS: Final = _BY_KIND[:, 1]
RARE: Final = [list(_KINDS).index(kind) for kind in ("fossil", "fuels", "energy", "waste")]

# Parts of 100 that a kind (column) spends on each kind (row), in the order above.
PURCHASES: Final = np.array(
    [
        [20, 0, 0, 40, 10, 0, 3, 0, 0, 1, 1, 0, 1, 1],
        [0, 15, 2, 0, 1, 60, 4, 5, 0, 35, 1, 1, 0, 1],
        [0, 1, 10, 0, 0, 0, 6, 20, 1, 0, 5, 0, 0, 1],
        [10, 0, 0, 20, 2, 0, 1, 0, 0, 0, 0, 1, 3, 1],
        [1, 1, 1, 4, 30, 1, 3, 1, 3, 1, 4, 2, 4, 2],
        [8, 5, 8, 2, 3, 12, 8, 4, 1, 8, 5, 15, 1, 4],
        [10, 4, 6, 3, 8, 4, 30, 4, 9, 2, 18, 1, 3, 4],
        [1, 4, 3, 2, 1, 1, 3, 35, 20, 2, 12, 1, 0, 2],
        [4, 12, 12, 3, 6, 3, 5, 6, 35, 8, 14, 7, 6, 8],
        [4, 5, 8, 3, 5, 4, 9, 10, 3, 22, 2, 4, 3, 6],
        [2, 3, 3, 1, 1, 1, 1, 1, 1, 6, 15, 4, 6, 8],
        [12, 10, 15, 10, 12, 7, 10, 8, 10, 6, 10, 25, 8, 8],
        [10, 15, 15, 12, 14, 8, 14, 8, 14, 12, 18, 30, 55, 15],
        [1, 1, 1, 1, 2, 1, 3, 4, 1, 1, 1, 1, 1, 25],
    ],
    dtype=np.float64,
)

# First product of each run of one kind, in EXIOBASE's order.
_RUNS: Final = (
    ("p01.a", "agriculture"),
    ("p10.a", "fossil"),
    ("p13.1", "ores"),
    ("p15.a", "food"),
    ("p17", "light goods"),
    ("p23.1.a", "fuels"),
    ("p24.a", "chemicals"),
    ("p27.a", "metals"),
    ("p29", "machinery"),
    ("p37", "waste"),
    ("p40.11.a", "energy"),
    ("p41", "building"),
    ("p50.a", "trade and transport"),
    ("p64", "services"),
    ("p90.1.a", "waste"),
    ("p91", "services"),
)

# Products far dirtier or cleaner than their kind, kt CO2 per M.EUR.
_INTENSITIES: Final = {
    "p26.d": 3.5,  # cement, lime, plaster
    "p27.a": 1.6,  # iron and steel
    "p40.11.a": 8.0,  # electricity by coal
    "p40.11.b": 3.5,  # by gas
    "p40.11.c": 0.0,  # by nuclear
    "p40.11.d": 0.0,  # by hydro
    "p40.11.e": 0.0,  # by wind
    "p40.11.f": 6.0,  # by oil
    "p40.11.h": 0.0,  # by photovoltaics
    "p40.2.b": 3.0,  # blast furnace gas
    "p40.3": 2.0,  # steam
    "p61.1": 0.9,  # sea transport
    "p62": 0.9,  # air transport
}


@dataclass(frozen=True)
class Products:
    """Kind, CO2 intensity, weight in each category of final demand and bulk of K products."""

    kind: Any  # (K,) integers
    intensity: FloatArray  # (K,)
    mix: FloatArray  # (K, 7)
    bulk: FloatArray  # (K,) how much of it is traded, beside others of its kind


def products(K: int) -> Products:
    """Return the properties of the first K products, repeating EXIOBASE's list beyond its end."""
    codes: list[str] = load("exiobase3_pxp")["code"].tolist()
    names = list(_KINDS)
    kind = np.zeros(len(codes), dtype=np.intp)
    for first, name in _RUNS:
        kind[codes.index(first) :] = names.index(name)
    intensity = _BY_KIND[kind, 2]
    for code, value in _INTENSITIES.items():
        intensity[codes.index(code)] = value
    position = np.arange(K) % len(codes)
    mix = np.zeros((K, len(CATEGORIES)))
    mix[:, : _BY_KIND.shape[1] - 3] = _BY_KIND[kind[position], 3:]
    # Purchases of a kind are shared by its products; secondary materials are a small part.
    bulk = np.array([0.05 if ".w" in code else 1.0 for code in codes]) / np.bincount(kind)[kind]
    return Products(kind[position], intensity[position], mix * bulk[position, None], bulk[position])


def region_codes(R: int) -> list[str]:
    """Return EXIOBASE's first R region codes, and 'R050' and so on after the 49th."""
    known: list[str] = load("exiobase3_regions")["code"].tolist()[:R]
    return known + [f"R{position:03d}" for position in range(len(known) + 1, R + 1)]


def product_names(K: int) -> list[str]:
    """Return EXIOBASE's first K product names, and 'Product 201' and so on after the 200th."""
    known: list[str] = load("exiobase3_pxp")["name"].tolist()[:K]
    return known + [f"Product {position}" for position in range(len(known) + 1, K + 1)]


def skewed(rng: np.random.Generator, shape: int | tuple[int, ...]) -> FloatArray:
    """Draw positive factors with median 1, most between 0.4 and 2.5, all between 0.17 and 5.9.

    √(u / (1 − u)) with u kept off its ends: like a log-normal, without exp or log.
    """
    u = rng.random(shape)
    return np.sqrt((u + 0.03) / (1.03 - u))


def compound(rate: FloatArray, years: int) -> FloatArray:
    """Return (1 + rate)^years by repeated multiplication; `years` may be negative."""
    factor = 1.0 + rate if years >= 0 else 1.0 / (1.0 + rate)
    result, left = np.ones_like(factor), abs(years)
    while left:
        if left % 2:
            result = result * factor
        factor, left = factor * factor, left // 2
    return result
