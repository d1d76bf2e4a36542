"""Inputs as requirement × origin, final demand as level × mix × origin: parts of their changes.

The parts of a change add up to it. Where a split is not defined, because a sum over origins is
zero in a year, the other year's origin shares stand in, so that all goes to technology (inputs) or
to level and mix (final demand).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from carbonflows_fast._machine import thread_count
from carbonflows_fast._pair import Pair
from carbonflows_fast._parts import FloatArray

__all__ = ["DemandParts", "demand_parts", "requirements", "trade_parts"]


def requirements(pair: Pair) -> tuple[FloatArray, FloatArray]:
    """Return c of both years, (P, n): what column j needs of product p, whatever its origin."""
    codes = pair.product_codes
    products = int(codes.max()) + 1
    c0, c1 = (
        end.tiles.core.row_group_sums(codes, products, thread_count()).reshape(products, pair.n)
        for end in (pair.before, pair.after)
    )
    return c0, c1


def trade_part(a0: Any, a1: Any, c0: Any, c1: Any) -> Any:
    """Return c̄·Δt of coefficients a with requirements c, t = a / c: the part of Δa due to origins.

    The rest, Δa less this, is Δc·t̄, due to technology.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        t0, t1 = a0 / c0, a1 / c1
    t0, t1 = np.where(c0 == 0, t1, t0), np.where(c1 == 0, t0, t1)
    return np.where((c0 == 0) | (c1 == 0), 0.0, 0.5 * (c0 + c1) * (t1 - t0))


def trade_parts(pair: Pair) -> FloatArray:
    """Return the trade part of the change of every entry of the union."""
    pattern, a0, a1 = pair.union
    c0, c1 = requirements(pair)
    here = np.repeat(pair.product_codes, np.diff(pattern.indptr)), pattern.indices
    part: FloatArray = trade_part(a0, a1, c0[here], c1[here])
    return part


@dataclass(frozen=True, slots=True, eq=False)
class DemandParts:
    """Parts of ΔY, each (n, q) in tile order; they add up to it.

    level, mix, origin : by the three-factor Shapley average
    unsplit : cells without a split
    heads : the part of `level` that is due to population, or None
    """

    level: FloatArray
    mix: FloatArray
    origin: FloatArray
    unsplit: FloatArray
    heads: FloatArray | None


def demand_parts(pair: Pair) -> DemandParts:
    """Split the change of final demand, consumer by consumer."""
    from carbonflows_fast import _kernels

    Y0, Y1 = pair.before.Y, pair.after.Y
    codes, products = pair.product_codes, int(pair.product_codes.max()) + 1
    B0, B1 = (_kernels.sum_by_group(Y, codes, products) for Y in (Y0, Y1))
    l0, l1 = B0.sum(axis=0), B1.sum(axis=0)
    B0, B1 = B0[codes], B1[codes]
    with np.errstate(divide="ignore", invalid="ignore"):
        o0, o1 = Y0 / B0, Y1 / B1
        b0, b1 = B0 / l0, B1 / l1
    lost = ((B0 == 0) & (Y0 != 0)) | ((B1 == 0) & (Y1 != 0)) | (l0 == 0) | (l1 == 0)
    o0, o1 = np.where(B0 == 0, o1, o0), np.where(B1 == 0, o0, o1)
    # A product that nobody buys in either year has no origin and no part.
    b0, b1, o0, o1 = (np.where(lost | (B0 == 0) & (B1 == 0), 0.0, f) for f in (b0, b1, o0, o1))
    unit = _mean_of_two(b0, b1, o0, o1)
    change = {
        "level": (l1 - l0) * unit,
        "mix": (b1 - b0) * _mean_of_two(l0, l1, o0, o1),
        "origin": (o1 - o0) * _mean_of_two(l0, l1, b0, b1),
    }
    unsplit = np.where(lost, Y1 - Y0, 0.0)
    return DemandParts(**change, unsplit=unsplit, heads=_heads(pair, l0, l1, unit))


def _mean_of_two(f0: Any, f1: Any, g0: Any, g1: Any) -> Any:
    """Return the Shapley mean of f g, two of three factors: ∫ f(t) g(t) dt on straight lines."""
    return (f0 * g0 + f1 * g1) / 3.0 + (f0 * g1 + f1 * g0) / 6.0


def _heads(pair: Pair, l0: FloatArray, l1: FloatArray, unit: FloatArray) -> FloatArray | None:
    """Return the part of the level that is due to population, if both tables know all of it."""
    p0, p1 = (end.table._parts.population for end in (pair.before, pair.after))
    if p0 is None or p1 is None or p0.size != l0.size:
        return None
    if not (np.isfinite(p0) & np.isfinite(p1) & (p0 > 0) & (p1 > 0)).all():
        return None
    part: FloatArray = (p1 - p0) * 0.5 * (l0 / p0 + l1 / p1) * unit
    return part
