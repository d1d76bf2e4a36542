"""The mean states that weight changes, shared by all factors of a method.

An effect is a change of a factor times the mean of all the others: Σ_i Δs_i x̄_i for intensity,
Σ_j m̄_j Δy_j for final demand, and Σ_k w_k m^(k)' ΔA x^(k) for the coefficients.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.decomposition._two_tables import TwoTables
from carbonflows_fast.errors import NotProductiveError
from carbonflows_fast.paths._chain_list import Positions

__all__ = [
    "MeanStates",
    "gauss_rule",
    "gauss_rules",
    "integral_means",
    "polar_means",
    "shapley_means",
    "solve_both_years",
]

NODES = (4, 6, 8, 12, 16, 24)
"""Gauss nodes that are tried in turn; published tables need six."""

CLOSURE = 1e-10


@dataclass(slots=True, eq=False)
class MeanStates:
    """x̄ and m̄, (n,), and the weighted pairs (w, m, x) between which coefficients change."""

    x: FloatArray
    m: FloatArray
    pairs: list[tuple[float, FloatArray, FloatArray]] = field(default_factory=list)
    nodes: int = 0

    def total(self, pair: TwoTables) -> float:
        """Return the change that the effects add up to."""
        change = pair.union[0]
        inputs = sum(w * float(m @ (change @ x)) for w, m, x in self.pairs)
        outer = (pair.after.s - pair.before.s) @ self.x + self.m @ (pair.after.y - pair.before.y)
        return float(outer) + float(inputs)


@dataclass(frozen=True, slots=True, eq=False)
class SolvedYears:
    """x^(a, b) = L_a y_b and m^(a, c) = L_a' s_c, keyed by years (a, b), E of both years, and
    Σ|s_i x_i| of the first.
    """

    x: dict[tuple[int, int], FloatArray]
    m: dict[tuple[int, int], FloatArray]
    emissions: tuple[float, float]
    gross_before: float

    @property
    def change(self) -> float:
        """ΔE."""
        return self.emissions[1] - self.emissions[0]

    @property
    def size(self) -> float:
        """What closure is relative to: |ΔE|, or a thousandth of the larger E if that is more."""
        return max(abs(self.change), 1e-3 * max(map(abs, self.emissions)))


def solve_both_years(pair: TwoTables, *, mixed: bool) -> SolvedYears:
    """Solve both tables; `mixed` with the demand and the intensities of either year."""
    x, m = {}, {}
    for a in (0, 1):
        prepared = pair.system_of_year(a)
        for other in (0, 1) if mixed else (a,):
            x[a, other] = pair.output(prepared, pair.years[other].y)
            m[a, other] = pair.multipliers(prepared, pair.years[other].s)
    emissions = [float(pair.years[a].s @ x[a, a]) for a in (0, 1)]
    gross = float(np.abs(pair.before.s) @ np.abs(x[0, 0]))
    return SolvedYears(x, m, (emissions[0], emissions[1]), gross)


def polar_means(pair: TwoTables, solved: SolvedYears) -> MeanStates:
    """Mean of the two years, path by path in the order y, a, …, s."""
    x0, x1, m0, m1 = solved.x[0, 0], solved.x[1, 1], solved.m[0, 0], solved.m[1, 1]
    return MeanStates(0.5 * (x0 + x1), 0.5 * (m0 + m1), [(0.5, m0, x1), (0.5, m1, x0)])


def shapley_means(pair: TwoTables, solved: SolvedYears) -> MeanStates:
    """Average over all orders in which s, L and y change.

    ΔL = L₁ ΔA L₀ = L₀ ΔA L₁ is shared among coefficients by the mean of the two forms.
    """
    weight = {(a, b): 1 / 3 if a == b else 1 / 6 for a, b in product((0, 1), repeat=2)}
    x = sum((w * solved.x[key] for key, w in weight.items()), np.zeros(pair.n))
    m = sum((w * solved.m[key] for key, w in weight.items()), np.zeros(pair.n))
    pairs = [
        (0.5 * weight[c, b], solved.m[a, c], solved.x[1 - a, b])
        for a, b, c in product((0, 1), repeat=3)
    ]
    return MeanStates(x, m, pairs)


def integral_means(pair: TwoTables, solved: SolvedYears) -> MeanStates:
    """∫ along the straight line in s, A and y, by as many Gauss nodes as it takes to close."""
    means = MeanStates(np.zeros(pair.n), np.zeros(pair.n))
    for nodes in NODES:
        means = MeanStates(np.zeros(pair.n), np.zeros(pair.n), nodes=nodes)
        try:
            for weight, m, x in _nodes(pair, nodes):
                means.x += weight * x
                means.m += weight * m
                means.pairs.append((weight, m, x))
        except NotProductiveError as error:
            raise NotProductiveError.about(
                "method",
                expected="'integral' for tables that are productive all along the "
                "straight line between them",
                got="one in between that is not",
                remedy="use method='polar' or 'shapley'",
                typed="use --method polar",
            ) from error
        if abs(means.total(pair) - solved.change) <= CLOSURE * solved.size:
            break
    return means


def gauss_rule(count: int) -> FloatArray:
    """Return Gauss–Legendre nodes and weights on [0, 1], (2, count)."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return np.array([0.5 * (points + 1.0), 0.5 * weights])


def gauss_rules(starts: Positions) -> tuple[FloatArray, FloatArray]:
    """Return Gauss–Legendre nodes and weights on [0, 1] for paths, flat.

    The rule of order m starts at m(m − 1)/2, and is left 0 where no path needs it. A path of n
    factors needs ceil(n/2) nodes, for products of n − 1 straight lines.
    """
    paths = np.bincount((np.diff(starts) + 2) // 2)
    last = paths.size - 1
    rules = np.zeros((2, last * (last + 1) // 2))
    for m in np.flatnonzero(paths):
        rules[:, m * (m - 1) // 2 : m * (m + 1) // 2] = gauss_rule(int(m))
    return rules[0], rules[1]


def _nodes(pair: TwoTables, count: int) -> Iterator[tuple[float, FloatArray, FloatArray]]:
    before, after = pair.before, pair.after
    for t, weight in gauss_rule(count).T.tolist():
        prepared = pair.system_between(t)
        s = (1.0 - t) * before.s + t * after.s
        y = (1.0 - t) * before.y + t * after.y
        yield weight, pair.multipliers(prepared, s), pair.output(prepared, y)
