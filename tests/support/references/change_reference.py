"""Decompositions the slow, obvious way: dense inverses, enumerated paths, all permutations."""

from __future__ import annotations

import itertools
import math
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

import carbonflows_fast as cf

Array: TypeAlias = npt.NDArray[np.float64]
Path: TypeAlias = tuple[int, ...]
KINDS = ("intensity", "technology", "trade", "demand")


class Both:
    """Two tables as dense arrays, and the parts of their changes by their definitions."""

    def __init__(self, before: cf.Table, after: cf.Table) -> None:
        tables = (before, after)
        self.A = [table.A.toarray() for table in tables]
        self.s = [table.S.to_numpy()[0] for table in tables]
        consumer = np.array(before.demand.get_level_values("region"))
        self.Y = [
            np.column_stack(
                [table.Y.to_numpy()[:, consumer == q].sum(axis=1) for q in before.regions]
            )
            for table in tables
        ]
        self.y = [Y.sum(axis=1) for Y in self.Y]
        self.sector = np.array(before.rows.get_level_values("sector"))
        self.region = np.array(before.rows.get_level_values("region"))
        self.n = before.n

    def L(self, t: float) -> Array:
        A = (1 - t) * self.A[0] + t * self.A[1]
        return np.linalg.inv(np.eye(self.n) - A)

    def total(self, year: int) -> float:
        return float(self.s[year] @ self.L(year) @ self.y[year])

    def origins(self, i: int) -> npt.NDArray[np.bool_]:
        """All rows of the product of row i."""
        found: npt.NDArray[np.bool_] = self.sector == self.sector[i]
        return found

    def split_input(self, i: int, j: int) -> tuple[float, float]:
        """Technology and trade parts of the change of a_ij."""
        a = [float(A[i, j]) for A in self.A]
        cells = [A[self.origins(i), j] for A in self.A]
        split = clear(cells[0]) * clear(cells[1])
        if split == 0.0:
            return a[1] - a[0], 0.0
        c = [float(one.sum()) for one in cells]
        trade = split * shapley([c, [a[0] / c[0], a[1] / c[1]]])[1]
        return a[1] - a[0] - trade, trade

    def split_demand(self, i: int, q: int) -> dict[str, float]:
        """Level, mix and origin parts of the change of one cell, by permutations.

        Four answers, by whether the consumer's whole demand and the product's origins have shares,
        weighed with how far they have.
        """
        y = [float(Y[i, q]) for Y in self.Y]
        cells, bought = ([Y[rows, q] for Y in self.Y] for rows in (self.origins(i), slice(None)))
        split = clear(cells[0]) * clear(cells[1])
        whole = clear(bought[0]) * clear(bought[1])
        b, level = ([float(one.sum()) for one in sums] for sums in (cells, bought))
        effects = dict.fromkeys(("level", "mix", "origin"), 0.0)

        def count(weight: float, *factors: tuple[str, list[float], list[float]]) -> None:
            if weight > 0.0:
                shares = [[v / s for v, s in zip(*of, strict=True)] for _, *of in factors]
                for (name, *_), effect in zip(factors, shapley(shares), strict=True):
                    effects[name] += weight * effect

        one = [1.0, 1.0]
        count(whole * split, ("level", level, one), ("mix", b, level), ("origin", y, b))
        count(whole * (1.0 - split), ("level", level, one), ("mix", y, level))
        count((1.0 - whole) * split, ("level", b, one), ("origin", y, b))
        count((1.0 - whole) * (1.0 - split), ("level", y, one))
        return effects


def clear(terms: Array) -> float:
    """How much of a sum of terms remains: none of it up to a quarter, all of it from a half on."""
    size = float(np.abs(terms).sum())
    kept = abs(float(terms.sum())) / size if size else 0.0
    return min(max(4.0 * kept - 1.0, 0.0), 1.0)


def shapley(factors: list[list[float]]) -> list[float]:
    """Average over all orders in which the factors go from their first value to their second."""
    effects = [0.0] * len(factors)
    orders = list(itertools.permutations(range(len(factors))))
    for order in orders:
        now = [f[0] for f in factors]
        for at in order:
            before = math.prod(now)
            now[at] = factors[at][1]
            effects[at] += (math.prod(now) - before) / len(orders)
    return effects


