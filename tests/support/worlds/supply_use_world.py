"""Supply and use tables for property tests: small, awkward, shaped like WIOD's."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from hypothesis import strategies as st
from support.worlds.strategies import REGIONS, seeds

__all__ = ["framed", "supply_use_tables", "two_regions"]

NAMES = ("Mining", "Steel, n.e.c.", "Énergie", "電力", "Services", "Trade")


@st.composite
def supply_use_tables(draw: Any, *, square: bool = False, balanced: bool = True) -> dict[str, Any]:
    """Arguments of `cf.from_supply_use`, arrays and labels.

    Regions differ in their industries and products, whose rows may be mixed; some make nothing.
    With `square`, V has an inverse in every region.
    """
    rng = draw(seeds())
    regions = draw(st.lists(st.sampled_from(REGIONS), min_size=1, max_size=3, unique=True))
    counts = st.integers(1, 4)
    industries, products = [], []
    for region in regions:
        size = draw(counts)
        industries += [(region, name) for name in NAMES[:size]]
        products += [(region, name) for name in NAMES[: size if square else draw(counts)]]
    if draw(st.booleans()):
        industries, products = draw(st.permutations(industries)), draw(st.permutations(products))
    a, p, m = len(industries), len(products), 2 * len(regions)

    home = np.array([[i[0] == j[0] for j in products] for i in industries])
    main = np.array([[i == j for j in products] for i in industries])
    made = home * rng.random((a, p)) * (rng.random((a, p)) < 0.6) * (0.3 if square else 1.0)
    made[:, ~made.any(axis=0)] += home[:, ~made.any(axis=0)]
    shares = made + main * (2.0 if square else 0.5)
    shares /= shares.sum(axis=0)
    B = rng.random((p, a)) * (rng.random((p, a)) < 0.7)
    B *= rng.uniform(0.0, 0.9, a) / np.where(B.any(axis=0), B.sum(axis=0), 1.0)
    Y = rng.uniform(0.1, 50.0, (p, m))
    if draw(st.booleans()):  # some products are neither made nor used, with their makers
        idle = rng.random(p) < 0.3
        of_idle = shares[:, ~idle].sum(axis=1) == 0
        if square:  # else their makers would have no products of their own
            idle &= ~((shares[:, :] > 0) & ~main).any(axis=0)
            own = np.array([industries.index(j) for j in products])
            idle &= ~((shares[own] > 0) & ~main[own]).any(axis=1)
            of_idle = np.isin(np.arange(a), own[idle])
        B[idle], Y[idle], B[:, of_idle] = 0.0, 0.0, 0.0
    q = np.linalg.solve(np.eye(p) - B @ shares, Y.sum(axis=1))
    V = shares * q
    U = B * V.sum(axis=1)
    if not balanced:
        Y *= rng.uniform(0.5, 1.5, (p, 1))
    by_product = draw(st.booleans())
    output = V.sum(axis=int(not by_product))
    return {
        "V": V,
        "U": U,
        "Y": Y,
        "F": rng.uniform(0.1, 2.0, (2, len(output))) * output,
        "F_Y": rng.uniform(0.0, 9.0, (2, m)),
        "industries": industries,
        "products": products,
        "emissions_by": "product" if by_product else "industry",
        "demand": [(region, name) for region in regions for name in ("homes", "stocks")],
        "stressors": ["CO2", "CH4"],
        "row_units": "M.EUR",
    }


def framed(given: dict[str, Any]) -> dict[str, Any]:
    """The same table, all of whose labels are those of frames."""
    industries, products, demand = (
        pd.MultiIndex.from_tuples(given[name]) for name in ("industries", "products", "demand")
    )
    emitters = products if given["emissions_by"] == "product" else industries
    frames = {
        "V": pd.DataFrame(given["V"], industries, products),
        "U": pd.DataFrame(given["U"], products, industries),
        "Y": pd.DataFrame(given["Y"], products, demand),
        "F": pd.DataFrame(given["F"], given["stressors"], emitters),
        "F_Y": pd.DataFrame(given["F_Y"], given["stressors"], demand),
    }
    return frames | {name: given[name] for name in ("emissions_by", "row_units")}


def two_regions(**changes: Any) -> dict[str, Any]:
    """A table of two regions with two industries and three products each; None removes one."""
    one = np.array([[80.0, 0.0, 20.0], [0.0, 90.0, 10.0]])
    V = np.kron(np.eye(2), one)
    U = np.array(
        [
            [9.0, 30, 1, 2],
            [20, 19, 3, 1],
            [5, 12, 2, 1],
            [1, 0, 12, 25],
            [0, 1, 21, 22],
            [1, 1, 3, 9],
        ]
    )
    left = V.sum(axis=0) - U.sum(axis=1)
    arguments: dict[str, Any] = {
        "V": V,
        "U": U,
        "Y": np.column_stack([0.75 * left, 0.25 * left]),
        "F": np.array([[50.0, 20, 40, 10]]),
        "regions": ["DE", "FR"],
        "industries": ["farms", "factories"],
        "products": ["food", "goods", "biogas"],
        "stressors": "CO2",
        "stressor_units": "kt",
        "row_units": "M.EUR",
    }
    arguments |= changes
    return {name: value for name, value in arguments.items() if value is not None}
