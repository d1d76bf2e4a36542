"""Logarithmic mean Divisia decomposition of all products s_i l_ij y_j, in blocks of columns.

The inverse is needed entry by entry, a block of its columns at a time; that is why it is not for
large tables.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.decomposition._factor_splits import trade_parts
from carbonflows_fast.decomposition._two_tables import TwoTables
from carbonflows_fast.errors import InputError

__all__ = ["lmdi_effects"]

MOST_ROWS = 2000
BLOCK = 128


def lmdi_effects(pair: TwoTables, demand: dict[str, FloatArray]) -> dict[str, float]:
    """Return the effects of intensity, technology and trade, and of the parts of ΔY in `demand`.

    Raises
    ------
    InputError
        If the tables are too large or have negative entries.
    """
    _, a0, a1 = pair.union
    if pair.n > MOST_ROWS:
        raise InputError.about(
            "method",
            expected=f"'lmdi' for at most {MOST_ROWS:,} rows, since it needs every "
            "entry of the Leontief inverse",
            got=f"{pair.n:,} rows",
            remedy="use 'integral', or aggregate the tables",
        )
    lowest = min(
        a0.min(initial=0.0),
        a1.min(initial=0.0),
        *(min(year.s.min(), year.y.min()) for year in pair.years),
    )
    if lowest < 0:
        raise InputError.about(
            "method",
            expected="'lmdi' for tables without negative entries, which have no logarithm",
            got=f"an entry of {lowest:.3g}",
            remedy="use 'integral'",
        )
    trade = trade_parts(pair)
    both = [pair.on_pattern(part) for part in (a1 - a0 - trade, trade)]
    systems = [pair.system_of_year(0), pair.system_of_year(1)]
    s0, s1, y0, y1 = pair.before.s, pair.after.s, pair.before.y, pair.after.y
    sums = {"intensity": 0.0, "technology": 0.0, "trade": 0.0}
    per_demand = np.zeros(pair.n)  # the effect of Δy_j, for a unit of it
    for first in range(0, pair.n, BLOCK):
        columns = np.arange(first, min(first + BLOCK, pair.n))
        unit = np.zeros((pair.n, columns.size))
        unit[columns, np.arange(columns.size)] = 1.0
        X0, X1 = (_positive(prepared.solve(unit, rtol=1e-12).values) for prepared in systems)
        of_s, of_L, of_y = per_unit((s0[:, None], X0, y0[columns]), (s1[:, None], X1, y1[columns]))
        sums["intensity"] += float((of_s * (s1 - s0)[:, None]).sum())
        for name, part in zip(("technology", "trade"), both, strict=True):
            # ΔL = L₁ ΔA L₀ = L₀ ΔA L₁: technology and trade share it by the mean of both.
            inner = systems[1].solve(part @ X0).values + systems[0].solve(part @ X1).values
            sums[name] += float((of_L * 0.5 * inner).sum())
        per_demand[columns] = of_y.sum(axis=0)
    return sums | {n: float(per_demand @ part.sum(axis=1)) for n, part in demand.items()}


def per_unit(before: tuple[Any, ...], after: tuple[Any, ...]) -> list[FloatArray]:
    """Return for each factor of a product its effect for a unit of its change.

    Λ(v)/Λ(f) where both values are positive. A value that is new or vanishes is shared equally
    among the factors that are zero where it is: the limit of ever smaller positive ones.
    """
    from carbonflows_fast.decomposition._logarithms import log_mean

    v0, v1 = np.prod(np.broadcast_arrays(*before), 0), np.prod(np.broadcast_arrays(*after), 0)
    mean = log_mean(v1, v0)
    zeros0 = sum((f == 0).astype(np.int64) for f in before)
    zeros1 = sum((f == 0).astype(np.int64) for f in after)
    steady, new, gone = (v0 > 0) & (v1 > 0), (v0 == 0) & (v1 > 0), (v0 > 0) & (v1 == 0)
    units = []
    with np.errstate(divide="ignore", invalid="ignore"):
        for f0, f1 in zip(before, after, strict=True):
            unit = np.where(steady, mean / log_mean(f1, f0), 0.0)
            unit = np.where(new & (f0 == 0), v1 / zeros0 / f1, unit)
            units.append(np.where(gone & (f1 == 0), v0 / zeros1 / f0, unit))
    return units


def _positive(X: FloatArray) -> FloatArray:
    """Return columns of L without what is rounding only: zeros must be zeros for a logarithm."""
    least = 1e-15 * X.max(axis=0)
    cleaned: FloatArray = np.where(least < X, X, 0.0)
    return cleaned
