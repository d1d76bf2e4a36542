"""Array loops in Numba: what each factor of a path did to the change of its value.

A path of stage k is the product v = y·a_1 ⋯ a_k·s: final demand, coefficients, intensity. Its
n = k + 2 factors are numbered in that order, y first. The kernels take p paths, one after the
other in flat arrays, before and after the change:

- starts (p + 1,) int64, rows (starts[p],) int32: path q is rows[starts[q]:starts[q + 1]], its
  final product first; every path has at least that one row;
- before, after (starts[p],): y for the first step of a path, a for the others;
- s0, s1 (n,): intensity of each row of the table;
- required (3, starts[p]): the requirement c = Σ a over origins of each step, before and after, and
  how far the step is split by origin, from 0 to 1 (`_factor_splits.clear`); unused for first steps;
- demand_part, origin_part (n,): what level and mix, and what origin, did to y; both together are
  y1 − y0 of the row;
- nodes, weights: from `gauss_rules(starts)`.

They return

- positions (starts[p] + p,): the effect of each factor, those of path q from starts[q] + q on;
- origins (starts[p] + p,): the trade part of each of these;
- kinds (p, 4): intensity, technology, trade and demand.

Positions and kinds both add up to v1 − v0. A step a = c·t has a technology part, from c, and a
trade part, from the origin share t. What is not split by origin counts as technology: where
c is zero or its terms cancel in a year, all of it.

The rules of `_base.kernels` hold here too: loops in the order written, one thread, trusted input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import types

from carbonflows_fast._base.kernels import (
    CODES,
    COUNT,
    MATRIX,
    OUT_MATRIX,
    OUT_VECTOR,
    VECTOR,
    Codes,
    Floats,
    kernel,
)
from carbonflows_fast.decomposition._factor_splits import trade_of_shares
from carbonflows_fast.decomposition._logarithms import helper, mean_by_log, ratio_log

__all__ = ["METHODS", "path_effects"]

Starts = np.ndarray[tuple[int], np.dtype[np.int64]]

_PATHS = (
    types.Array(types.int64, 1, "C", readonly=True),
    CODES,
    *[VECTOR] * 4,
    MATRIX,
    *[VECTOR] * 2,
)
_tuple: Any = types.Tuple
_EFFECTS = _tuple((OUT_VECTOR, OUT_VECTOR, OUT_MATRIX, COUNT))

METHODS = ("shapley", "polar", "lmdi")
_POLAR, _LMDI = 1, 2
_INTENSITY, _TECHNOLOGY, _TRADE, _DEMAND = 0, 1, 2, 3


_trade_of_shares = helper(trade_of_shares)


@helper
def _shapley_means(
    f0: Floats, f1: Floats, nodes: Floats, weights: Floats, means: Floats, prefix: Floats
) -> None:
    """Write ∫₀¹ Π_{j≠i} [(1−t) f_j0 + t f_j1] dt; no division, so any factor may be 0."""
    n = f0.size
    order = (n + 1) // 2
    first = order * (order - 1) // 2
    means[:] = 0.0
    for g in range(first, first + order):
        t = nodes[g]
        product = weights[g]
        for i in range(n):
            prefix[i] = product
            product *= (1.0 - t) * f0[i] + t * f1[i]
        product = 1.0
        for i in range(n - 1, -1, -1):
            means[i] += prefix[i] * product
            product *= (1.0 - t) * f0[i] + t * f1[i]


@helper
def _polar_means(f0: Floats, f1: Floats, means: Floats, prefix: Floats) -> None:
    """Write ½ (Π_{j<i} f_j0 Π_{j>i} f_j1 + Π_{j<i} f_j1 Π_{j>i} f_j0)."""
    n = f0.size
    product0, product1 = 0.5, 0.5
    for i in range(n):
        means[i], prefix[i] = product0, product1
        product0 *= f0[i]
        product1 *= f1[i]
    product0, product1 = 1.0, 1.0
    for i in range(n - 1, -1, -1):
        means[i] = means[i] * product1 + prefix[i] * product0
        product0 *= f0[i]
        product1 *= f1[i]


@helper
def _trade_part(a0: float, a1: float, c0: float, c1: float, split: float) -> float:
    """Return c̄·Δt of Δa = Δc·t̄ + c̄·Δt as far as it is split."""
    if split == 0.0:
        return 0.0
    trade: float = _trade_of_shares(c0, c1, a0 / c0, a1 / c1, split)
    return trade


@helper
def _nested_effects(
    f0: Floats,
    f1: Floats,
    c: Floats,
    parts: tuple[float, float],
    means: Floats,
    e: Floats,
    origin: Floats,
    kind: Floats,
) -> None:
    """Write Δf_i·means_i of one path, and the same with each part of Δf_i."""
    last = f0.size - 1
    e[0] = (f1[0] - f0[0]) * means[0]
    e[last] = (f1[last] - f0[last]) * means[last]
    kind[_INTENSITY] = e[last]
    kind[_DEMAND] = parts[0] * means[0]
    origin[0] = parts[1] * means[0]
    kind[_TRADE] = origin[0]
    for i in range(1, last):
        change = f1[i] - f0[i]
        trade = _trade_part(f0[i], f1[i], c[0, i], c[1, i], c[2, i])
        e[i] = change * means[i]
        origin[i] = trade * means[i]
        kind[_TECHNOLOGY] += (change - trade) * means[i]
        kind[_TRADE] += origin[i]


@helper
def _opposite(a: float, b: float) -> bool:
    """Say whether one is above and the other below 0; their product might underflow."""
    return (a < 0.0 < b) or (b < 0.0 < a)


@helper
def _limit_effects(
    zero: Floats,
    other: Floats,
    share: float,
    c: Floats,
    year: int,
    parts: tuple[float, float],
    e: Floats,
    origin: Floats,
    kind: Floats,
) -> None:
    """Write the limits for a path that is 0 in one year: an equal share for each zero factor.

    A step goes to trade, as the zero is one of its origin share, but for what is not split, which
    is technology; y in proportion to the parts of its change, here from zero to other. `year` is
    where the path is zero, 0 or 1.
    """
    last = zero.size - 1
    if zero[0] == 0.0:
        e[0] = share
        kind[_DEMAND] = share * (parts[0] / other[0])
        origin[0] = share * (parts[1] / other[0])
        kind[_TRADE] = origin[0]
    if zero[last] == 0.0:
        e[last] = share
        kind[_INTENSITY] = share
    for i in range(1, last):
        if zero[i] != 0.0:
            continue
        then, now, split = c[year, i], c[1 - year, i], c[2, i]
        technology = share * (1.0 - split)
        if split > 0.0 and _opposite(then, now):
            part = other[i] - _trade_part(0.0, other[i], then, now, split)
            technology = share * (part / other[i])
        e[i], origin[i] = share, share - technology
        kind[_TECHNOLOGY] += technology
        kind[_TRADE] += origin[i]


@helper
def _log_effects(
    f0: Floats,
    f1: Floats,
    c: Floats,
    parts: tuple[float, float],
    logs: Floats,
    e: Floats,
    origin: Floats,
    kind: Floats,
) -> bool:
    """Write the LMDI effects of one path, or return False if it has no logarithm.

    A path that is 0 in both years has no effects.
    """
    n = f0.size
    zeros0, zeros1, opposite = 0, 0, False
    v0, v1 = 1.0, 1.0
    for i in range(n):
        zeros0 += f0[i] == 0.0
        zeros1 += f1[i] == 0.0
        opposite |= _opposite(f0[i], f1[i])
        v0 *= f0[i]
        v1 *= f1[i]
    if opposite:
        return False
    if zeros0 > 0 and zeros1 > 0:
        return True
    if zeros0 > 0:
        _limit_effects(f0, f1, v1 / zeros0, c, 0, parts, e, origin, kind)
        return True
    if zeros1 > 0:
        back = -parts[0], -parts[1]
        _limit_effects(f1, f0, -v0 / zeros1, c, 1, back, e, origin, kind)
        return True
    # The sum of the logarithms, not ln(v1/v0): it stays right where a value underflows.
    total = 0.0
    for i in range(n):
        logs[i] = ratio_log(f0[i], f1[i])
        total += logs[i]
    mean = mean_by_log(v0, v1, total)
    for i in range(n):
        e[i] = mean * logs[i]
    kind[_INTENSITY] = e[n - 1]
    scale = mean / mean_by_log(f0[0], f1[0], logs[0])
    kind[_DEMAND] = scale * parts[0]
    origin[0] = scale * parts[1]
    kind[_TRADE] = origin[0]
    for i in range(1, n - 1):
        split = c[2, i]
        if split == 0.0:
            technology = e[i]
        elif _opposite(c[0, i], c[1, i]):
            # c and t have no logarithm though a has: its parts as those of y are.
            scale = mean / mean_by_log(f0[i], f1[i], logs[i])
            trade = _trade_part(f0[i], f1[i], c[0, i], c[1, i], split)
            technology = scale * (f1[i] - f0[i] - trade)
        else:
            technology = split * mean * ratio_log(c[0, i], c[1, i]) + (1.0 - split) * e[i]
        origin[i] = e[i] - technology
        kind[_TECHNOLOGY] += technology
        kind[_TRADE] += origin[i]
    return True


@kernel(_EFFECTS, COUNT, *_PATHS, VECTOR, VECTOR)
def path_effects(
    method: int,
    starts: Starts,
    rows: Codes,
    before: Floats,
    after: Floats,
    s0: Floats,
    s1: Floats,
    required: Floats,
    demand_part: Floats,
    origin_part: Floats,
    nodes: Floats,
    weights: Floats,
) -> tuple[Floats, Floats, Floats, int]:
    """Return positions, origins, kinds, and how many paths have no logarithm.

    A sign changes in those; "lmdi" gives them their Shapley effects. `method` is a place in
    `METHODS`:

    - shapley: the mean over all n! orders of change, Δf_i ∫₀¹ Π_{j≠i} [(1−t) f_j0 + t f_j1] dt;
    - polar: the mean of two orders, the factors as numbered and reversed;
    - lmdi: Λ(v1, v0) ln(f_i1/f_i0), zeros as the limit of small values.
    """
    p = starts.size - 1
    positions, origins, kinds = np.zeros(rows.size + p), np.zeros(rows.size + p), np.zeros((p, 4))
    longest = 0
    for q in range(p):
        longest = max(longest, starts[q + 1] - starts[q] + 1)
    old, new = np.empty(longest), np.empty(longest)
    one, two = np.empty(longest), np.empty(longest)
    left = 0
    for q in range(p):
        first, end = starts[q], starts[q + 1]
        n = end - first + 1
        for j in range(n - 1):
            old[j], new[j] = before[first + j], after[first + j]
        old[n - 1], new[n - 1] = s0[rows[end - 1]], s1[rows[end - 1]]
        f0, f1, means, prefix = old[:n], new[:n], one[:n], two[:n]
        here = slice(first + q, end + q + 1)
        e, origin, kind = positions[here], origins[here], kinds[q]
        parts = demand_part[rows[first]], origin_part[rows[first]]
        c = required[:, first:end]
        if method == _LMDI:
            if _log_effects(f0, f1, c, parts, means, e, origin, kind):
                continue
            left += 1
        if method == _POLAR:
            _polar_means(f0, f1, means, prefix)
        else:
            _shapley_means(f0, f1, nodes, weights, means, prefix)
        _nested_effects(f0, f1, c, parts, means, e, origin, kind)
    return positions, origins, kinds, left