def integral(both: Both, nodes: int = 20) -> dict[str, float]:
    """The four effects of everything, along the straight line."""
    points, weights = np.polynomial.legendre.leggauss(nodes)
    effects = dict.fromkeys(("intensity", "technology", "trade", "level", "mix", "origin"), 0.0)
    n, regions = both.n, both.Y[0].shape[1]
    inputs = np.array([[both.split_input(i, j) for j in range(n)] for i in range(n)])
    cells = [[both.split_demand(i, q) for q in range(regions)] for i in range(n)]
    for t, w in zip((points + 1) / 2, weights / 2, strict=True):
        L = both.L(t)
        s, y = ((1 - t) * v[0] + t * v[1] for v in (both.s, both.y))
        m, x = s @ L, L @ y
        effects["intensity"] += w * float((both.s[1] - both.s[0]) @ x)
        effects["technology"] += w * float(m @ inputs[:, :, 0] @ x)
        effects["trade"] += w * float(m @ inputs[:, :, 1] @ x)
        for i in range(n):
            for q in range(regions):
                for name in ("level", "mix", "origin"):
                    effects[name] += w * m[i] * cells[i][q][name]
    return effects


def path_value(both: Both, year: int, path: Path) -> float:
    value = both.y[year][path[0]]
    for buyer, seller in itertools.pairwise(path):
        value *= both.A[year][seller, buyer]
    return float(value * both.s[year][path[-1]])


def all_paths(both: Both, stages: int) -> list[Path]:
    """Every path of at most so many purchases that is there in either year, prefix by prefix."""
    found, waiting = [], [(i,) for i in range(both.n) if both.y[0][i] or both.y[1][i]]
    while waiting:
        path = waiting.pop()
        found.append(path)
        if len(path) <= stages:
            here = np.flatnonzero((both.A[0][:, path[-1]] != 0) | (both.A[1][:, path[-1]] != 0))
            waiting += [(*path, int(i)) for i in here]
    return found


def ranked(both: Both, stages: int) -> list[tuple[float, float, Path]]:
    """Paths (before, after, rows) by the size of their change, those worth nothing included."""
    there = (both.s[0] != 0) | (both.s[1] != 0)
    paths = [p for p in all_paths(both, stages) if there[p[-1]]]
    values = [(path_value(both, 0, p), path_value(both, 1, p), p) for p in paths]
    return sorted(values, key=lambda v: (-abs(v[1] - v[0]), len(v[2]), v[2]))


def path_effects(both: Both, path: Path) -> dict[str, float]:
    """Effects by kind of one path, from the average over all orders of its own factors."""
    factors: list[list[float]] = [[float(both.y[0][path[0]]), float(both.y[1][path[0]])]]
    for buyer, seller in itertools.pairwise(path):
        factors.append([float(both.A[t][seller, buyer]) for t in (0, 1)])
    factors.append([float(both.s[t][path[-1]]) for t in (0, 1)])
    means = [mean_of_others(factors, at) for at in range(len(factors))]
    effects = dict.fromkeys(KINDS, 0.0)
    for q in range(both.Y[0].shape[1]):
        parts = both.split_demand(path[0], q)
        effects["demand"] += (parts["level"] + parts["mix"]) * means[0]
        effects["trade"] += parts["origin"] * means[0]
    for at, (buyer, seller) in enumerate(itertools.pairwise(path), start=1):
        technology, trade = both.split_input(seller, buyer)
        effects["technology"] += technology * means[at]
        effects["trade"] += trade * means[at]
    effects["intensity"] = (factors[-1][1] - factors[-1][0]) * means[-1]
    return effects


def mean_of_others(factors: list[list[float]], at: int) -> float:
    """What a unit of change of one factor is worth on average over all orders."""
    unit = [*factors[:at], [0.0, 1.0], *factors[at + 1 :]]
    return shapley(unit)[at]
