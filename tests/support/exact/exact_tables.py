"""Random small tables that are hard on a solver, each made from a seed.

Near the edge of what is productive, rows in units that differ by many digits, negative entries,
by-products, rows without output, blocks that do not trade, numbers at both ends of float64.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

import carbonflows_fast as cf

Array = npt.NDArray[np.float64]

LARGEST = 12
"""Rows of the largest table: enough for every branch, few enough for exact arithmetic."""

TRAITS = ("near", "units", "negative", "idle", "split", "tiny", "huge", "byproducts", "nilpotent")
CHANCES = (0.2, 0.25, 0.25, 0.2, 0.2, 0.03, 0.03, 0.05, 0.05)


@dataclass
class Recipe:
    """The arguments of `cf.Table`, and what is special about them."""

    arguments: dict[str, Any]
    traits: set[str] = field(default_factory=set)

    def table(self) -> cf.Table:
        return cf.Table(**self.arguments)


def labels_of(rng: np.random.Generator, n: int) -> tuple[list[str], list[str]]:
    """Return regions and sectors; regions differ in their sectors and may be interleaved."""
    regions = int(rng.integers(1, min(n, 5) + 1)) if rng.random() < 0.9 else n
    codes = np.concatenate([np.arange(regions), rng.integers(0, regions, n - regions)])
    codes = rng.permutation(codes) if rng.random() < 0.4 else np.sort(codes)
    count: dict[int, int] = {}
    sectors = []
    for code in codes.tolist():
        count[code] = count.get(code, 0) + 1
        sectors.append(f"s{count[code]}")
    return [f"R{code}" for code in codes], sectors


def coefficients(rng: np.random.Generator, n: int, traits: set[str]) -> Array:
    """Return A, in one unit, of a spectral radius below 1 but for by-products."""
    A: Array = rng.random((n, n)) ** rng.integers(1, 6)
    A *= rng.random((n, n)) < rng.choice([0.05, 0.2, 0.5, 1.0])
    if "split" in traits:
        group = rng.integers(0, 3, n)
        A *= group[:, None] == group
    if "nilpotent" in traits:
        return np.triu(A, 1) * 10.0 ** rng.uniform(-2, 6)
    if "negative" in traits:
        A *= np.where(rng.random((n, n)) < rng.choice([0.05, 0.4]), -1.0, 1.0)
    radius = np.abs(np.linalg.eigvals(np.abs(A))).max()
    if radius > 1e-12:
        near = "near" in traits
        A *= (1.0 - 10.0 ** -rng.uniform(1, 13) if near else rng.uniform(0.05, 0.95)) / radius
    if "byproducts" in traits:
        A[rng.random((n, n)) < 0.2] -= 10.0 ** rng.uniform(-2, 0.5)
    return A


def recipe(rng: np.random.Generator, like: Recipe | None = None) -> Recipe:
    """Return a random table, or another one of the same labels as `like`."""
    if like is None:
        n = int(rng.integers(1, LARGEST + 1))
        regions, sectors = labels_of(rng, n)
        consumers = list(dict.fromkeys(regions))
        categories = [f"c{i}" for i in range(rng.integers(1, 4))]
        demand = [(region, category) for region in consumers for category in categories]
        stressors = [f"e{i}" for i in range(rng.integers(1, 4))]
        units = rng.choice(["M.EUR", "mixed"], p=[0.9, 0.1])
        row_units = [f"u{i % 3}" if units == "mixed" else "M.EUR" for i in range(n)]
    else:
        given = like.arguments
        regions, sectors, demand = given["regions"], given["sectors"], given["demand"]
        stressors, n, row_units = given["stressors"], len(given["regions"]), given["row_units"]
    traits = {name for name, chance in zip(TRAITS, CHANCES) if rng.random() < chance}
    if {"byproducts", "nilpotent"} <= traits:
        traits.remove("nilpotent")
    m, k = len(demand), len(stressors)

    A = coefficients(rng, n, traits)
    unit = 10.0 ** rng.uniform(-6, 6, n) if "units" in traits else np.ones(n)
    if "huge" in traits and rng.random() < 0.3:
        unit = unit * 10.0 ** rng.uniform(-60, 60, n)
    A = unit[:, None] * A / unit
    signs = 0.3 if traits & {"negative", "byproducts"} else 0.0
    Y = rng.random((n, m)) ** 3 * (rng.random((n, m)) < rng.choice([0.1, 0.5, 1.0]))
    Y *= np.where(rng.random((n, m)) < signs * (rng.random() < 0.5), -1.0, 1.0)
    Y *= unit[:, None] * 10.0 ** rng.uniform(-3, 6)
    S = rng.random((k, n)) ** 2 * (rng.random((k, n)) < rng.choice([0.3, 1.0]))
    S *= np.where(rng.random((k, n)) < signs * (rng.random() < 0.5), -1.0, 1.0)
    S = S / unit * 10.0 ** rng.uniform(-3, 3)
    with np.errstate(all="ignore"):
        try:
            x = np.linalg.solve(np.eye(n) - A, Y.sum(axis=1))
        except np.linalg.LinAlgError:
            x = np.ones(n)
    x = np.where(np.isfinite(x), x, 1.0)
    if "byproducts" not in traits:
        x = np.abs(x)
    if "tiny" in traits or "huge" in traits:
        scale = 10.0 ** (rng.uniform(60, 300) * (-1 if "tiny" in traits else 1))
        with np.errstate(over="ignore", under="ignore"):
            S, Y, A = ((S * scale, Y, A), (S, Y * scale, A), (S * scale, Y / scale, A),
                       (S, Y, A * np.where(rng.random((n, n)) < 0.5, min(scale, 1.0), 1.0)))[
                           rng.integers(4)]  # fmt: skip
    if rng.random() < 0.3:  # a table that does not balance
        x = x * rng.uniform(0.5, 2.0, n)
    if "idle" in traits:
        idle = rng.random(n) < 0.25
        x = np.where(idle, 0.0, x)
        if rng.random() < 0.5:
            A[idle], A[:, idle], Y[idle] = 0.0, 0.0, 0.0

    arguments: dict[str, Any] = {
        "Y": Y, "regions": regions, "sectors": sectors, "demand": demand, "stressors": stressors,
        "stressor_units": "kt", "row_units": row_units, "name": "random",
        "year": None if like is None else 2001,
    }  # fmt: skip
    if rng.random() < 0.5:
        arguments["F_Y"] = rng.random((k, m)) * rng.choice([1.0, 1e3])
    if rng.random() < 0.3:
        people = {r: float(rng.integers(1, 1000)) for r in dict.fromkeys(regions)}
        arguments["population"] = people
    with np.errstate(all="ignore"):
        Z, F = A * x, S * x
    if rng.random() < 0.4 and np.isfinite(Z).all() and np.isfinite(F).all():
        arguments |= {"Z": Z, "F": F}
        if rng.random() < 0.7:
            arguments["x"] = x
    else:
        arguments |= {"A": A, "S": S}
        if rng.random() < 0.85:
            arguments["x"] = x
    if rng.random() < 0.3:
        name = "Z" if "Z" in arguments else "A"
        arguments[name] = sp.csr_array(arguments[name])
    return Recipe(arguments, traits)
