"""A price on emissions, charge by charge: loops over cells, the inverse, no sums of the library."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from carbonflows_fast.table import Table

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


@dataclass
class Expected:
    """What is charged and paid; money by collecting region (R,), by payer, by both."""

    increase: Array
    emissions: Array
    border: Array  # (R, R), collecting × origin
    rebates: Array
    flow: Array  # (R, R), collecting × payer
    sizes: float = field(default=0.0)

    @property
    def collected(self) -> float:
        return float(self.emissions.sum() + self.border.sum() - self.rebates.sum())


def expected_effects(
    table: Table,
    s: Array,
    rate: float,
    inside: Mask,
    paying: Mask,
    goods: Mask,
    border: str | None,
    rebate: str | None,
    share: Array,
) -> Expected:
    """Charge every cell of Z and Y by itself. Masks: regions (R,), rows (n,), rows (n,)."""
    p, n, R = table.content, table.n, len(table.regions)
    A, x = table.A.toarray(), table.x.to_numpy()
    Z, L = A * x, np.linalg.inv(np.eye(n) - A)
    region = p.region_codes
    home = inside[region]
    m_abroad, m_home = np.where(home, 0.0, s) @ L, np.where(home & paying, s, 0.0) @ L
    e_in = {None: 0 * s, "direct": s, "total": m_abroad}[border]
    e_out = {None: 0 * s, "direct": s, "total": m_home}[rebate]

    t = np.zeros((R, n))  # collected per unit of output of the column
    emissions, rebates, came = np.zeros(R), np.zeros(R), np.zeros((R, R))
    for i in range(n):
        if home[i] and paying[i]:
            t[region[i], i] += rate * share[i] * s[i]
            emissions[region[i]] += rate * share[i] * s[i] * x[i]
        if not goods[i]:
            continue
        for j in range(n):
            if not home[i] and home[j]:
                t[region[j], j] += rate * share[i] * e_in[i] * A[i, j]
                came[region[j], region[i]] += rate * share[i] * e_in[i] * Z[i, j]
            if home[i] and not home[j]:
                t[region[i], j] -= rate * share[i] * e_out[i] * A[i, j]
                rebates[region[i]] += rate * share[i] * e_out[i] * Z[i, j]
    rises = t @ L
    flow = np.zeros((R, R))
    for column, q in enumerate(p.demand_codes):
        y = p.Y[:, column]
        flow[:, q] += rises @ y
        for i in np.flatnonzero(goods):
            if not home[i] and inside[q]:
                paid = rate * share[i] * e_in[i] * y[i]
                flow[q, q] += paid
                came[q, region[i]] += paid
            if home[i] and not inside[q]:
                back = rate * share[i] * e_out[i] * y[i]
                flow[region[i], q] -= back
                rebates[region[i]] += back
    size = float(np.abs(t).sum(axis=0) @ np.abs(L) @ np.abs(p.Y).sum(axis=1))
    return Expected(rises.sum(axis=0), emissions, came, rebates, flow, size)


def trade_intensity(table: Table, inside: Mask, row: int) -> float:
    """(Exports + imports) / (output + imports) of a row, cell by cell."""
    p, x = table.content, table.x.to_numpy()
    Z, home = table.A.toarray() * x, inside[p.region_codes]
    out = Z[row, ~home].sum() + p.Y[row, ~inside[p.demand_codes]].sum()
    same = (p.sector_codes == p.sector_codes[row]) & ~home
    mine = p.region_codes == p.region_codes[row]
    mine_too = p.demand_codes == p.region_codes[row]
    came = Z[np.ix_(same, mine)].sum() + p.Y[np.ix_(same, mine_too)].sum()
    base: Any = x[row] + came
    return float((out + came) / base) if base > 0 else float("nan")
