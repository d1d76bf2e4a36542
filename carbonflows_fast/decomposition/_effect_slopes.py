"""Derivatives of the effects with respect to the coefficients, intensities and demands of a year.

An effect is a sum of products of a change with states m = (I − A')⁻¹ s and x = (I − A)⁻¹ y of one
year, or of a point between two. With g its derivative to a state x, and λ = (I − A')⁻¹ g,

    g'dx = λ'dA x + λ'dy,    and for a state m, with κ = (I − A)⁻¹ g,    g'dm = m'dA κ + κ'ds.

So to coefficients a derivative is a matrix of small rank, and what comes of the changes themselves:
of Δs'x̄, of m̄'ΔY by level, mix and origin, and of Σ w m'(part of ΔA) x.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.accounting._solves import most_accurate
from carbonflows_fast.decomposition._factor_splits import (
    clear,
    clear_slopes,
    parts_of_cells,
    requirements_of_years,
    trade_parts,
)
from carbonflows_fast.decomposition._mean_states import MeanStates, SolvedYears, gauss_rule
from carbonflows_fast.decomposition._two_tables import TwoTables
from carbonflows_fast.leontief import LeontiefSystem

__all__ = ["EffectSlopes", "Entries", "OfYear", "effect_slopes", "entries_of"]

TOLERANCES = (1e-10, 1e-8, 1e-6)
AT_ONCE = 1 << 17  # entries whose derivatives are worked out together
STEP = 1e-100
OF_INPUTS = ("intensity", "technology", "trade")


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """Some entries of the union of both A: where, and which product a buyer gets."""

    place: slice
    rows: npt.NDArray[np.int64]
    columns: npt.NDArray[np.int32]
    groups: npt.NDArray[np.int64]


def entries_of(pair: TwoTables) -> Iterator[Entries]:
    """Go through the entries of the union, some at a time, whole rows."""
    pattern = pair.union[0]
    first = 0
    while first < pair.n:
        begin = int(pattern.indptr[first])
        last = int(np.searchsorted(pattern.indptr, begin + AT_ONCE, side="right")) - 1
        last = min(max(last, first + 1), pair.n)
        end = int(pattern.indptr[last])
        rows = np.repeat(np.arange(first, last), np.diff(pattern.indptr[first : last + 1]))
        columns = pattern.indices[begin:end]
        groups = pair.product_codes[rows].astype(np.int64) * pair.n + columns
        yield Entries(slice(begin, end), rows, columns, groups)
        first = last


# --- states -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class _State:
    """x or m, its weight in the mean, and the shares of both years in its A and in its y or s."""

    values: FloatArray
    weight: float
    inputs: tuple[float, float]
    outer: tuple[float, float]


@dataclass(frozen=True, slots=True, eq=False)
class _States:
    """All states of a method; pairs are (weight, which m, which x)."""

    x: list[_State]
    m: list[_State]
    pairs: list[tuple[float, int, int]]


def _states_of(method: str, means: MeanStates, solved: SolvedYears) -> _States:
    years = ((1.0, 0.0), (0.0, 1.0))
    if method == "integral":
        shares = [(1.0 - t, t) for t in gauss_rule(means.nodes)[0].tolist()]
        at_nodes = list(zip(means.pairs, shares, strict=True))
        return _States(
            [_State(x, weight, t, t) for (weight, _, x), t in at_nodes],
            [_State(m, weight, t, t) for (weight, m, _), t in at_nodes],
            [(weight, k, k) for k, (weight, _, _) in enumerate(means.pairs)],
        )
    if method == "polar":
        x, m = (
            [_State(of[a, a], 0.5, years[a], years[a]) for a in (0, 1)]
            for of in (solved.x, solved.m)
        )
        return _States(x, m, [(0.5, 0, 1), (0.5, 1, 0)])
    keys = [(a, b) for a, b in product((0, 1), repeat=2)]
    weight = {key: 1 / 3 if key[0] == key[1] else 1 / 6 for key in keys}
    x, m = (
        [_State(of[key], weight[key], years[key[0]], years[key[1]]) for key in keys]
        for of in (solved.x, solved.m)
    )
    pairs = [
        (0.5 * weight[c, b], keys.index((a, c)), keys.index((1 - a, b)))
        for a, b, c in product((0, 1), repeat=3)
    ]
    return _States(x, m, pairs)


# --- derivatives --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, eq=False)
class OfYear:
    """Derivatives with respect to the data of one year, for E effects.

    Attributes
    ----------
    left, right : list of ndarray, (n, k) for each effect
        To coefficients: left right', beside those of the changes.
    sign : float
        1 for the later year, −1 for the earlier one.
    trade : tuple of ndarray, shape (P n,)
        What multiplies 1, the weight of an entry and its sign, in the derivative of its trade part.
    emitted : ndarray, shape (n, E)
        To intensities.
    bought : ndarray, shape (n, q, E)
        To final demand by consumer.
    outputs : ndarray, shape (n, E)
        To the logarithm of x, which coefficients and intensities are over.
    """

    left: list[FloatArray]
    right: list[FloatArray]
    sign: float
    trade: tuple[FloatArray, FloatArray, FloatArray]
    emitted: FloatArray
    bought: FloatArray
    outputs: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class EffectSlopes:
    """Derivatives of all effects: those of each year, and what changes of coefficients weigh.

    Attributes
    ----------
    names : list of str
    years : tuple of OfYear
    weights : tuple of ndarray, shape (n, pairs)
        Σ_k of their products for seller and buyer is the weight of a change.
    """

    names: list[str]
    years: tuple[OfYear, OfYear]
    weights: tuple[FloatArray, FloatArray]

    def weight(self, some: Entries) -> FloatArray:
        return _products(*self.weights, some)

    def inputs(self, year: int, some: Entries, weight: FloatArray, a: FloatArray) -> FloatArray:
        """Return derivatives to some entries of the A of a year, (entries, E)."""
        of = self.years[year]
        found = np.zeros((len(weight), len(self.names)))
        for at, (left, right) in enumerate(zip(of.left, of.right, strict=True)):
            found[:, at] = _products(left, right, some)
        alone, by_weight, by_sign = (part[some.groups] for part in of.trade)
        trade = alone + by_weight * weight + by_sign * np.sign(a[some.place])
        found[:, 1] += of.sign * weight - trade
        found[:, 2] += trade
        return found


def effect_slopes(
    pair: TwoTables, method: str, means: MeanStates, solved: SolvedYears
) -> EffectSlopes:
    """Return the derivatives of the effects of a method that takes means of states."""
    states = _states_of(method, means, solved)
    demand = _DemandSlopes(pair, means.m)
    names = [*OF_INPUTS, *demand.names]
    lambdas, kappas = _adjoint_states(pair, states, demand.parts)
    root = np.array([w for w, _, _ in states.pairs])
    sellers = np.stack([states.m[m].values for _, m, _ in states.pairs], axis=1) * root
    weights = sellers, np.stack([states.x[x].values for _, _, x in states.pairs], axis=1)
    trade = _TradeSlopes(pair, weights)
    years = [
        _of_year(pair, year, states, lambdas, kappas, demand, trade, means.x) for year in (0, 1)
    ]
    return EffectSlopes(names, (years[0], years[1]), weights)


def _adjoint_states(
    pair: TwoTables, states: _States, demand: FloatArray
) -> tuple[list[FloatArray], list[FloatArray]]:
    """Return λ of each x, (n, 3), and κ of each m, (n, E − 1), of all effects but the first."""
    _, a0, a1 = pair.union
    part = trade_parts(pair)
    matrices = [pair.on_pattern(a1 - a0 - part), pair.on_pattern(part)]
    changed = pair.after.s - pair.before.s
    lambdas, kappas = ([np.zeros(0)] * len(of) for of in (states.x, states.m))
    for inputs in dict.fromkeys(one.inputs for one in (*states.x, *states.m)):
        prepared = _system(pair, inputs)
        for at in (k for k, one in enumerate(states.x) if one.inputs == inputs):
            sides = np.zeros((pair.n, 3))
            sides[:, 0] = states.x[at].weight * changed
            for w, m, x in states.pairs:
                for column, matrix in enumerate(matrices if x == at else (), start=1):
                    sides[:, column] += w * (matrix.T @ states.m[m].values)
            solve: Any = partial(prepared.solve_adjoint, sides.T, weight=pair.weights[1])
            lambdas[at] = np.ascontiguousarray(most_accurate(solve, TOLERANCES).values.T)
        for at in (k for k, one in enumerate(states.m) if one.inputs == inputs):
            sides = np.concatenate([np.zeros((pair.n, 2)), states.m[at].weight * demand], axis=1)
            for w, m, x in states.pairs:
                for column, matrix in enumerate(matrices if m == at else ()):
                    sides[:, column] += w * (matrix @ states.x[x].values)
            solve = partial(prepared.solve, sides, weight=pair.weights[0])
            kappas[at] = most_accurate(solve, TOLERANCES).values
    return lambdas, kappas


def _system(pair: TwoTables, inputs: tuple[float, float]) -> LeontiefSystem:
    if inputs[1] in (0.0, 1.0):
        return pair.system_of_year(int(inputs[1]))
    return pair.system_between(inputs[1])


def _of_year(
    pair: TwoTables,
    year: int,
    states: _States,
    lambdas: list[FloatArray],
    kappas: list[FloatArray],
    demand: _DemandSlopes,
    trade: _TradeSlopes,
    mean_x: FloatArray,
) -> OfYear:
    sign, count = (-1.0, 1.0)[year], len(OF_INPUTS) + len(demand.names)
    left: list[list[FloatArray]] = [[] for _ in range(count)]
    right: list[list[FloatArray]] = [[] for _ in range(count)]
    emitted, bought = np.zeros((pair.n, count)), np.zeros((pair.n, count))
    emitted[:, 0] = sign * mean_x
    for state, found in zip(states.x, lambdas, strict=True):
        bought[:, :3] += state.outer[year] * found
        for effect in range(3 if state.inputs[year] else 0):
            left[effect].append(state.inputs[year] * found[:, effect])
            right[effect].append(state.values)
    for state, found in zip(states.m, kappas, strict=True):
        emitted[:, 1:] += state.outer[year] * found
        for effect in range(1, count if state.inputs[year] else 1):
            left[effect].append(state.inputs[year] * state.values)
            right[effect].append(found[:, effect - 1])
    lefts, rights = ([np.stack(one, axis=1) for one in side] for side in (left, right))
    by_consumer = np.repeat(bought[:, None, :], pair.years[year].Y.shape[1], axis=1)
    by_consumer[:, :, len(OF_INPUTS) :] += demand.of_year(year)
    A, s = pair.on_pattern(pair.union[1 + year]), pair.years[year].s
    outputs = -s[:, None] * emitted
    for effect in range(count):
        outputs[:, effect] -= np.einsum("ik,ik->i", rights[effect], A.T @ lefts[effect])
    weighed, of_trade = trade.over_columns(year)
    outputs[:, 1] -= sign * weighed - of_trade
    outputs[:, 2] -= of_trade
    return OfYear(lefts, rights, sign, trade.of_year(year), emitted, by_consumer, outputs)


class _TradeSlopes:
    """Derivatives of Σ P (trade part of Δa), entry by entry, for a weight P of each.

    Of a product bought by j, with c̄ the mean requirement and π = Σ P a / c the mean weight of its
    origins, the sum is k c̄ (π₁ − π₀), k how far it is split. To a of the later year

        k ((π₁ − π₀) / 2 + c̄ (P − π₁) / c₁) + dk/da c̄ (π₁ − π₀).
    """

    def __init__(self, pair: TwoTables, weights: tuple[FloatArray, FloatArray]) -> None:
        (c0, c1), sizes = requirements_of_years(pair)
        self._shape = c0.shape
        self._c, self._sizes = (c0.ravel(), c1.ravel()), [one.ravel() for one in sizes]
        self._weighed = [np.zeros(c0.size), np.zeros(c0.size)]
        for some in entries_of(pair):
            weight = _products(*weights, some)
            for year, total in enumerate(self._weighed):
                values = weight * pair.union[1 + year][some.place]
                total += np.bincount(some.groups, values, total.size)
        self._held = [clear(c, size) for c, size in zip(self._c, self._sizes, strict=True)]
        self._split = self._held[0] * self._held[1]
        self._mean = [
            np.divide(one, c, out=np.zeros(c.size), where=self._split > 0.0)
            for one, c in zip(self._weighed, self._c, strict=True)
        ]

    def of_year(self, year: int) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Return what multiplies 1, the weight of an entry and its sign, (P n,) each."""
        c, sign, split = self._c[year], (-1.0, 1.0)[year], self._split
        middle, change = 0.5 * (self._c[0] + self._c[1]), self._mean[1] - self._mean[0]
        by_weight = sign * split * np.divide(middle, c, out=np.zeros(c.size), where=split > 0.0)
        to_sum, to_size = clear_slopes(c, self._sizes[year])
        held = self._held[1 - year] * middle * change
        alone = split * 0.5 * change - by_weight * self._mean[year] + held * to_sum
        return alone, by_weight, held * to_size

    def over_columns(self, year: int) -> tuple[FloatArray, FloatArray]:
        """Return Σ a P and Σ a (derivative of the trade part) over every column, (n,) each."""
        alone, by_weight, by_sign = self.of_year(year)
        weighed = self._weighed[year]
        total = alone * self._c[year] + by_weight * weighed + by_sign * self._sizes[year]
        columns = [one.reshape(self._shape).sum(axis=0) for one in (weighed, total)]
        return columns[0], columns[1]


