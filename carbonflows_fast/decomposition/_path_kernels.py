"""Array loops in Numba: what each factor of a path did to the change of its value.

A path of stage k is the product v = y·a_1 ⋯ a_k·s: final demand, coefficients, intensity. Its
n = k + 2 factors are numbered in that order, y first. The kernels take p paths, one after the
other in flat arrays, before and after the change:

- starts (p + 1,) int64, rows (starts[p],) int32: path q is rows[starts[q]:starts[q + 1]], its
  final product first; every path has at least that one row;
- before, after (starts[p],): y for the first step of a path, a for the others;
- s0, s1 (n,): intensity of each row of the table;
- required (3, starts[p]): the requirement c = Σ a over origins of each step, before and after, and
  how far the step is split by origin, from 0 to 1 (`_nested.clear`); unused for first steps;
- demand_part, origin_part (n,): what level and mix, and what origin, did to y; both together are
  y1 − y0 of the row;
- nodes, weights: from `gauss_nodes(starts)`.

They return

- positions (starts[p] + p,): the effect of each factor, those of path q from starts[q] + q on;
- origins (starts[p] + p,): the trade part of each of these;
- kinds (p, 4): intensity, technology, trade and demand.

Positions and kinds both add up to v1 − v0. A step a = c·t has a technology part, from c, and a
trade part, from the origin share t. What is not split by origin counts as technology: where
c is zero or its terms cancel in a year, all of it.

The rules of `_kernels` hold here too: loops in the order written, one thread, trusted input.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit, types

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

__all__ = ["gauss_nodes", "lmdi_effects", "polar_effects", "shapley_effects"]

Starts = np.ndarray[tuple[int], np.dtype[np.int64]]
Helper = TypeVar("Helper", bound=Callable[..., Any])

_PATHS = (
    types.Array(types.int64, 1, "C", readonly=True),
    CODES,
    *[VECTOR] * 4,
    MATRIX,
    *[VECTOR] * 2,
)
_tuple: Any = types.Tuple
_EFFECTS = _tuple((OUT_VECTOR, OUT_VECTOR, OUT_MATRIX))
_EFFECTS_AND_COUNT = _tuple((OUT_VECTOR, OUT_VECTOR, OUT_MATRIX, COUNT))

_SHAPLEY, _POLAR, _LMDI = 0, 1, 2
_INTENSITY, _TECHNOLOGY, _TRADE, _DEMAND = 0, 1, 2, 3


def _helper(function: Helper) -> Helper:
    """Compile for use inside the kernels, which fix the types, and in whose cache it is kept."""
    compiler: Any = njit(nogil=True)
    return cast("Helper", compiler(function))


def gauss_nodes(starts: Starts) -> tuple[Floats, Floats]:
    """Return Gauss–Legendre nodes and weights on [0, 1] for these paths.

    The rule of order m starts at m(m − 1)/2, and is left 0 where no path needs it. A path of n
    factors needs ceil(n/2) nodes, for products of n − 1 straight lines.
    """
    paths = np.bincount((np.diff(starts) + 2) // 2)
    last = paths.size - 1
    nodes, weights = np.zeros((2, last * (last + 1) // 2))
    for m in np.flatnonzero(paths):
        here = slice(m * (m - 1) // 2, m * (m + 1) // 2)
        x, w = np.polynomial.legendre.leggauss(m)
        nodes[here], weights[here] = (1.0 + x) / 2.0, w / 2.0
    return nodes, weights


@_helper
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


@_helper
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


@_helper
def _technology_part(a0: float, a1: float, c0: float, c1: float, split: float) -> float:
    """Return Δc·t̄ of Δa = Δc·t̄ + c̄·Δt as far as it is split, and all of the rest."""
    if split == 0.0:
        return a1 - a0
    return split * (c1 - c0) * 0.5 * (a0 / c0 + a1 / c1) + (1.0 - split) * (a1 - a0)


@_helper
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
        technology = _technology_part(f0[i], f1[i], c[0, i], c[1, i], c[2, i])
        e[i] = change * means[i]
        origin[i] = (change - technology) * means[i]
        kind[_TECHNOLOGY] += technology * means[i]
        kind[_TRADE] += origin[i]


@_helper
def _opposite(a: float, b: float) -> bool:
    """Say whether one is above and the other below 0; their product might underflow."""
    return (a < 0.0 < b) or (b < 0.0 < a)


@_helper
def _log_ratio(a0: float, a1: float) -> float:
    """Return ln(a1/a0) of two numbers of one sign."""
    change = (a1 - a0) / a0
    if abs(change) < 0.5:
        return math.log1p(change)
    ratio = a1 / a0
    if 0.0 < ratio < math.inf:
        return math.log(ratio)
    return math.log(abs(a1)) - math.log(abs(a0))


@_helper
def _log_mean(a0: float, a1: float, log: float) -> float:
    """Return Λ(a1, a0) = (a1 − a0)/ln(a1/a0), given that logarithm."""
    if abs(log) > 0.5:
        return (a1 - a0) / log
    if log == 0.0:
        return a0
    # a1 − a0 would cancel here.
    return a0 * (math.expm1(log) / log)


@_helper
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
            part = _technology_part(0.0, other[i], then, now, split)
            technology = share * (part / other[i])
        e[i], origin[i] = share, share - technology
        kind[_TECHNOLOGY] += technology
        kind[_TRADE] += origin[i]


@_helper
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
        logs[i] = _log_ratio(f0[i], f1[i])
        total += logs[i]
    mean = _log_mean(v0, v1, total)
    for i in range(n):
        e[i] = mean * logs[i]
    kind[_INTENSITY] = e[n - 1]
    scale = mean / _log_mean(f0[0], f1[0], logs[0])
    kind[_DEMAND] = scale * parts[0]
    origin[0] = scale * parts[1]
    kind[_TRADE] = origin[0]
    for i in range(1, n - 1):
        split = c[2, i]
        if split == 0.0:
            technology = e[i]
        elif _opposite(c[0, i], c[1, i]):
            # c and t have no logarithm though a has: its parts as those of y are.
            scale = mean / _log_mean(f0[i], f1[i], logs[i])
            technology = scale * _technology_part(f0[i], f1[i], c[0, i], c[1, i], split)
        else:
            technology = split * mean * _log_ratio(c[0, i], c[1, i]) + (1.0 - split) * e[i]
        origin[i] = e[i] - technology
        kind[_TECHNOLOGY] += technology
        kind[_TRADE] += origin[i]
    return True


@_helper
def _effects(
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
    """Return positions, origins, kinds, and the number of paths that LMDI left to Shapley."""
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


@kernel(_EFFECTS, *_PATHS, VECTOR, VECTOR)
def shapley_effects(
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
) -> tuple[Floats, Floats, Floats]:
    """Return the mean over all n! orders of change, Δf_i ∫₀¹ Π_{j≠i} [(1−t) f_j0 + t f_j1] dt."""
    positions, origins, kinds, _ = _effects(
        _SHAPLEY,
        starts,
        rows,
        before,
        after,
        s0,
        s1,
        required,
        demand_part,
        origin_part,
        nodes,
        weights,
    )
    return positions, origins, kinds


@kernel(_EFFECTS, *_PATHS)
def polar_effects(
    starts: Starts,
    rows: Codes,
    before: Floats,
    after: Floats,
    s0: Floats,
    s1: Floats,
    required: Floats,
    demand_part: Floats,
    origin_part: Floats,
) -> tuple[Floats, Floats, Floats]:
    """Return the mean of two orders of change: the factors as numbered, and reversed."""
    none = np.empty(0)
    positions, origins, kinds, _ = _effects(
        _POLAR, starts, rows, before, after, s0, s1, required, demand_part, origin_part, none, none
    )
    return positions, origins, kinds


@kernel(_EFFECTS_AND_COUNT, *_PATHS, VECTOR, VECTOR)
def lmdi_effects(
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
    """Return Λ(v1, v0) ln(f_i1/f_i0), and how many paths have no logarithm, as a sign changes.

    Those paths get their Shapley effects. Zeros are taken as the limit of small values.
    """
    return _effects(
        _LMDI,
        starts,
        rows,
        before,
        after,
        s0,
        s1,
        required,
        demand_part,
        origin_part,
        nodes,
        weights,
    )
