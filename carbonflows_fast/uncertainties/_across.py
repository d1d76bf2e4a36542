"""What own errors of the same cells in two tables have in common, where they are correlated."""

from __future__ import annotations

import numpy as np

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast.errors import LabelError
from carbonflows_fast.uncertainties._answers import ACCOUNTS, WITH_DIRECT, Derivative
from carbonflows_fast.uncertainties._error_model._cells import (
    cells_of_stressor,
    cells_of_Y,
    cells_of_Z,
    product_of,
)
from carbonflows_fast.uncertainties._origins import Origins

__all__ = ["covariances_across"]


def covariances_across(before: Origins, after: Origins) -> FloatArray:
    """Return the covariance of each answer in two tables, if errors of a cell were one draw.

    Over the scales of both points. With W_ij the product of both d z_ij / x_i, and u and w either
    the ξ^q or their sum, of one table and the other, it is made of

        Σ_j W_ij (u_j − u_i)(w_j − w_i) = (W uw)_i − u_i (W w)_i − w_i (W u)_i + u_i w_i (W 1)_i.

    Raises
    ------
    LabelError
        If the tables have other cells.
    """
    _require_same_cells(before, after)
    passes = [_deliveries(before, after), _demand(before, after)]
    F = _emissions(before, after, "F")
    found = []
    for which in range(len(before.answers)):
        one, other = before.answers[which], after.answers[which]
        total = (F[:, None] * one.emitted * other.emitted).sum(axis=0)
        for terms in passes:
            total = total + _together(one, other, terms)
        found.append(total)
    made = np.stack(found, axis=1 if before.answers.of == "accounts" else 0)
    if before.answers.of == "accounts":
        own = _emissions(before, after, "F_Y")
        p = before.table.content
        direct = sums.sum_by_group(own[:, None], p.demand_codes, len(p.regions))
        made += direct * np.isin(ACCOUNTS, WITH_DIRECT)
    return made


Terms = dict[tuple[str, str], FloatArray]
"""Σ_j W_ij (u_j − u_i)(w_j − w_i), for u and w each a share ("a") or the surplus ("f")."""


def _together(one: Derivative, other: Derivative, terms: Terms) -> FloatArray:
    """Return Σ_i of the product of both derivatives, for each region."""
    factors = [{"a": each.along, "f": each.beyond} for each in (one, other)]
    total = np.zeros((len(one.emitted), 1))
    for (u, w), term in terms.items():
        total = total + factors[0][u] * factors[1][w] * term
    found: FloatArray = total.sum(axis=0)
    return found


def _deliveries(before: Origins, after: Origins) -> Terms:
    if before.errors.Z is None or after.errors.Z is None:
        return {}
    cells = product_of(*(cells_of_Z(one.table, one.errors.Z, 1) for one in (before, after)))
    here, there = ({"a": one.at.centred, "f": one.at.surplus} for one in (before, after))
    one = cells.times(np.ones((before.table.n, 1)))
    left, right = ({key: cells.times(u) for key, u in of.items()} for of in (here, there))
    return {
        (a, b): cells.times(u * w) - u * right[b] - w * left[a] + u * w * one
        for a, u in here.items()
        for b, w in there.items()
    }


def _demand(before: Origins, after: Origins) -> Terms:
    """Return the same for final buyers, whose ξ^q is 1 for their own region and 0 for others."""
    if before.errors.Y is None or after.errors.Y is None:
        return {}
    cells = [cells_of_Y(one.table, one.errors.Y) for one in (before, after)]
    p = before.table.content
    W = sums.sum_columns_by_group(cells[0] * cells[1], p.demand_codes, len(p.regions))
    here, there = ({"a": one.at.shares, "f": one.at.surplus} for one in (before, after))
    one, zero = W.sum(axis=1, keepdims=True), np.zeros_like(W)
    bought = {"a": W, "f": zero}
    return {
        (a, b): (W if a == b == "a" else zero) - u * bought[b] - w * bought[a] + u * w * one
        for a, u in here.items()
        for b, w in there.items()
    }


def _emissions(before: Origins, after: Origins, source: str) -> FloatArray:
    """Return Σ of the products of both tables' deviations over stressors, by row or column of Y."""
    pairs = [(one, getattr(one.errors, source)) for one in (before, after)]
    if any(given is None for _, given in pairs):
        p = before.table.content
        return np.zeros(before.table.n if source == "F" else len(p.demand_codes))
    one, other = (
        cells_of_stressor(of.table, of.stressor, source, given) / of.at.scale for of, given in pairs
    )
    found: FloatArray = (one * other).sum(axis=0)
    return found


def _require_same_cells(before: Origins, after: Origins) -> None:
    for name, one, other in (
        ("rows", before.table.rows, after.table.rows),
        ("columns of Y", before.table.demand, after.table.demand),
        ("stressors that are counted", before.stressor.counted, after.stressor.counted),
    ):
        if list(one) != list(other):
            raise LabelError.about(
                "correlation",
                expected=f"the same {name} in both tables, in the same order",
                got="another order" if sorted(one) == sorted(other) else "others",
                remedy="leave it out for errors that are independent",
            )