class _DemandSlopes:
    """Derivatives of Σ m̄ (part of ΔY) to the cells of both Y: (n, q, factors) each.

    Parts are made cell by cell of six sums and two shares of both years. Derivatives to each of
    these are taken by complex steps, exact to rounding, of the function that makes the parts.
    """

    def __init__(self, pair: TwoTables, m: FloatArray) -> None:
        self._pair, self._m = pair, m
        self._codes, self._products = pair.product_codes, int(pair.product_codes.max()) + 1
        Y = [year.Y for year in pair.years]
        self._B = [sums.sum_by_group(one, self._codes, self._products) for one in Y]
        self._G = [sums.sum_by_group(np.abs(one), self._codes, self._products) for one in Y]
        self._l = [one.sum(axis=0) for one in self._B]
        self._g = [one.sum(axis=0) for one in self._G]
        self._split = [clear(B, G) for B, G in zip(self._B, self._G, strict=True)]
        self._whole = [clear(one, size) for one, size in zip(self._l, self._g, strict=True)]
        codes = self._codes
        split, whole = self._split[0] * self._split[1], self._whole[0] * self._whole[1]
        self._given = [*Y, *(B[codes] for B in self._B), *self._l, split[codes], whole]
        self.names = ["demand level", "demand mix", "demand origin"]
        if pair.heads is not None:
            self.names.insert(0, "population")
        self.parts: FloatArray = self._of(self._given).sum(axis=1)
        self._slopes = [self._to(which) for which in range(len(self._given))]

    def _of(self, given: list[Any]) -> Any:
        """Return the parts of ΔY by factor, (n, q, factors)."""
        level, mix, origin, unit = parts_of_cells(*given)
        parts = [level, mix, origin]
        if self._pair.heads is not None:
            p0, p1 = self._pair.heads
            heads = (p1 - p0) * 0.5 * (given[4] / p0 + given[5] / p1) * unit
            parts = [heads, level - heads, mix, origin]
        return np.stack(parts, axis=-1)

    def _to(self, which: int) -> FloatArray:
        """Return m̄ times derivatives of the parts to one of what they are made of."""
        given: list[Any] = list(self._given)
        given[which] = given[which] + 1j * STEP
        slopes: FloatArray = self._m[:, None, None] * (np.imag(self._of(given)) / STEP)
        return slopes

    def of_year(self, year: int) -> FloatArray:
        """Return derivatives to the cells of the Y of a year, (n, q, factors)."""
        codes, sign = self._codes, np.sign(self._given[year])[:, :, None]
        to_Y, to_B, to_l = (self._slopes[at + year] for at in (0, 2, 4))
        to_split, to_whole = self._slopes[6], self._slopes[7]
        split, whole = self._split[1 - year], self._whole[1 - year]
        by_sum, by_size = clear_slopes(self._B[year], self._G[year])
        total = self._by_product(to_split)
        found = to_Y + (self._by_product(to_B) + (split * by_sum)[:, :, None] * total)[codes]
        found += sign * ((split * by_size)[:, :, None] * total)[codes]
        by_sum, by_size = clear_slopes(self._l[year], self._g[year])
        total = to_whole.sum(axis=0)
        found += to_l.sum(axis=0) + (whole * by_sum)[:, None] * total
        found += sign * ((whole * by_size)[:, None] * total)
        made: FloatArray = found
        return made

    def _by_product(self, slopes: FloatArray) -> FloatArray:
        n, q, factors = slopes.shape
        flat = sums.sum_by_group(slopes.reshape(n, -1), self._codes, self._products)
        found: FloatArray = flat.reshape(self._products, q, factors)
        return found


def _products(left: FloatArray, right: FloatArray, some: Entries) -> FloatArray:
    """Return Σ_k left_ik right_jk of some entries."""
    found: FloatArray = np.einsum("ek,ek->e", left[some.rows], right[some.columns])
    return found
