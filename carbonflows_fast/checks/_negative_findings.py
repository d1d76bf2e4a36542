"""Negative numbers: where they are, and what leaving them out would change.

The assumed repair is that of `repair`: negative deliveries become 0, and the output of their row
rises by the same amount. The purchases and emissions of the sector stay.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy.sparse as sp

from carbonflows_fast._base import sums
from carbonflows_fast._base.arrays import FloatArray
from carbonflows_fast._base.wording import count
from carbonflows_fast.accounting._region_flows import summed_by_group
from carbonflows_fast.checks._footprint_effects import Effects
from carbonflows_fast.checks._report import Finding, Severity
from carbonflows_fast.table import Table

__all__ = ["negative_emissions", "negative_matrices", "without_deliveries"]


def without_deliveries(
    table: Table, effects: Effects, rows: Any, lost: Any, lost_Y: Any, output: FloatArray
) -> FloatArray:
    """Return ΔC where rows lose negative deliveries and their outputs become what is given.

    With e_i = F_i + m'Z_i the emissions of a sector and of all that it buys, which stay, and
    g_i^(q) the output that consumers call for once nothing is given back,

        ΔC_q = Σ_i (e_i / x'_i) (x_i^(q) + g_i^(q)) − m_i x_i^(q)

    To first order this is m_i g_i^(q) − m_i x_i^(q) Δx_i / x_i. As written it adds up to 0 over all
    consumers, as it has to: the world emits what it did.

    Parameters
    ----------
    rows : ndarray of positions, shape (r,)
    lost, lost_Y : shapes (r, n) sparse and (r, m)
        Numbers ≤ 0 that leave these rows of Z and Y.
    output : ndarray, shape (r,)
        x' of these rows.

    Returns
    -------
    ndarray, shape (R,)
    """
    p, x = table.content, table.arrays.x
    # 0 for buyers without output, who call for nothing.
    per_unit = np.divide(1.0, x, out=np.zeros_like(x), where=x != 0)
    given_back = (lost * per_unit) @ effects.outputs
    final = np.ascontiguousarray(lost_Y)
    given_back += sums.sum_columns_by_group(final, p.demand_codes, len(p.regions))
    embodied = effects.embodied(table)[rows]
    right = np.divide(embodied, output, out=np.zeros_like(output), where=output != 0)
    before = effects.outputs[rows]
    change: FloatArray = right @ (before - given_back) - effects.m[rows] @ before
    return change


def negative_matrices(table: Table, A: Any, effects: Effects) -> Iterator[Finding]:
    """Report negative entries of A and Y; the effect is that of leaving them out."""
    Y = table.content.Y
    at = np.flatnonzero(A.data < 0)
    if len(at):
        rows = np.searchsorted(A.indptr, at, side="right") - 1
        change = effects.unknown()
        if effects.name:  # and x is known
            lost = sp.csr_array(table.Z.minimum(0.0))
            few = np.flatnonzero(np.diff(lost.indptr))
            none = np.zeros((len(few), Y.shape[1]))
            change = _left_out(table, effects, few, lost[few], none)
        yield _negative("A", "warning", table, rows, A.data[at], change)
    rows, finals = np.nonzero(Y < 0)
    if len(rows):
        change = effects.unknown()
        if effects.name:
            few = np.unique(rows)
            none = sp.csr_array((len(few), table.n))
            change = _left_out(table, effects, few, none, np.minimum(Y[few], 0.0))
        yield _negative("Y", "note", table, rows, Y[rows, finals], change)


def _left_out(table: Table, effects: Effects, rows: Any, lost: Any, lost_Y: Any) -> FloatArray:
    rise = np.asarray(lost.sum(axis=1)).ravel() + lost_Y.sum(axis=1)
    return without_deliveries(table, effects, rows, lost, lost_Y, table.arrays.x[rows] - rise)


def _negative(
    what: str, severity: Severity, table: Table, rows: Any, values: Any, change: Any
) -> Finding:
    """Count negative entries, and name the row of the largest."""
    worst = int(np.argmin(values))
    region, sector = table.rows[int(rows[worst])]
    units = table.content.row_units
    unit = f" {units[0]}" if what == "Y" and len(units) == 1 and units[0] else ""
    message = (
        f"{what}: {count(len(values), 'negative entry', 'negative entries')}, together "
        f"{values.sum():.6g}{unit}, the largest {values[worst]:.6g} in the row {region} {sector}"
    )
    return Finding(
        f"negative {what}", severity, region, sector, float(len(values)), message, change
    )


def negative_emissions(table: Table, effects: Effects) -> Iterator[Finding]:
    """Report negative entries of F (or S) and F_Y; the effect is that of leaving them out."""
    parts = table.content
    what = parts.emissions_kind
    for name, matrix in ((what, parts.emissions), ("F_Y", parts.F_Y)):
        if matrix is None:
            continue
        for k in np.flatnonzero((matrix < 0).any(axis=1)).tolist():
            values = matrix[k]
            count = int((values < 0).sum())
            worst = int(np.argmin(values))
            region, sector = table.rows[worst] if name != "F_Y" else table.demand[worst]
            message = (
                f"{name}: {count} negative in {parts.stressors[k]!r}, the largest "
                f"{values[worst]:.6g} in {region} {sector}"
            )
            if name == "F_Y":
                lost = summed_by_group(
                    np.minimum(values, 0.0), parts.demand_codes, len(parts.regions)
                )
            elif effects.name:
                lost = np.where(values < 0, table.arrays.S[k], 0.0) @ effects.outputs
            else:
                lost = effects.unknown()
            yield Finding(
                f"negative {name}",
                "note",
                region,
                sector,
                float(count),
                message,
                -effects.weights[k] * lost,
            )
