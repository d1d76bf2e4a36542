"""Effects of the factors of one path, slow and obvious: every order, and logarithms in decimals.

And paths to try them on, in the form that the kernels take.
"""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Context, Decimal, localcontext
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st
from support.worlds.strategies import seeds

Array = npt.NDArray[np.float64]
Numbers = Sequence[float]
ROWS = 5

# Stands for zero in logarithms: so small that the limit is reached to 14 digits.
DELTA = Decimal("1e-1000000000000000")
DIGITS = Context(prec=50, Emin=-(10**17), Emax=10**17)


@cache
def orders(n: int) -> Counter[tuple[int, frozenset[int]]]:
    """In how many of the n! orders factor i changes just after this set of others."""
    return Counter(
        (i, frozenset(order[:place]))
        for order in itertools.permutations(range(n))
        for place, i in enumerate(order)
    )


def shapley_means(f0: Numbers, f1: Numbers) -> Array:
    """Return for each factor the mean over all orders of the product of the others."""
    n = len(f0)
    means = np.zeros(n)
    for (i, changed), count in orders(n).items():
        others = (f1[j] if j in changed else f0[j] for j in range(n) if j != i)
        means[i] += count / math.factorial(n) * math.prod(others)
    return means


def polar_means(f0: Numbers, f1: Numbers) -> Array:
    """Return the same over two orders only: first to last, and last to first."""
    n = len(f0)
    there = [math.prod(f1[:i]) * math.prod(f0[i + 1 :]) for i in range(n)]
    back = [math.prod(f0[:i]) * math.prod(f1[i + 1 :]) for i in range(n)]
    return (np.array(there) + np.array(back)) / 2


def technology_share(a0: float, a1: float, c0: float, c1: float, split: float) -> float:
    """Return the part Δc·t̄ of Δa, t = a/c, as far as it is split, and all of the rest."""
    trade = split * (c0 + c1) / 2 * (a1 / c1 - a0 / c0) if split else 0.0
    return a1 - a0 - trade


def nested_kinds(
    means: Array, f0: Numbers, f1: Numbers, steps_c: Sequence[Numbers], parts: tuple[float, float]
) -> Array:
    """Return intensity, technology, trade, demand from means of others.

    steps_c: c of both years and how far it is split, for all factors but y and s.
    """
    change = np.array(f1) - np.array(f0)
    steps = range(1, len(f0) - 1)
    technology = {i: technology_share(f0[i], f1[i], *(c[i - 1] for c in steps_c)) for i in steps}
    return np.array(
        [
            change[-1] * means[-1],
            sum(technology[i] * means[i] for i in steps),
            sum((change[i] - technology[i]) * means[i] for i in steps) + parts[1] * means[0],
            parts[0] * means[0],
        ]
    )


def nested_orders(groups: Sequence[Sequence[tuple[float, float]]]) -> list[list[float]]:
    """Return the Owen value of each factor: all orders of groups, all orders inside each group.

    groups holds (before, after) of every factor; a group changes without interruption.
    """
    effects = [[0.0] * len(group) for group in groups]
    walks = 0
    inner_orders = [list(itertools.permutations(range(len(group)))) for group in groups]
    for outer in itertools.permutations(range(len(groups))):
        for inner in itertools.product(*inner_orders):
            state = [[old for old, _ in group] for group in groups]
            value = math.prod(itertools.chain(*state))
            for g in outer:
                for m in inner[g]:
                    state[g][m] = groups[g][m][1]
                    then = math.prod(itertools.chain(*state))
                    effects[g][m] += then - value
                    value = then
            walks += 1
    return [[effect / walks for effect in group] for group in effects]


def log_mean(a: Decimal, b: Decimal) -> Decimal:
    """Return Λ(a, b)."""
    return a if a == b else (a - b) / (a / b).ln()


