"""LMDI of every path, summed over all of them: an integral along three legs.

A path's logarithmic mean effect of a factor that is f₀ and then f₁ is ∫ Π others · f(t) dt / Λ(f)
times Δf on the line where every factor goes from year to year geometrically. Factors that vanish
first go to zero in a straight line, all together, and new ones come from zero last: these are the
limits that share such a path's value equally among its zeros. So, for all paths at once,

1. vanishing entries of s, A and y are scaled from 1 to 0, with those in both years as before;
2. entries in both years go from f₀ to f₁ as f₀^(1−t) f₁^t, with no other entries;
3. new entries are scaled from 0 to 1, with those in both years as after.

Source: the limits are those of Wood & Lenzen (2006), Energy Policy 34; Ang & Liu (2001), Energy 26.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.decomposition._factor_splits import demand_parts, requirements, trade_part
from carbonflows_fast.decomposition._mean_states import (
    CLOSURE,
    NODES,
    SolvedYears,
    gauss_rule,
    integral_means,
    solve_both_years,
)
from carbonflows_fast.decomposition._two_tables import TwoTables, Year
from carbonflows_fast.decomposition._whole import demand_factors, effects_of

__all__ = ["lmdi_of_all_paths"]

GONE, COMMON, NEW = 0, 1, 2


def lmdi_of_all_paths(pair: TwoTables, solved: SolvedYears) -> dict[str, float] | None:
    """Return the LMDI effects of all paths, or None where some path has no logarithm.

    Final demand that changes sign is no obstacle: the paths to it take the straight line, as they
    do one by one, and E is linear in final demand.
    """
    _, a0, a1 = pair.union
    s0, s1, y0, y1 = pair.before.s, pair.after.s, pair.before.y, pair.after.y
    if (a0 * a1 < 0).any() or (s0 * s1 < 0).any():
        return None
    opposite = y0 * y1 < 0
    steady0, steady1 = np.where(opposite, 0.0, y0), np.where(opposite, 0.0, y1)
    effects = _along_legs(pair, steady0, steady1, solved.size)
    if opposite.any():
        part = _only(pair, opposite)
        straight = integral_means(part, solve_both_years(part, mixed=False))
        straight.m *= opposite
        for name, effect in effects_of(pair, straight).items():
            effects[name] += effect
    return effects


def _only(pair: TwoTables, rows: Any) -> TwoTables:
    """Return the pair with the final demand of these rows alone."""
    before, after = (Year(year.table, year.s, year.Y * rows[:, None]) for year in pair.years)
    return replace(pair, before=before, after=after)


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """A factor along the three legs, entry by entry: values, and what weighs its change."""

    f0: FloatArray
    f1: FloatArray

    def at(self, leg: int, t: float) -> FloatArray:
        """Return the values."""
        f0, f1 = self.f0, self.f1
        if leg == GONE:
            values = np.where(f1 != 0, f0, (1.0 - t) * f0)
        elif leg == NEW:
            values = np.where(f0 != 0, f1, t * f1)
        else:
            with np.errstate(divide="ignore", invalid="ignore"):
                values = np.where((f0 != 0) & (f1 != 0), f0 * (f1 / f0) ** t, 0.0)
        return values

    def weight(self, leg: int, t: float) -> FloatArray:
        """Return f(t)/Λ(f) of entries in both years, and 1 for those that this leg moves."""
        f0, f1 = self.f0, self.f1
        if leg == GONE:
            moved = (f0 != 0) & (f1 == 0)
        elif leg == NEW:
            moved = (f0 == 0) & (f1 != 0)
        else:
            from carbonflows_fast.decomposition._logarithms import log_mean

            with np.errstate(divide="ignore", invalid="ignore"):
                values = self.at(leg, t) / log_mean(f0, f1)
            moved = np.where((f0 != 0) & (f1 != 0), values, 0.0)
        return np.asarray(moved, dtype=np.float64)


def _along_legs(pair: TwoTables, y0: FloatArray, y1: FloatArray, size: float) -> dict[str, float]:
    """Add up the effects of the three legs, each by as many nodes as it takes to close."""
    from carbonflows_fast.decomposition._logarithms import log_mean

    _, a0, a1 = pair.union
    lines = Line(pair.before.s, pair.after.s), Line(a0, a1), Line(y0, y1)
    technology = _technology(pair, log_mean(a0, a1))
    factors = demand_factors(demand_parts(pair, logarithmic=True))
    parts = {name: change.sum(axis=1) for name, change in factors.items()}
    effects = dict.fromkeys(("intensity", "technology", "trade", *parts), 0.0)
    for leg in (GONE, COMMON, NEW):
        if leg != COMMON and not any(line.weight(leg, 0.0).any() for line in lines):
            continue
        change = _emissions(pair, lines, leg, 1.0) - _emissions(pair, lines, leg, 0.0)
        for nodes in NODES:
            of_leg = _leg(pair, lines, leg, nodes, technology, parts)
            if abs(sum(of_leg.values()) - change) <= CLOSURE * size:
                break
        for name, effect in of_leg.items():
            effects[name] += effect
    return effects


def _emissions(pair: TwoTables, lines: tuple[Line, ...], leg: int, t: float) -> float:
    s, a, y = (line.at(leg, t) for line in lines)
    return float(s @ pair.output(pair.system_with(a), y))


def _leg(
    pair: TwoTables,
    lines: tuple[Line, ...],
    leg: int,
    nodes: int,
    technology: FloatArray,
    parts: dict[str, FloatArray],
) -> dict[str, float]:
    """Return the effects of one leg by Gauss's rule."""
    of_s, of_a, of_y = lines
    trade = of_a.f1 - of_a.f0 - technology
    effects = dict.fromkeys(("intensity", "technology", "trade", *parts), 0.0)
    for t, w in gauss_rule(nodes).T.tolist():
        s, a, y = (line.at(leg, t) for line in lines)
        prepared = pair.system_with(a)
        m, x = pair.multipliers(prepared, s), pair.output(prepared, y)
        effects["intensity"] += w * float((of_s.weight(leg, t) * (of_s.f1 - of_s.f0)) @ x)
        weight = of_a.weight(leg, t)
        effects["technology"] += w * float(m @ (pair.on_pattern(weight * technology) @ x))
        effects["trade"] += w * float(m @ (pair.on_pattern(weight * trade) @ x))
        weighted = w * of_y.weight(leg, t) * m
        for name, part in parts.items():
            effects[name] += float(weighted @ part)
    return effects


def _technology(pair: TwoTables, means: FloatArray) -> FloatArray:
    """Return the technology part of Δa of every entry: Λ(a) Δln c, and none at a zero, which is one
    of the origin share. Where c changes sign, its part is the straight one. What is not split by
    origin is technology.
    """
    from carbonflows_fast.decomposition._logarithms import log_ratio

    pattern, a0, a1 = pair.union
    required = requirements(pair)
    here = np.repeat(pair.product_codes, np.diff(pattern.indptr)), pattern.indices
    c0, c1, split = (values[here] for values in required)
    none = (a0 == 0) | (a1 == 0) | (split == 0)
    with np.errstate(invalid="ignore"):
        logs = np.where(none, 0.0, means * log_ratio(c0, c1))
    straight = a1 - a0 - trade_part(a0, a1, c0, c1, split)
    logarithmic = split * logs + (1.0 - split) * (a1 - a0)
    part: FloatArray = np.where(np.sign(c0) * np.sign(c1) < 0, straight, logarithmic)
    return part
