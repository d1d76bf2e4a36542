"""Hypothesis strategies that the property tests share: small, valid, awkward tables.

Numbers come from a seeded generator, structure from hypothesis: examples shrink to few regions,
sectors and switches, not to round numbers.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse as sp
from hypothesis import strategies as st

from carbonflows_fast.table import Table

REGIONS = ("DE", "NA", "Côte d'Ivoire", "中国", "RoW_1")
SECTORS = ("Paddy rice", "Steel & iron, n.e.c.", "Énergie", "電力", "A01_02", "Services")
CATEGORIES = ("households", "inventories", "government")
STRESSORS = ("CO2", "CH4 | air", "N₂O")

Array = npt.NDArray[np.float64]


def seeds() -> st.SearchStrategy[np.random.Generator]:
    """Random generators."""
    return st.integers(0, 2**32 - 1).map(np.random.default_rng)


def random_productive(
    rng: np.random.Generator, n: int, *, negatives: bool = False, density: float = 0.6
) -> Array:
    """Return A (n, n) with column sums of |A| of at most 0.9: I − |A| is an M-matrix."""
    A = rng.random((n, n)) * (rng.random((n, n)) < density)
    sums = A.sum(axis=0)
    A *= rng.uniform(0.0, 0.9, n) / np.where(sums > 0, sums, 1.0)
    if negatives:
        A[rng.random((n, n)) < 0.1] *= -1.0
    return A


@st.composite
def productive(draw: Any, *, max_size: int = 8, negatives: bool | None = None) -> Array:
    """Productive A of shape (n, n), 1 ≤ n ≤ max_size; negatives None: sometimes."""
    n = draw(st.integers(1, max_size))
    signs = draw(st.booleans()) if negatives is None else negatives
    return random_productive(draw(seeds()), n, negatives=signs)


@st.composite
def row_labels(draw: Any, *, max_regions: int, contiguous: bool) -> list[tuple[str, str]]:
    """Rows (region, sector): regions differ in their sectors, and may be interleaved."""
    regions = draw(
        st.lists(st.sampled_from(REGIONS), min_size=1, max_size=max_regions, unique=True)
    )
    subsets = st.lists(st.sampled_from(SECTORS), min_size=1, max_size=4, unique=True)
    rows = [(region, sector) for region in regions for sector in draw(subsets)]
    if not contiguous and draw(st.booleans()):
        rows = draw(st.permutations(rows))
    return rows


@st.composite
def table_arguments(
    draw: Any,
    *,
    negatives: bool | None = None,
    zero_outputs: bool | None = None,
    max_regions: int = 4,
    contiguous: bool = False,
) -> dict[str, Any]:
    """Keyword arguments of a valid, productive, balanced `Table`.

    Z or A, F or S, dense (in C or Fortran order) or sparse; with or without F_Y and population;
    negative entries in A, Y and F, and rows without output (unless switched off).
    """
    rng = draw(seeds())
    rows = draw(row_labels(max_regions=max_regions, contiguous=contiguous))
    signed = draw(st.booleans()) if negatives is None else negatives
    idle = draw(st.booleans()) if zero_outputs is None else zero_outputs
    n, regions = len(rows), list(dict.fromkeys(region for region, _ in rows))
    categories = draw(st.lists(st.sampled_from(CATEGORIES), min_size=1, max_size=3, unique=True))
    demand = [(region, category) for region in regions for category in categories]
    stressors = draw(st.lists(st.sampled_from(STRESSORS), min_size=1, max_size=3, unique=True))
    k, m = len(stressors), len(demand)

    # x = (I − A)⁻¹ y with the demand of every row positive in sum keeps x away from zero.
    A = random_productive(rng, n, negatives=signed)
    shares = rng.uniform(0.1, 1.0, (n, m))
    if signed and m > 1:
        shares[rng.random((n, m)) < 0.1] *= -0.05
        shares[:, 0] = 1.0
    Y = shares * rng.uniform(1.0, 100.0, (n, 1))
    if idle:
        none = rng.random(n) < 0.25
        A[none], A[:, none], Y[none] = 0.0, 0.0, 0.0
    x = np.linalg.solve(np.eye(n) - A, Y.sum(axis=1))
    S = rng.uniform(0.0, 2.0, (k, n)) * (rng.random((k, n)) < 0.8)
    if signed:
        S[rng.random((k, n)) < 0.05] *= -1.0

    given_Z, given_F = draw(st.booleans()), draw(st.booleans())
    form = draw(st.sampled_from([np.asarray, np.asfortranarray, sp.csr_array, sp.csc_matrix]))
    arguments: dict[str, Any] = {
        "Z" if given_Z else "A": form(A * x if given_Z else A),
        "F" if given_F else "S": S * x if given_F else S,
        "Y": Y,
        "regions": [region for region, _ in rows],
        "sectors": [sector for _, sector in rows],
        "demand": demand,
        "stressors": stressors,
        "stressor_units": draw(st.sampled_from(["kg", "kt"])),
        "row_units": "M.EUR",
        "year": draw(st.none() | st.integers(1990, 2030)),
        "name": draw(st.sampled_from(["", "random"])),
    }
    if not given_Z or draw(st.booleans()):
        arguments["x"] = x
    if draw(st.booleans()):
        arguments["F_Y"] = rng.uniform(0.0, 10.0, (k, m))
    if draw(st.booleans()):
        arguments["population"] = {region: float(rng.integers(1, 1000)) for region in regions}
    return arguments


def tables(**options: Any) -> st.SearchStrategy[Table]:
    """Valid, productive, balanced tables; options as in `table_arguments`."""
    return table_arguments(**options).map(lambda arguments: Table(**arguments))


def dense_inverse(table: Table) -> Array:
    """Return L = (I − A)⁻¹ of a small table, the obvious way."""
    return np.linalg.inv(np.eye(table.n) - table.A.toarray())


def labelled(arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the same arguments with all labels carried by DataFrames instead."""
    rows = pd.MultiIndex.from_arrays([arguments["regions"], arguments["sectors"]])
    demand = pd.MultiIndex.from_tuples(arguments["demand"])
    axes = {
        "Z": (rows, rows),
        "A": (rows, rows),
        "Y": (rows, demand),
        "F": (arguments["stressors"], rows),
        "S": (arguments["stressors"], rows),
        "F_Y": (arguments["stressors"], demand),
    }
    changed = dict(arguments)
    for name, (index, columns) in axes.items():
        if name in changed:
            value = changed[name]
            dense = value.toarray() if sp.issparse(value) else value
            changed[name] = pd.DataFrame(dense, index=index, columns=columns)
    if "x" in changed:
        changed["x"] = pd.Series(changed["x"], index=rows)
    for name in ("regions", "sectors", "demand", "stressors"):
        del changed[name]
    return changed