def decimals(f0: Numbers, f1: Numbers) -> tuple[list[Decimal], list[Decimal]]:
    """Return the numbers with zeros replaced by DELTA, of the sign of the other year."""
    pairs = [(a, b) for a, b in zip(f0, f1, strict=True)]
    d0 = [Decimal(a) if a != 0 else DELTA.copy_sign(Decimal(b)) for a, b in pairs]
    d1 = [Decimal(b) if b != 0 else DELTA.copy_sign(Decimal(a)) for a, b in pairs]
    return d0, d1


def lmdi(
    f0: Numbers, f1: Numbers, steps_c: Sequence[Numbers], parts: tuple[float, float]
) -> tuple[Array, Array] | None:
    """Return effects and kinds with zeros as tiny numbers, or None where a sign changes."""
    if any(a * b < 0 for a, b in zip(np.sign(f0), np.sign(f1), strict=True)):
        return None
    if 0 in f0 and 0 in f1:
        return np.zeros(len(f0)), np.zeros(4)
    with localcontext(DIGITS):
        d0, d1 = decimals(f0, f1)
        mean = log_mean(math.prod(d1, start=Decimal(1)), math.prod(d0, start=Decimal(1)))
        effects = [mean * (b / a).ln() for a, b in zip(d0, d1, strict=True)]
        unit = mean / log_mean(d1[0], d0[0])
        kinds = [effects[-1], Decimal(0), unit * Decimal(parts[1]), unit * Decimal(parts[0])]
        for i in range(1, len(f0) - 1):
            a0, a1 = d0[i], d1[i]
            x0, x1, split = (Decimal(c[i - 1]) for c in steps_c)
            if split == 0:
                technology = effects[i]
            elif x0 * x1 < 0:
                part = Decimal(technology_share(f0[i], f1[i], *(c[i - 1] for c in steps_c)))
                technology = mean / log_mean(a1, a0) * part
            else:
                technology = split * mean * (x1 / x0).ln() + (1 - split) * effects[i]
            kinds[1] += technology
            kinds[2] += effects[i] - technology
        return np.array([float(e) for e in effects]), np.array([float(k) for k in kinds])


@dataclass(frozen=True)
class Paths:
    """Arguments of the kernels, and paths one at a time."""

    starts: npt.NDArray[np.int64]
    rows: npt.NDArray[np.int32]
    before: Array
    after: Array
    s0: Array
    s1: Array
    required: Array
    demand_part: Array
    origin_part: Array

    def __len__(self) -> int:
        return self.starts.size - 1

    def factors(self, q: int) -> tuple[list[float], list[float]]:
        """Return the factors of a path in both years."""
        here, last = slice(self.starts[q], self.starts[q + 1]), self.rows[self.starts[q + 1] - 1]
        return [*self.before[here], self.s0[last]], [*self.after[here], self.s1[last]]

    def requirements(self, q: int) -> list[list[float]]:
        """Return c of the steps of a path in both years, and how far they are split by origin."""
        steps = slice(self.starts[q] + 1, self.starts[q + 1])
        listed: list[list[float]] = self.required[:, steps].tolist()
        return listed

    def parts(self, q: int) -> tuple[float, float]:
        """Return what demand itself, and its origin, did to y of a path."""
        row = self.rows[self.starts[q]]
        return float(self.demand_part[row]), float(self.origin_part[row])

    def places(self, q: int) -> slice:
        """Return where the positions of a path are."""
        return slice(self.starts[q] + q, self.starts[q + 1] + q + 1)

    def scale(self, q: int) -> float:
        """Return the sum of the sizes of all terms in the n!-average, as a yardstick of rounding.

        The parts of a change may be larger than the change.
        """
        f0, f1 = (np.abs(f) for f in self.factors(q))
        size = np.maximum(f0, f1)
        size[0] += sum(np.abs(self.parts(q)))
        spread = 1.0
        for a0, a1, c0, c1, split in zip(f0[1:-1], f1[1:-1], *self.requirements(q), strict=True):
            if split:
                spread += abs(c1 - c0) * (a0 / abs(c0) + a1 / abs(c1)) / max(a0, a1, 1e-300)
        return float(size.prod()) * spread


