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
from carbonflows_fast.decomposition._two_tables import Pair
from carbonflows_fast.errors import NotProductiveError

__all__ = ["Means", "by_integral", "by_orders", "by_poles", "ends_of", "gauss"]

NODES = (4, 6, 8, 12, 16, 24)
"""Gauss nodes that are tried in turn; published tables need six."""

CLOSURE = 1e-10


@dataclass(slots=True, eq=False)
class Means:
    """x̄ and m̄, (n,), and the weighted pairs (w, m, x) between which coefficients change."""

    x: FloatArray
    m: FloatArray
    pairs: list[tuple[float, FloatArray, FloatArray]] = field(default_factory=list)
    nodes: int = 0

    def total(self, pair: Pair) -> float:
        """Return the change that the effects add up to."""
        change = pair.union[0]
        inputs = sum(w * float(m @ (change @ x)) for w, m, x in self.pairs)
        outer = (pair.after.s - pair.before.s) @ self.x + self.m @ (pair.after.y - pair.before.y)
        return float(outer) + float(inputs)


@dataclass(frozen=True, slots=True, eq=False)
class Ends:
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


def ends_of(pair: Pair, *, mixed: bool) -> Ends:
    """Solve at the two ends; `mixed` with the demand and the intensities of either year."""
    both = (pair.before, pair.after)
    x, m = {}, {}
    for a in (0, 1):
        prepared = pair.end(a)
        for other in (0, 1) if mixed else (a,):
            x[a, other] = pair.output(prepared, both[other].y)
            m[a, other] = pair.multipliers(prepared, both[other].s)
    emissions = [float(both[a].s @ x[a, a]) for a in (0, 1)]
    gross = float(np.abs(pair.before.s) @ np.abs(x[0, 0]))
    return Ends(x, m, (emissions[0], emissions[1]), gross)


def by_poles(pair: Pair, ends: Ends) -> Means:
    """Mean of the two years, path by path in the order y, a, …, s."""
    x0, x1, m0, m1 = ends.x[0, 0], ends.x[1, 1], ends.m[0, 0], ends.m[1, 1]
    return Means(0.5 * (x0 + x1), 0.5 * (m0 + m1), [(0.5, m0, x1), (0.5, m1, x0)])


def by_orders(pair: Pair, ends: Ends) -> Means:
    """Average over all orders in which s, L and y change.

    ΔL = L₁ ΔA L₀ = L₀ ΔA L₁ is shared among coefficients by the mean of the two forms.
    """
    weight = {(a, b): 1 / 3 if a == b else 1 / 6 for a, b in product((0, 1), repeat=2)}
    x = sum((w * ends.x[key] for key, w in weight.items()), np.zeros(pair.n))
    m = sum((w * ends.m[key] for key, w in weight.items()), np.zeros(pair.n))
    pairs = [
        (0.5 * weight[c, b], ends.m[a, c], ends.x[1 - a, b])
        for a, b, c in product((0, 1), repeat=3)
    ]
    return Means(x, m, pairs)


def by_integral(pair: Pair, ends: Ends) -> Means:
    """∫ along the straight line in s, A and y, by as many Gauss nodes as it takes to close."""
    means = Means(np.zeros(pair.n), np.zeros(pair.n))
    for nodes in NODES:
        means = Means(np.zeros(pair.n), np.zeros(pair.n), nodes=nodes)
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
        if abs(means.total(pair) - ends.change) <= CLOSURE * ends.size:
            break
    return means


def gauss(count: int) -> list[tuple[float, float]]:
    """Return Gauss–Legendre nodes and weights on [0, 1]."""
    points, weights = np.polynomial.legendre.leggauss(count)
    return list(zip((0.5 * (points + 1.0)).tolist(), (0.5 * weights).tolist(), strict=True))


def _nodes(pair: Pair, count: int) -> Iterator[tuple[float, FloatArray, FloatArray]]:
    before, after = pair.before, pair.after
    for t, weight in gauss(count):
        prepared = pair.between(t)
        s = (1.0 - t) * before.s + t * after.s
        y = (1.0 - t) * before.y + t * after.y
        yield weight, pair.multipliers(prepared, s), pair.output(prepared, y)
