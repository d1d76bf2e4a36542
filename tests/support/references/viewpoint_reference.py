"""Income-based and technology-adjusted accounts as their definitions read, with dense inverses."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from carbonflows_fast.table import Table

Array = npt.NDArray[np.float64]


def enabled_by_ghosh(table: Table, s: Array) -> tuple[Array, Array]:
    """Value added and what it enables, v_i Σ_j g_ij s_j with G = (I − x̂⁻¹Z)⁻¹; rows with output."""
    x = table.x.to_numpy()
    Z, made = table.A.toarray() * x, x != 0
    v = np.where(made, x - Z.sum(axis=0), 0.0)
    B = Z[np.ix_(made, made)] / x[made][:, None]
    G = np.linalg.inv(np.eye(int(made.sum())) - B)
    values = np.zeros(table.n)
    values[made] = v[made] * (G @ s[made])
    return v, values


def above_average(table: Table, s: Array) -> Array:
    """What exports of each region emit above the average of all exports of the sector, by loops."""
    p, R = table.content, len(table.regions)
    L = np.linalg.inv(np.eye(table.n) - table.A.toarray())
    exported = np.zeros(table.n)
    for column, q in enumerate(p.demand_codes):
        made = L @ p.Y[:, column]
        exported += np.where(p.region_codes == q, 0.0, made)
    found = np.zeros(R)
    for sector in range(len(p.sectors)):
        rows = np.flatnonzero(p.sector_codes == sector)
        whole = exported[rows].sum()
        if abs(whole) <= 1e-9 * np.abs(exported[rows]).sum():
            continue
        average = (s * exported)[rows].sum() / whole
        for row in rows:
            found[p.region_codes[row]] += (s[row] - average) * exported[row]
    return found