def split_where_both(c0: Any, c1: Any) -> Array:
    """Return c of both years, and 1 where neither is zero: no terms that cancel."""
    both = np.not_equal(c0, 0.0) & np.not_equal(c1, 0.0)
    return np.array([c0, c1, both.astype(float)])


def one_path(
    f0: list[float],
    f1: list[float],
    *,
    c0: list[float] | None = None,
    c1: list[float] | None = None,
    origin: float = 0.0,
) -> Paths:
    """Return a single path over rows 0, 1, 2 …; without c, each product has one origin."""
    k = len(f0) - 1
    zeros = np.zeros(k)
    part = np.concatenate([[f1[0] - f0[0]], zeros[1:]])
    return Paths(
        starts=np.array([0, k]),
        rows=np.arange(k, dtype=np.int32),
        before=np.array(f0[:-1]),
        after=np.array(f1[:-1]),
        s0=np.concatenate([zeros[1:], f0[-1:]]),
        s1=np.concatenate([zeros[1:], f1[-1:]]),
        required=split_where_both(
            [0.0, *(f0[1:-1] if c0 is None else c0)], [0.0, *(f1[1:-1] if c1 is None else c1)]
        ),
        demand_part=part - np.concatenate([[origin], zeros[1:]]),
        origin_part=np.concatenate([[origin], zeros[1:]]),
    )


def two_years(rng: np.random.Generator, size: int, signs: str) -> tuple[Array, Array]:
    """Return values of two years: many equal, zero in one year or both, or negative."""
    old, new = np.exp(2.0 * rng.normal(size=(2, size)))
    new = np.where(rng.random(size) < 0.2, old, new)
    new = np.where(rng.random(size) < 0.2, old * (1.0 + 1e-9 * rng.normal(size=size)), new)
    old, new = (np.where(rng.random(size) < 0.1, 0.0, f) for f in (old, new))
    if signs != "positive":
        both = np.where(rng.random(size) < 0.2, -1.0, 1.0)
        old, new = old * both, new * both
    if signs == "changing":
        new = np.where(rng.random(size) < 0.1, -new, new)
    return old, new


@st.composite
def many_paths(draw: Any, *, longest: int = 7, signs: str | None = None) -> Paths:
    """Paths of 2 to longest + 1 factors; c is a alone, or more, or zero, or of another sign;
    steps are split by origin, or not, or partly."""
    rng = draw(seeds())
    lengths = draw(st.lists(st.integers(1, longest), max_size=5))
    kind = draw(st.sampled_from(["positive", "negative", "changing"])) if signs is None else signs
    starts = np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]).astype(np.int64)
    total = int(starts[-1])
    rows = rng.integers(0, ROWS, total).astype(np.int32)
    y0, y1 = two_years(rng, ROWS, kind)
    s0, s1 = two_years(rng, ROWS, kind)
    before, after = two_years(rng, total, kind)
    before[starts[:-1]], after[starts[:-1]] = y0[rows[starts[:-1]]], y1[rows[starts[:-1]]]
    alone = rng.random(total) < 0.3
    others = two_years(rng, total, kind)
    c0, c1 = (a + np.where(alone, 0.0, o) for a, o in zip((before, after), others, strict=True))
    if kind == "changing":
        c0, c1 = (np.where(rng.random(total) < 0.1, 0.0, c) for c in (c0, c1))
    origin = (y1 - y0) * rng.choice([0.0, 0.3, 1.0, -2.0], ROWS)
    origin += (y0 != 0) * (y1 != 0) * rng.choice([0.0, 0.5], ROWS)
    required = split_where_both(c0, c1)
    required[2] *= rng.choice([1.0, 1.0, 0.3, 0.0], total)  # the less, the more of c cancels
    return Paths(starts, rows, before, after, s0, s1, required, (y1 - y0) - origin, origin)
